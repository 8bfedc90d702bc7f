import duckdb, { type Database as Handle } from "@duckdb/node-bindings";
import { EngineConnection } from "./engine-connection.js";
import type { DuckDBEngineOptions } from "./engine-options.js";
import { ThreadLanes } from "./thread-lanes.js";

/** Connections kept open for the next query. */
const IDLE_CONNECTIONS = 8;

/** One DuckDB instance and its idle connections. */
export class Database {
  /** For calls that are short by nature. */
  readonly short = new ThreadLanes(1);
  /** For calls that wait for rows. */
  readonly long = new ThreadLanes(2);
  private readonly idle: EngineConnection[] = [];
  private closed = false;

  private constructor(private readonly handle: Handle) {}

  static async open(options: DuckDBEngineOptions): Promise<Database> {
    const config = duckdb.create_config();
    for (const [name, value] of settings(options)) duckdb.set_config(config, name, value);
    const database = new Database(await duckdb.open(":memory:", config));
    // All threads are DuckDB's own: no statement needs one of libuv's to make progress.
    await database.use((connection) => connection.execute("set external_threads = 0"));
    return database;
  }

  /** A connection for as long as `act` takes, which must leave no transaction and no result open. */
  async use<T>(act: (connection: EngineConnection) => Promise<T>): Promise<T> {
    const connection = await this.connect();
    try {
      return await act(connection);
    } finally {
      this.release(connection);
    }
  }

  async connect(): Promise<EngineConnection> {
    return (
      this.idle.pop() ??
      new EngineConnection(await this.short.run(() => duckdb.connect(this.handle)), this.short)
    );
  }

  /** Takes back a connection that has no open transaction and no open result. */
  release(connection: EngineConnection): void {
    if (!this.closed && this.idle.length < IDLE_CONNECTIONS) this.idle.push(connection);
    else connection.disconnect();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const connection of this.idle.splice(0)) connection.disconnect();
    duckdb.close_sync(this.handle);
  }
}

function* settings(options: DuckDBEngineOptions): Generator<[name: string, value: string]> {
  yield ["autoinstall_known_extensions", "false"];
  yield ["autoload_known_extensions", "false"];
  if (options.threads !== undefined) yield ["threads", String(options.threads)];
  if (options.memoryLimit !== undefined) yield ["memory_limit", options.memoryLimit];
  if (options.tempLimit !== undefined) yield ["max_temp_directory_size", options.tempLimit];
  if (options.tempDirectory !== undefined) yield ["temp_directory", options.tempDirectory];
}
