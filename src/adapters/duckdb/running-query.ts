import type { DuckDBDataChunk, DuckDBPendingResult, DuckDBResult } from "@duckdb/node-api";
import { JobError } from "../../model/job-error.js";
import type { EngineTarget } from "../../ports/engine-target.js";
import type { AttachedFiles } from "./attached-files.js";
import type { EngineConnection } from "./engine-connection.js";
import { runError, unexplained } from "./engine-error.js";
import { holdsTexts } from "./free-texts.js";
import { prepareAround, refuseOtherColumns, resultColumns } from "./planned-columns.js";
import type { QueryPlan } from "./planned-query.js";
import type { PoolLanes } from "./pool-lanes.js";
import { resultReady } from "./result-ready.js";
import type { InsertableQuery } from "./writing/statement-writer.js";
import { writeTarget } from "./writing/write-target.js";

/** What a running query is made from. */
export interface QueryToRun {
  /** Of its own, outside a transaction. */
  readonly connection: EngineConnection;
  readonly lanes: PoolLanes;
  readonly files: AttachedFiles;
  readonly plan: QueryPlan;
  /** Paths of the database files that it reads. */
  readonly reads: ReadonlySet<string>;
  /** It is expected to be over at once, with a chunk of rows or none. */
  readonly isTiny: boolean;
  /** Called when the end was proven, with whether it was over at once. */
  readonly onProven: (isTiny: boolean) => void;
  /** Adds to a failure what the sources know of it. */
  readonly explain: (error: JobError) => Promise<JobError>;
  /** Aborted when the engine closes. */
  readonly closing: AbortSignal;
  /** Something that others may wait for is given back at the end: who closes the query waits for that, too. */
  readonly holdsSources: boolean;
  /** Called once, when nothing of the query is left; `reusable` says whether the connection is as it was before. */
  readonly onEnd: (reusable: boolean) => Promise<void>;
}

/**
 * A query that runs on a connection of its own, inside a transaction that proves its end.
 *
 * DuckDB ends a streamed result that fails midway, or is interrupted, exactly like one that is complete. But the failure
 * aborts the transaction, and the next statement in it is refused: that statement is the proof. It does not say what
 * went wrong, so the query is then run once more for nothing but its error.
 *
 * A query that is over before its first row is fetched needs no such proof: DuckDB tells a failure until then. One that is
 * expected to be so runs without a transaction, which would take longer than itself. When it has more rows than expected
 * it is started anew, inside a transaction, before any of them is handed out.
 */
export class RunningQuery {
  private pending: DuckDBPendingResult | undefined;
  private inTransaction = false;
  private result: DuckDBResult | undefined;
  /** All rows lie in DuckDB's buffer: to fetch them is to wait for nothing. */
  private isComputed = false;
  /** The end was proven: nothing runs, and nothing is left to be read. */
  private isOver = false;
  private isQuick = false;
  private chunks = 0;
  private inFlight: Promise<unknown> = Promise.resolve();
  private writing: Promise<unknown> | undefined;
  private readonly stopping = new AbortController();
  private ending: Promise<void> | undefined;

  /** The query owns its connection from here on. It starts with {@link begin}, or with the first {@link fetch}. */
  constructor(private readonly query: QueryToRun) {}

