import mysql, { type Pool, type PoolConnection } from "mysql2";
import { ManualClock } from "../../../../src/testing/manual-clock.js";
import { turnedConnection, turnedPool, type Turn } from "./turned-pool.js";

/** How the ledger's statements ask what time it is. */
const TIME = /\b(utc_timestamp|sysdate)\(6\)/g;

/**
 * A clock that a test turns, for the process and for what goes through its connections: there the database has this time.
 * No session can set what `sysdate()` gives, so the statements are changed on their way.
 */
export class DatabaseClock extends ManualClock {
  readonly #pools: Pool[] = [];
  readonly #own: Pool;

  constructor(private readonly url: string) {
    super();
    this.#own = this.#pool(1);
  }

  // Time passes for the database, too: no faster than it answers.
  override async advance(byMs: number): Promise<void> {
    await super.advance(byMs);
    await this.query(["do 0"]);
  }

  /** Runs statements without the ledger. */
  async query(statements: readonly string[]): Promise<void> {
    for (const statement of statements) await this.#own.promise().query(statement);
  }

  /** A pool of such connections. */
  pool(): Pool {
    return turnedPool(this.#pool(8), this.#turn);
  }

  /** One such connection beside the pools. */
  connection(): Promise<PoolConnection> {
    return new Promise((resolve, reject) => {
      this.#pool(1).getConnection((error, connection) => {
        if (error) reject(error);
        else resolve(turnedConnection(connection, this.#turn));
      });
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.promise().end()));
  }

  readonly #turn: Turn = (connection, asked, done) => {
    const at = new Date(this.now()).toISOString().replace("T", " ").replace("Z", "");
    connection.query(`set @now = cast('${at}' as datetime(6))`);
    connection.execute({ ...asked, sql: asked.sql.replaceAll(TIME, "@now") }, done);
  };

  #pool(connectionLimit: number): Pool {
    const pool = mysql.createPool({ uri: this.url, connectionLimit });
    this.#pools.push(pool);
    return pool;
  }
}
