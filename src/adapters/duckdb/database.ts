import { availableParallelism, tmpdir } from "node:os";
import { resolve } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { causeChain, JobError } from "../../model/job-error.js";
import { EngineConnection } from "./engine-connection.js";
import { defaultMemoryLimit, type DuckDBEngineOptions } from "./engine-options.js";
import { FedBatches } from "./fed-batches.js";
import { WORKING_CATALOG, WORKING_SCHEMA } from "./found-table.js";
import { quoteList, quoteText } from "./quote.js";
import { PoolLanes } from "./pool-lanes.js";
import { TempFolder } from "./temp-folder.js";

/** Connections kept open for the next query. */
const IDLE_CONNECTIONS = 8;

/** What a query may still set once the instance is locked: it is how its own transaction is told apart. */
const SETTINGS_PER_QUERY = ["current_transaction_invalidation_policy", "streaming_buffer_size"];

/** One DuckDB instance: its settings, its idle connections and its folder for what does not fit in memory. */
export class Database {
  /** The way of every call into libuv's pool. */
  readonly lanes = new PoolLanes();
  /** Rows from outside, for statements of the instance. */
  readonly fed = new FedBatches();
  private readonly idle: EngineConnection[] = [];
  private closed = false;

  private constructor(
    private readonly instance: DuckDBInstance,
    private readonly tempFolder: TempFolder,
  ) {}

  /**
   * @param reachable files, and folders (ending in `/`), that may be read; nothing else can be, from here on.
   * @throws JobError, with `field`, when an option names what cannot be used.
   */
  static async open(options: DuckDBEngineOptions, reachable: readonly string[]): Promise<Database> {
    const tempFolder = await makeTempFolder(options);
    let database: Database | undefined;
    try {
      // The driver's cache knows every file that any instance of this process has open, and refuses to open one twice.
      // Two instances that did would lose each other's rows without an error.
      database = new Database(await DuckDBInstance.fromCache(":memory:", config(options)), tempFolder);
      await database.use((connection) => Promise.resolve(connection.register(database!.fed.tableFunction)));
      await database.openWorkFile(options);
      await database.lockDown(options, reachable);
      return database;
    } catch (error) {
      if (database !== undefined) await database.close();
      else await tempFolder.remove();
      throw error;
    }
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
    const idle = this.idle.pop();
    if (idle !== undefined) return idle;
    return new EngineConnection(await this.lanes.short(() => this.instance.connect()), this.lanes);
  }

  /** Takes back a connection that has no open transaction and no open result. */
  release(connection: EngineConnection, reusable = true): void {
    if (reusable && !this.closed && this.idle.length < IDLE_CONNECTIONS) this.idle.push(connection);
    else connection.disconnect();
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const connection of this.idle.splice(0)) connection.disconnect();
    this.instance.closeSync();
    await this.tempFolder.remove();
  }

  /** Attaches what holds the engine's own tables; what an engine that died left there is dropped. */
  private async openWorkFile({ path }: DuckDBEngineOptions): Promise<void> {
    const schema = `${WORKING_CATALOG}.${WORKING_SCHEMA}`;
    try {
      await this.use((connection) =>
        connection.execute(
          `attach ${quoteText(path === undefined ? ":memory:" : resolve(path))} as ${WORKING_CATALOG};
           drop schema if exists ${schema} cascade;
           create schema ${schema}`,
        ),
      );
    } catch (error) {
      throw new JobError("connection_unavailable", {
        message: `The engine's file cannot be opened: ${causeChain(error)}`,
        hint: "A DuckDB file is open once: in one process, by one engine or connection.",
        field: "path",
        cause: error,
      });
    }
  }

  /** In this order: each of these closes the door behind the one before, for the life of the instance. */
  private async lockDown({ path, tempLimit }: DuckDBEngineOptions, reachable: readonly string[]): Promise<void> {
    const files = reachable.filter((file) => !file.endsWith("/"));
    if (path !== undefined) files.push(resolve(path), `${resolve(path)}.wal`);
    const statements = [
      // All threads are DuckDB's own: no statement needs one of libuv's to make progress.
      "set external_threads = 0",
      // Threads look up from a query every 100,000 rows or so: for an interrupt, which they otherwise miss in the middle of
      // a cross product, and for the other queries.
      "set scheduler_process_partial = true",
      // Instants are shown, and cut into days, in UTC whatever the machine says.
      "set TimeZone = 'UTC'",
      // Where there is no room to lay tables in memory out anew, DuckDB would give all of them up for good, in the middle of a
      // load. Files are laid out anew when they are detached.
      ...(path === undefined ? ["set wal_autocheckpoint = '1TB'"] : []),
      `set temp_directory = ${quoteText(this.tempFolder.path)}`,
      // As an option of the instance this limit is ignored, silently; as a setting it holds.
      ...(tempLimit === undefined ? [] : [`set max_temp_directory_size = ${quoteText(tempLimit)}`]),
      `set allowed_directories = ${quoteList(reachable.filter((file) => file.endsWith("/")))}`,
      `set allowed_paths = ${quoteList(files)}`,
      `set allowed_configs = ${quoteList(SETTINGS_PER_QUERY)}`,
      "set enable_external_access = false",
      "set lock_configuration = true",
    ];
    await this.use((connection) => connection.execute(statements.join(";")));
  }
}

async function makeTempFolder({ tempDirectory }: DuckDBEngineOptions): Promise<TempFolder> {
  const parent = resolve(tempDirectory ?? tmpdir());
  try {
    return await TempFolder.make(parent);
  } catch (error) {
    throw new JobError("invalid_definition", {
      message: `No folder can be made in ${parent}: ${causeChain(error)}.`,
      hint: "Name a folder that is there and can be written as tempDirectory of DuckDBEngine.",
      field: "tempDirectory",
      cause: error,
    });
  }
}

function config(options: DuckDBEngineOptions): Record<string, string> {
  return {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    // One thread stands by: a step of a cross product cannot be left before its end, and holds the thread that is in it.
    threads: String((options.threads ?? availableParallelism()) + 1),
    memory_limit: options.memoryLimit ?? defaultMemoryLimit(),
  };
}
