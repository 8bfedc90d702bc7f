import type { RecordBatch } from "apache-arrow";
import type { TableSchema } from "../../model/table-schema.js";
import type { RowStream } from "../../ports/row-stream.js";
import { recordBatch, type SampleRow } from "./record-batch.js";

/** What a stream does in turn: give rows as one batch, give a batch, or what a function does, such as throw or wait. */
export type StreamStep = readonly SampleRow[] | RecordBatch | (() => void | Promise<void>);

/**
 * A row stream as an engine gives one: it ends only after its last step, and an abort makes it throw the signal's
 * reason, also while a step is waited for.
 */
export function rowStreamOf(
  schema: TableSchema,
  steps: readonly StreamStep[],
  signal: AbortSignal = new AbortController().signal,
): RowStream {
  return {
    schema,
    close: () => Promise.resolve(),
    async *[Symbol.asyncIterator](): AsyncGenerator<RecordBatch> {
      for (const step of steps) {
        signal.throwIfAborted();
        if (typeof step === "function") await untilAborted(Promise.resolve().then(step), signal);
        else yield "numRows" in step ? step : recordBatch(schema, step);
      }
      signal.throwIfAborted();
    },
  };
}

async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
