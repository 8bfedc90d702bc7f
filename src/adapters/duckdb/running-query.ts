import { DuckDBDataChunk } from "@duckdb/node-api";
import duckdb, { type PendingResult, type Result } from "@duckdb/node-bindings";
import { runError } from "./engine-error.js";
import type { Database } from "./database.js";
import type { EngineConnection, Prepared } from "./engine-connection.js";
import { pause } from "./pause.js";

/**
 * A query that runs on a connection of its own, inside a transaction that exists to prove its end.
 *
 * DuckDB ends a streamed result that fails midway, or is interrupted, like one that is complete; but the failure aborts
 * the transaction, and the next statement in it is refused.
 */
export class RunningQuery {
  private result: Result | undefined;
  private inFlight: Promise<unknown> = Promise.resolve();
  private ended: Promise<void> | undefined;

  private constructor(
    private readonly database: Database,
    private readonly connection: EngineConnection,
    private readonly pending: PendingResult,
  ) {}

  /** The connection must be inside {@link beginProbed}. From here on the query owns it. */
  static start(database: Database, connection: EngineConnection, statement: Prepared): RunningQuery {
    const pending = duckdb.pending_prepared_streaming(statement.raw);
    statement.api.destroySync();
    return new RunningQuery(database, connection, pending);
  }

  /** The next rows; null at the end, which is not yet proven. One call at a time. */
  async fetch(): Promise<DuckDBDataChunk | null> {
    const call = this.fetchNow();
    this.inFlight = call.catch(() => undefined);
    return call;
  }

  /** Rejects unless the rows that were fetched are all rows. */
  async proveEnd(): Promise<void> {
    try {
      await this.connection.execute("select 1");
    } catch (error) {
      throw runError(error);
    }
  }

  /** Stops what still runs and gives the connection back. May be called more than once. */
  end(): Promise<void> {
    this.ended ??= this.endNow();
    return this.ended;
  }

  /** Stops what runs: the call in flight settles soon after. */
  interrupt(): void {
    this.connection.interrupt();
  }

  private async fetchNow(): Promise<DuckDBDataChunk | null> {
    try {
      this.result ??= await this.firstResult();
      const { result } = this;
      const chunk = await this.database.long.run(() => duckdb.fetch_chunk(result));
      return chunk === null || duckdb.data_chunk_get_size(chunk) === 0 ? null : new DuckDBDataChunk(chunk);
    } catch (error) {
      throw runError(error);
    }
  }

  /** Waits without holding a thread of libuv's pool: DuckDB's own threads do the work. */
  private async firstResult(): Promise<Result> {
    const { PendingState } = duckdb;
    for (let round = 0; ; round += 1) {
      const state = duckdb.pending_execute_check_state(this.pending);
      // Despite its name, ERROR is also the state of a query that is finished.
      if (state === PendingState.RESULT_READY || state === PendingState.ERROR) break;
      await pause(round);
    }
    return this.database.short.run(() => duckdb.execute_pending(this.pending));
  }

  private async endNow(): Promise<void> {
    let settled = false;
    const call = this.inFlight.then(() => {
      settled = true;
    });
    await Promise.resolve();
    // An interrupt that comes before its statement is lost, so it is repeated.
    for (let round = 0; !settled; round += 1) {
      this.connection.interrupt();
      await Promise.race([call, pause(round)]);
    }
    try {
      await this.connection.execute("rollback");
      this.database.release(this.connection);
    } catch {
      this.connection.disconnect();
    }
  }
}

/** Opens the transaction in which a failed stream is told from a finished one. */
export async function beginProbed(connection: EngineConnection): Promise<void> {
  await connection.execute(
    "begin; set current_transaction_invalidation_policy = 'ALL_ERRORS_INVALIDATE_TRANSACTION'",
  );
}
