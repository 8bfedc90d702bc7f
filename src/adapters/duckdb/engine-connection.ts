import type {
  DuckDBAppender,
  DuckDBConnection,
  DuckDBPendingResult,
  DuckDBPreparedStatement,
  DuckDBResult,
  DuckDBTableFunction,
  Json,
} from "@duckdb/node-api";
import { pause } from "./pause.js";
import type { PoolLanes } from "./pool-lanes.js";
import { resultReady } from "./result-ready.js";

/** Begins a transaction in which every error, also one that DuckDB does not report, refuses what follows. */
export const BEGIN = "begin; set current_transaction_invalidation_policy = 'ALL_ERRORS_INVALIDATE_TRANSACTION'";

/**
 * One connection of the engine. It has at most one open result, and runs one statement at a time: DuckDB truncates an
 * open result, without a word, when a second statement starts.
 */
export class EngineConnection {
  private streamingBuffer: string | undefined;

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

  /**
   * Runs statements that may take long on DuckDB's own threads, one after the other, and gives the rows of the last. No
   * thread of libuv's pool is held meanwhile.
   */
  async work(sql: string): Promise<Record<string, Json>[]> {
    const statements = await this.lanes.short(() => this.driver.extractStatements(sql));
    let rows: Record<string, Json>[] = [];
    for (let index = 0; index < statements.count; index += 1) {
      rows = await this.worked(await this.lanes.short(() => statements.prepare(index)));
    }
    return rows;
  }

  /** As {@link work}, for a statement that is prepared, and is destroyed here. */
  async worked(statement: DuckDBPreparedStatement): Promise<Record<string, Json>[]> {
    try {
      return await this.ended(statement.start());
    } finally {
      statement.destroySync();
    }
  }

  /** Waits for a statement that was started, as {@link work} does, and gives its rows. */
  async ended(pending: DuckDBPendingResult): Promise<Record<string, Json>[]> {
    await resultReady(pending);
    return this.lanes.short(async () => (await pending.getResult()).getRowObjectsJson());
  }

  /**
   * Begins a transaction in which every error, also one that DuckDB does not report, refuses what follows: so the end of
   * a result is proven.
   */
  async begin(): Promise<void> {
    await this.execute(BEGIN);
  }

  /** Rejects when the transaction has failed, of which COMMIT says nothing: it keeps nothing then. */
  async commit(): Promise<void> {
    await this.execute("select 1; commit");
  }

  /** @param size how much DuckDB computes ahead of who reads, such as `1MB`. */
  async computeAhead(size: "1KB" | "1MB"): Promise<void> {
    // The connection keeps the setting, and each statement costs as much as a tiny query.
    if (this.streamingBuffer === size) return;
    await this.execute(`set streaming_buffer_size = '${size}'`);
    this.streamingBuffer = size;
  }

  async prepare(sql: string): Promise<DuckDBPreparedStatement> {
    return this.lanes.short(() => this.driver.prepare(sql));
  }

  /** The whole result of a prepared statement that has few rows. */
  async result(statement: DuckDBPreparedStatement): Promise<DuckDBResult> {
    return this.lanes.short(() => statement.run());
  }

  /** @param name with its catalogue and schema, and no quotes. */
  async appender(name: string): Promise<DuckDBAppender> {
    const [catalog, schema, table = ""] = name.split(".");
    return this.lanes.short(() => this.driver.createAppender(table, schema, catalog));
  }

  /** Makes a function known to the whole instance. */
  register(tableFunction: DuckDBTableFunction): void {
    this.driver.registerTableFunction(tableFunction);
  }

  /** Interrupts until `call` has settled: an interrupt that comes before its statement, or between two, is lost. */
  async interrupted<T>(call: Promise<T>): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    const done = call.then(settle, settle);
    await new Promise(setImmediate);
    for (let round = 0; !settled; round += 1) {
      this.driver.interrupt();
      await Promise.race([done, pause(round)]);
    }
    return call;
  }

  /**
   * Runs `act`, of which every statement is interrupted once a signal is aborted. DuckDB looks up between the passes of its
   * planner: an expression that it computes while it plans goes on to its own end.
   */
  async interruptible<T>(signals: readonly AbortSignal[], act: () => Promise<T>): Promise<T> {
    for (const signal of signals) signal.throwIfAborted();
    const work = act();
    const abort = (): void => void this.interrupted(work).catch(() => undefined);
    for (const signal of signals) signal.addEventListener("abort", abort, { once: true });
    try {
      return await work;
    } finally {
      for (const signal of signals) signal.removeEventListener("abort", abort);
    }
  }

  disconnect(): void {
    this.driver.disconnectSync();
  }
}
