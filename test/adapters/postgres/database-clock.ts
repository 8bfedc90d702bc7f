import pg from "pg";
import { ManualClock } from "../../../src/testing/manual-clock.js";

/** A clock that a test turns, for the process and for one database: there, `clock_timestamp()` gives its time. */
export class DatabaseClock extends ManualClock {
  readonly #pool: pg.Pool;

  private constructor(url: string) {
    super();
    this.#pool = new pg.Pool({ connectionString: url, max: 1 });
    this.#pool.on("error", () => undefined);
  }

  static async of(url: string): Promise<DatabaseClock> {
    const clock = new DatabaseClock(url);
    await clock.#pool.query(`create schema clock;
      create table clock.stand (at timestamptz);
      insert into clock.stand values (now());
      create function clock.clock_timestamp() returns timestamptz language sql as 'select at from clock.stand';
      alter database ${new URL(url).pathname.slice(1)} set search_path = public, clock, pg_catalog`);
    await clock.#tell();
    return clock;
  }

  override async advance(byMs: number): Promise<void> {
    await super.advance(byMs);
    await this.#tell();
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  #tell(): Promise<unknown> {
    const text = "update clock.stand set at = timestamptz 'epoch' + $1::bigint * interval '1 millisecond'";
    return this.#pool.query(text, [this.now()]);
  }
}
