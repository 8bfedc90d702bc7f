import type { DuckDBDataChunk, DuckDBPendingResult, DuckDBResult } from "@duckdb/node-api";
import duckdb, { type PendingResult } from "@duckdb/node-bindings";
import { sameDataType } from "../../model/data-type.js";
import { JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import { dataTypeOfDuckDB } from "./arrow/duckdb-data-type.js";
import type { EngineConnection } from "./engine-connection.js";
import { runError, unexplained } from "./engine-error.js";
import { holdsTexts } from "./free-texts.js";
import { pause } from "./pause.js";
import type { QueryPlan } from "./planned-query.js";
import type { PoolLanes } from "./pool-lanes.js";

/** What a running query is made from. */
export interface QueryToRun {
  /** Of its own, outside a transaction. */
  readonly connection: EngineConnection;
  readonly lanes: PoolLanes;
  readonly plan: QueryPlan;
  /** Adds to a failure what the sources know of it. */
  readonly explain: (error: JobError) => Promise<JobError>;
  /** Called once, when nothing of the query is left; `reusable` says whether the connection is as it was before. */
  readonly onEnd: (reusable: boolean) => Promise<void>;
}

/**
 * A query that runs on a connection of its own, inside a transaction that proves its end.
 *
 * DuckDB ends a streamed result that fails midway, or is interrupted, exactly like one that is complete. But the failure
 * aborts the transaction, and the next statement in it is refused: that statement is the proof. It does not say what
 * went wrong, so the query is then run once more for nothing but its error.
 */
export class RunningQuery {
  private result: DuckDBResult | undefined;
  /** All rows lie in DuckDB's buffer: to fetch them is to wait for nothing. */
  private isComputed = false;
  private inFlight: Promise<unknown> = Promise.resolve();
  private ending: Promise<void> | undefined;
  private isRolledBack = false;

  private constructor(
    private readonly query: QueryToRun,
    private readonly pending: DuckDBPendingResult,
  ) {}

  /** Starts the query, which owns its connection from here on. */
  static async start(query: QueryToRun): Promise<RunningQuery> {
    const { connection, plan } = query;
    await connection.execute(`${PROBED}; set streaming_buffer_size = '${bufferSize(plan)}'`);
    try {
      return new RunningQuery(query, plan.statement.startStream());
    } catch (error) {
      await connection.execute("rollback");
      throw await query.explain(runError(error));
    } finally {
      plan.statement.destroySync();
    }
  }

  /** The next rows; null when there are no more, which is not yet proven. One call at a time. */
  async fetch(): Promise<DuckDBDataChunk | null> {
    try {
      return await this.tracked(this.fetchNow());
    } catch (error) {
      throw await this.tracked(this.explained(runError(error)));
    }
  }

  /** Rejects unless the rows that were fetched are all rows. */
  async proveEnd(): Promise<void> {
    if (this.ending !== undefined) throw stopped();
    // It had ended, and well, before its first row was fetched.
    if (this.isComputed) return;
    try {
      await this.tracked(this.query.connection.execute("select 1"));
    } catch (error) {
      throw await this.tracked(this.explainFailure(error));
    }
    if (this.ending !== undefined) throw stopped();
  }

  /** Stops what still runs and frees the connection. May be called more than once. */
  end(): Promise<void> {
    this.ending ??= this.endNow();
    return this.ending;
  }

  private async fetchNow(): Promise<DuckDBDataChunk | null> {
    if (this.ending !== undefined) throw stopped();
    const result = await this.firstResult();
    const fetch = (): Promise<DuckDBDataChunk | null> => result.fetchChunk();
    const chunk = await (this.isComputed ? this.query.lanes.short(fetch) : this.query.lanes.long(fetch));
    return chunk === null || chunk.rowCount === 0 ? null : chunk;
  }

  private async firstResult(): Promise<DuckDBResult> {
    if (this.result !== undefined) return this.result;
    this.isComputed = await resultReady(this.pending);
    this.result = await this.query.lanes.short(() => this.pending.getResult());
    refuseOtherColumns(this.result, this.query.plan.schema);
    return this.result;
  }

  /** Why the query failed: it is run once more, for a checksum of all its columns, which takes no memory. */
  private async explainFailure(refusal: unknown): Promise<JobError> {
    if (this.ending !== undefined) return stopped();
    try {
      await this.query.connection.execute("rollback");
      this.isRolledBack = true;
      const statement = await this.query.plan.query.prepareInside(
        this.query.connection,
        "select bit_xor(hash(q)) from",
        "as q",
      );
      const pending = statement.start();
      statement.destroySync();
      await resultReady(pending);
      await this.query.lanes.short(() => pending.getResult());
    } catch (error) {
      return this.explained(runError(error, 1));
    }
    return unexplained(refusal);
  }

  private async explained(error: JobError): Promise<JobError> {
    if (this.ending !== undefined) return stopped();
    if (!this.isRolledBack) await this.query.connection.execute("rollback");
    this.isRolledBack = true;
    return this.query.explain(error);
  }

  private tracked<T>(call: Promise<T>): Promise<T> {
    this.inFlight = call.catch(() => undefined);
    return call;
  }

  private async endNow(): Promise<void> {
    await this.interrupted(this.inFlight);
    // A pending result that is left as it is keeps threads, and outlives the database that it needs.
    if (this.result === undefined) await this.interrupted(this.firstResult()).catch(() => undefined);
    const rolledBack = this.isRolledBack ? Promise.resolve() : this.interrupted(this.rollback());
    await this.query.onEnd(
      await rolledBack.then(
        () => true,
        () => false,
      ),
    );
  }

  /** Interrupts until `call` has settled: an interrupt that comes before its statement, or between two, is lost. */
  private async interrupted<T>(call: Promise<T>): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    const done = call.then(settle, settle);
    await new Promise(setImmediate);
    for (let round = 0; !settled; round += 1) {
      this.query.connection.interrupt();
      await Promise.race([done, pause(round)]);
    }
    return call;
  }

  /** Takes the threads off the result that may still be open. An interrupt meant for them may hit the rollback itself. */
  private async rollback(): Promise<void> {
    const { connection } = this.query;
    await connection.execute("rollback").catch(() => connection.execute("rollback"));
  }
}

