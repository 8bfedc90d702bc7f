import duckdb from "@duckdb/node-bindings";
import type { RecordBatch } from "apache-arrow";
import type { TableSchema } from "../../model/table-schema.js";
import type { RowStream } from "../../ports/row-stream.js";
import { BatchBuilder } from "./arrow/batch-builder.js";
import type { RunningQuery } from "./running-query.js";

/** The rows of a running query as Arrow batches. */
export class QueryStream implements RowStream {
  private readonly batches: AsyncGenerator<RecordBatch, void, undefined>;

  constructor(
    readonly schema: TableSchema,
    private readonly query: RunningQuery,
    private readonly signal: AbortSignal,
    private readonly limit = Infinity,
  ) {
    this.batches = this.read();
  }

  [Symbol.asyncIterator](): AsyncIterator<RecordBatch> {
    return this.batches;
  }

  async close(): Promise<void> {
    await this.query.end();
  }

  private async *read(): AsyncGenerator<RecordBatch, void, undefined> {
    const builder = new BatchBuilder(this.schema);
    const untilAborted = abortGuard(this.signal);
    let left = this.limit;
    try {
      let next = this.fetch();
      while (left > 0) {
        const chunk = await untilAborted.wait(next);
        if (chunk === null) break;
        // One chunk ahead: DuckDB works while this one is converted and read.
        next = this.fetch();
        for (const batch of builder.add(chunk)) {
          yield batch.numRows > left ? batch.slice(0, left) : batch;
          this.signal.throwIfAborted();
          left -= batch.numRows;
          if (left <= 0) break;
        }
        // Frees the strings now and not when the garbage collector finds the chunk.
        duckdb.data_chunk_reset(chunk.chunk);
      }
      if (left > 0) {
        await untilAborted.wait(this.query.proveEnd());
        const last = builder.finish();
        if (last !== null) yield last.numRows > left ? last.slice(0, left) : last;
      }
    } finally {
      untilAborted.dispose();
      const end = this.query.end();
      if (!this.signal.aborted) await end;
    }
  }

  private fetch(): ReturnType<RunningQuery["fetch"]> {
    const chunk = this.query.fetch();
    // It may fail while the reader has the batch before; whoever awaits it hears of it.
    chunk.catch(() => undefined);
    return chunk;
  }
}

/**
 * Waits that end at once when the signal is aborted. (Promise.race with one long promise would keep every chunk alive
 * for as long as that promise.)
 */
function abortGuard(signal: AbortSignal): { wait<T>(call: Promise<T>): Promise<T>; dispose(): void } {
  let fail: ((reason: unknown) => void) | undefined;
  const abort = (): void => fail?.(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  return {
    wait: (call) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        fail = reject;
        call.then(resolve, reject);
      }),
    dispose: () => signal.removeEventListener("abort", abort),
  };
}
