import type { DuckDBAppender, DuckDBConnection, DuckDBPreparedStatement, DuckDBResult, Json } from "@duckdb/node-api";
import type { PoolLanes } from "./pool-lanes.js";

/**
 * One connection of the engine. It has at most one open result, and runs one statement at a time: DuckDB truncates an
 * open result, without a word, when a second statement starts.
 */
export class EngineConnection {
  constructor(
    private readonly driver: DuckDBConnection,
    private readonly lanes: PoolLanes,
  ) {}

  /** Runs statements that take no time to speak of. */
  async execute(sql: string): Promise<void> {
    await this.lanes.short(() => this.driver.run(sql));
  }

  /** Runs a statement that looks at the beginning of files, and gives its rows. A submit must not wait behind a long run. */
  async read(sql: string): Promise<Record<string, Json>[]> {
    return this.lanes.short(async () => (await this.driver.run(sql)).getRowObjectsJson());
  }

  /** Runs a statement that may read whole files, and gives its rows. */
  async scan(sql: string): Promise<Record<string, Json>[]> {
    return this.lanes.long(async () => (await this.driver.run(sql)).getRowObjectsJson());
  }

  async prepare(sql: string): Promise<DuckDBPreparedStatement> {
    return this.lanes.short(() => this.driver.prepare(sql));
  }

  /** The whole result of a prepared statement that has few rows. */
  async result(statement: DuckDBPreparedStatement): Promise<DuckDBResult> {
    return this.lanes.short(() => statement.run());
  }

  /** @param name `catalog.schema.table`, in which nothing needs quotes. */
  async appender(name: string): Promise<DuckDBAppender> {
    const [catalog, schema, table = ""] = name.split(".");
    return this.driver.createAppender(table, schema, catalog);
  }

  /** Ends the statement that runs, if one runs. One that is only about to run goes on: ask again. */
  interrupt(): void {
    this.driver.interrupt();
  }

  disconnect(): void {
    this.driver.disconnectSync();
  }
}
