import type { RecordBatch } from "apache-arrow";
import { JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { EngineTarget } from "../../ports/engine-target.js";
import type { RowStream } from "../../ports/row-stream.js";
import { BatchBuilder } from "./arrow/batch-builder.js";
import { DUCKDB_DIALECT } from "./dialect.js";
import { freeTexts, holdsTexts } from "./free-texts.js";
import type { RunningQuery } from "./running-query.js";

/** The rows of a running query as Arrow batches. */
export class QueryStream implements RowStream {
  readonly dialect = DUCKDB_DIALECT;
  /** Absent where the query has started, and where its rows are limited: DuckDB would have to write a part of what it computes. */
  readonly into?: <T>(target: EngineTarget<T>) => Promise<T>;
  private readonly limit: number;
  private isRead = false;
  /** Ends what the reader waits for. */
  private fail: ((reason: unknown) => void) | undefined;

  constructor(
    readonly schema: TableSchema,
    private readonly query: RunningQuery,
    private readonly signal: AbortSignal,
    { limit = Infinity, hasInto }: { readonly limit?: number | undefined; readonly hasInto: boolean },
  ) {
    this.limit = limit;
    if (hasInto && limit === Infinity) this.into = (target) => this.writtenInto(target);
    signal.addEventListener("abort", this.abort, { once: true });
    if (signal.aborted) this.abort();
  }

  [Symbol.asyncIterator](): AsyncIterator<RecordBatch> {
    this.readOnce();
    return this.read();
  }

  async close(): Promise<void> {
    this.signal.removeEventListener("abort", this.abort);
    await this.query.end();
  }

  private readOnce(): void {
    if (this.isRead) {
      throw new JobError("internal_error", {
        message: "The rows of a query were read a second time.",
        hint: "A RowStream is read once; run the query again.",
      });
    }
    this.isRead = true;
  }

  /** Whose signal is aborted waits until the target has let go, or it would clean up beneath a statement that still runs. */
  private async writtenInto<T>(target: EngineTarget<T>): Promise<T> {
    this.readOnce();
    try {
      return await this.query.writeInto(target, this.signal);
    } catch (error) {
      // Its listeners stop the query, which may then speak first.
      this.signal.throwIfAborted();
      throw error;
    } finally {
      await this.close();
    }
  }

  private async *read(): AsyncGenerator<RecordBatch, void, undefined> {
    let left = this.limit;
    try {
      for await (const batch of this.batches()) {
        if (left <= 0) return;
        yield batch.numRows > left ? batch.slice(0, left) : batch;
        this.signal.throwIfAborted();
        left -= batch.numRows;
        if (left <= 0) return;
      }
    } finally {
      // Who aborts waits for no more than the news; close() waits for the end.
      const closed = this.close();
      if (!this.signal.aborted) await closed;
    }
  }

  private async *batches(): AsyncGenerator<RecordBatch, void, undefined> {
    this.signal.throwIfAborted();
    if (this.limit <= 0) return;
    const builder = new BatchBuilder(this.schema);
    // Until the first chunk has shown how wide its texts are.
    let isWide = holdsTexts(this.schema);
    let ahead: ReturnType<RunningQuery["fetch"]> | undefined;
    for (;;) {
      const chunk = await this.untilAborted(ahead ?? this.query.fetch());
      if (chunk === null) break;
      // DuckDB works while this chunk is converted and read. Of chunks that fill several batches one at a time is enough.
      ahead = isWide ? undefined : this.query.fetch();
      ahead?.catch(() => undefined);
      let batches = 0;
      for (const batch of builder.add(chunk)) {
        // A chunk of long texts fills fifty batches: the event loop turns between them.
        if (batches > 0) await new Promise(setImmediate);
        yield batch;
        batches += 1;
      }
      isWide = batches > 1;
      freeTexts(chunk, this.schema);
    }
    await this.untilAborted(this.query.proveEnd());
    const last = builder.finish();
    if (last !== null) yield last;
  }

  /** Ends at once when the signal is aborted. A race with one long promise would keep every chunk alive until it settles. */
  private untilAborted<T>(call: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.fail = reject;
      call.then(resolve, reject);
      if (this.signal.aborted) reject(this.signal.reason as Error);
    });
  }

  private readonly abort = (): void => {
    this.fail?.(this.signal.reason);
    void this.query.end();
  };
}