/** In a transaction of this kind every error, also one that DuckDB does not report, refuses what follows. */
const PROBED = "begin; set current_transaction_invalidation_policy = 'ALL_ERRORS_INVALIDATE_TRANSACTION'";

/**
 * How much DuckDB computes ahead. It counts 16 bytes for each text, however long: where there are texts it may keep no
 * more than a chunk, or a gigabyte of them lies in memory before the first is read.
 */
function bufferSize({ schema }: QueryPlan): string {
  return holdsTexts(schema) ? "1KB" : "1MB";
}

/** DuckDB plans anew when a view was replaced between preparing and starting; its rows would be read as other types. */
function refuseOtherColumns(result: DuckDBResult, { columns }: TableSchema): void {
  const isSame =
    result.columnCount === columns.length &&
    columns.every(({ name, type }, index) => {
      return result.columnName(index) === name && sameDataType(dataTypeOfDuckDB(result.columnType(index)), type);
    });
  if (isSame) return;
  throw new JobError("query_failed", {
    message: "A file or table that the query reads was replaced by one with other columns while the query started.",
    hint: "Run it again.",
  });
}

/**
 * Waits until rows are there, without holding a thread of libuv's pool: DuckDB's own threads do the work.
 *
 * @returns whether all rows are there.
 */
async function resultReady(pending: DuckDBPendingResult): Promise<boolean> {
  // The driver offers this state only together with work on the calling thread, which is the event loop's.
  const handle = pending["pending_result"] as PendingResult;
  const { RESULT_READY, RESULT_NOT_READY, NO_TASKS_AVAILABLE } = duckdb.PendingState;
  for (let round = 0; ; round += 1) {
    const state = duckdb.pending_execute_check_state(handle);
    // A query that has ended, well or not, is in none of these states.
    if (state !== RESULT_NOT_READY && state !== NO_TASKS_AVAILABLE) return state !== RESULT_READY;
    await pause(round);
  }
}

function stopped(): JobError {
  return new JobError("query_failed", {
    message: "The query was stopped before its end.",
    hint: "Its engine or its rows were closed while it ran.",
  });
}
