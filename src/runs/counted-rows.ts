import type { RecordBatch } from "apache-arrow";
import type { TableSchema } from "../model/table-schema.js";
import type { RowStream } from "../ports/row-stream.js";
import { misbehaved } from "./misbehaved.js";

/** Passes a stream on, once, and remembers what happened to it: rows handed over, its proven end, its failure. */
export class CountedRows implements RowStream {
  readonly schema: TableSchema;
  rows = 0;
  /** The end was reached, which the stream promises only when it is proven (law 3). */
  ended = false;
  failure: { readonly error: unknown } | null = null;
  #read = false;

  constructor(private readonly stream: RowStream) {
    this.schema = stream.schema;
  }

  async close(): Promise<void> {
    await this.stream.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RecordBatch> {
    // A stream that was left early gives an empty second pass, which would look like a proven end.
    if (this.#read) throw misbehaved("read the rows twice");
    this.#read = true;
    try {
      for await (const batch of this.stream) {
        // Counted before it is handed over: the reader may transfer the batch's buffers.
        this.rows += batch.numRows;
        yield batch;
      }
      this.ended = true;
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }
}
