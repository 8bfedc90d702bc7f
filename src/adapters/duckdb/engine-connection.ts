import { DuckDBMaterializedResult, DuckDBPreparedStatement } from "@duckdb/node-api";
import duckdb, { type Connection, type PreparedStatement } from "@duckdb/node-bindings";
import type { ThreadLanes } from "./thread-lanes.js";

/** A statement that is prepared. `api` is the driver's view of it, `raw` its handle. */
export interface Prepared {
  readonly raw: PreparedStatement;
  readonly api: DuckDBPreparedStatement;
}

/** One connection of the engine: it has at most one open result, and one statement at a time. */
export class EngineConnection {
  constructor(
    readonly raw: Connection,
    /** Where calls that are short by nature wait for libuv's pool. */
    private readonly short: ThreadLanes,
  ) {}

  /** Runs statements that take no time to speak of; the result is the last one's. */
  async execute(sql: string): Promise<DuckDBMaterializedResult> {
    return new DuckDBMaterializedResult(await this.short.run(() => duckdb.query(this.raw, sql)));
  }

  async prepare(sql: string): Promise<Prepared> {
    const raw = await this.short.run(() => duckdb.prepare(this.raw, sql));
    return { raw, api: new DuckDBPreparedStatement(raw) };
  }

  /** As {@link execute}, for a prepared statement. */
  async executePrepared({ raw }: Prepared): Promise<DuckDBMaterializedResult> {
    return new DuckDBMaterializedResult(await this.short.run(() => duckdb.execute_prepared(raw)));
  }

  /** Ends the statement that runs, if one runs. One that is only about to run goes on: ask again. */
  interrupt(): void {
    duckdb.interrupt(this.raw);
  }

  disconnect(): void {
    duckdb.disconnect_sync(this.raw);
  }
}
