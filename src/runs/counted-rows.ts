import type { RecordBatch } from "apache-arrow";
import type { TableSchema } from "../model/table-schema.js";
import type { RowStream } from "../ports/row-stream.js";
import type { EngineTarget, EngineWriter } from "../ports/engine-target.js";
import { misbehaved } from "./misbehaved.js";

/** Passes a stream on, once, and remembers what happened to it: rows handed over, its proven end, its failure. */
export class CountedRows implements RowStream {
  readonly schema: TableSchema;
  rows = 0;
  /** The end was reached, which the stream promises only when it is proven (law 3). */
  ended = false;
  failure: { readonly error: unknown } | null = null;
  #read = false;

  /** Absent where the stream has none. */
  readonly dialect?: string;
  readonly into?: IntoTarget;

  constructor(private readonly stream: RowStream) {
    this.schema = stream.schema;
    if (stream.dialect === undefined || stream.into === undefined) return;
    const into: IntoTarget = stream.into.bind(stream);
    this.dialect = stream.dialect;
    this.into = (target) => this.#writtenBy(into, target);
  }

  close(): Promise<void> {
    return this.stream.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RecordBatch> {
    this.#takeOnce();
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

  async #writtenBy<T>(into: IntoTarget, target: EngineTarget<T>): Promise<T> {
    this.#takeOnce();
    const { dialect, attach } = target;
    return into({ dialect, ...(attach && { attach }), write: (writer) => target.write(this.#counting(writer)) });
  }

  #counting(writer: EngineWriter): EngineWriter {
    return {
      catalog: writer.catalog,
      readsTarget: writer.readsTarget,
      execute: (sql) => writer.execute(sql),
      read: (sql) => writer.read(sql),
      writeRows: async (before, after) => {
        try {
          const written = await writer.writeRows(before, after);
          this.rows += written.rows;
          this.ended = true;
          return written;
        } catch (error) {
          this.failure = { error };
          throw error;
        }
      },
    };
  }

  // A stream that was left early gives an empty second pass, which would look like a proven end.
  #takeOnce(): void {
    if (this.#read) throw misbehaved("read the rows twice");
    this.#read = true;
  }
}

type IntoTarget = <T>(target: EngineTarget<T>) => Promise<T>;