  /** Lets DuckDB work ahead of the first fetch. */
  async begin(): Promise<void> {
    try {
      this.pending = await this.start(!this.query.isTiny);
    } catch (error) {
      this.query.plan.statement.destroySync();
      throw await this.explained(runError(error));
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

  /** Lets DuckDB write the rows itself, instead of fetching them. */
  async writeInto<T>(target: EngineTarget<T>, signal: AbortSignal): Promise<T> {
    if (this.ending !== undefined) throw stopped();
    const { connection, files, plan, reads, explain, closing } = this.query;
    plan.statement.destroySync();
    const signals = [signal, closing, this.stopping.signal];
    const query: InsertableQuery = {
      prepareInside: (own, before, after) => prepareAround(plan, own, before, after),
    };
    const writing = writeTarget(target, { connection, files, query, reads, signals, explain });
    this.writing = writing;
    try {
      return await writing;
    } finally {
      this.isOver = true;
    }
  }

  /** Rejects unless the rows that were fetched are all rows. */
  async proveEnd(): Promise<void> {
    if (this.ending !== undefined) throw stopped();
    // Otherwise it had ended, and well, before its first row was fetched.
    if (!this.isComputed) {
      try {
        await this.tracked(this.query.connection.execute("select 1"));
      } catch (error) {
        throw await this.tracked(this.explainFailure(error));
      }
      if (this.ending !== undefined) throw stopped();
    }
    this.isOver = true;
    this.query.onProven(this.isComputed && this.isQuick && this.chunks <= 1);
  }

  /**
   * Stops what still runs and frees the connection. May be called more than once.
   *
   * Where the end was proven there is nothing to stop, and nobody waits for the connection to become as it was.
   */
  async end(): Promise<void> {
    this.ending ??= this.isOver ? this.handBack(this.settled()) : this.endNow();
    if (!this.isOver || this.query.holdsSources) await this.ending;
  }

  /** Waits until nothing of the query is left. */
  async ended(): Promise<void> {
    await this.end();
    await this.ending;
  }

  private async fetchNow(): Promise<DuckDBDataChunk | null> {
    if (this.ending !== undefined) throw stopped();
    // Asked for at once: DuckDB works on the next chunk while the caller goes on with the last one.
    const result = this.result ?? (await this.firstResult());
    const fetch = (): Promise<DuckDBDataChunk | null> => result.fetchChunk();
    const chunk = await (this.isComputed ? this.query.lanes.short(fetch) : this.query.lanes.long(fetch));
    if (chunk === null || chunk.rowCount === 0) return null;
    this.chunks += 1;
    return chunk;
  }

  private async firstResult(): Promise<DuckDBResult> {
    if (this.result !== undefined) return this.result;
    const { connection, lanes, plan, isTiny } = this.query;
    try {
      let pending = (this.pending ??= await this.start(!isTiny));
      await this.untilReady(pending);
      if (!this.isComputed && !this.inTransaction && this.ending === undefined) {
        await connection.interrupted(lanes.short(() => pending.getResult())).catch(() => undefined);
        this.pending = pending = await this.start(true);
        await this.untilReady(pending);
      }
      this.result = await lanes.short(() => pending.getResult());
    } finally {
      plan.statement.destroySync();
    }
    refuseOtherColumns(resultColumns(this.result), plan.schema);
    return this.result;
  }

  private async start(inTransaction: boolean): Promise<DuckDBPendingResult> {
    const { connection, plan } = this.query;
    await connection.computeAhead(holdsTexts(plan.schema) ? TEXTS_AHEAD : AHEAD);
    this.inTransaction = inTransaction;
    if (inTransaction) await connection.begin();
    return plan.statement.startStream();
  }

  private async untilReady(pending: DuckDBPendingResult): Promise<void> {
    const { isComputed, rounds } = await resultReady(pending);
    this.isComputed = isComputed;
    this.isQuick = rounds < QUICK_ROUNDS;
  }

  /** Why the query failed: it is run once more, for a checksum of all its columns, which takes no memory. */
  private async explainFailure(refusal: unknown): Promise<JobError> {
    if (this.ending !== undefined) return stopped();
    try {
      await this.query.connection.execute("rollback");
      this.inTransaction = false;
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
    if (this.inTransaction) await this.query.connection.execute("rollback");
    this.inTransaction = false;
    return this.query.explain(error);
  }

  private tracked<T>(call: Promise<T>): Promise<T> {
    this.inFlight = call.catch(() => undefined);
    return call;
  }

  private async endNow(): Promise<void> {
    if (this.writing !== undefined) {
      // It interrupts its own statements, and none of those that clean up.
      this.stopping.abort(stopped());
      await this.writing.catch(() => undefined);
      return this.handBack(Promise.resolve());
    }
    await this.query.connection.interrupted(this.inFlight);
    if (this.pending === undefined) this.query.plan.statement.destroySync();
    // A pending result that is left as it is keeps threads, and outlives the database that it needs.
    if (this.result === undefined && this.pending !== undefined) {
      await this.query.connection.interrupted(this.firstResult()).catch(() => undefined);
    }
    await this.handBack(this.query.connection.interrupted(this.settled()));
  }

  private async handBack(settled: Promise<void>): Promise<void> {
    const isReusable = await settled.then(
      () => true,
      () => false,
    );
    await this.query.onEnd(isReusable);
  }

  /**
   * Takes the threads off the result that may still be open, and ends its transaction. An interrupt meant for them may hit
   * the statement that does it.
   */
  private async settled(): Promise<void> {
    if (!this.inTransaction && (this.isOver || this.pending === undefined)) return;
    const { connection } = this.query;
    const statement = this.inTransaction ? "rollback" : "select 1";
    await connection.execute(statement).catch(() => connection.execute(statement));
  }
}

/** How much DuckDB computes ahead. */
const AHEAD = "1MB";

/**
 * It counts 16 bytes for each text, however long: where there are texts it may keep no more than a chunk, or a gigabyte of
 * them lies in memory before the first is read.
 */
const TEXTS_AHEAD = "1KB";

/** How often one looks for the rows of a query that is over at once: for a few milliseconds at most. */
const QUICK_ROUNDS = 80;

function stopped(): JobError {
  return new JobError("query_failed", {
    message: "The query was stopped before its end.",
    hint: "Its engine or its rows were closed while it ran.",
  });
}
