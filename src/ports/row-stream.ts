import type { RecordBatch } from "apache-arrow";
import type { TableSchema } from "../model/table-schema.js";
import type { EngineTarget } from "./engine-target.js";

/**
 * The rows of one query, read once: by iteration (the first door), or by {@link RowStream.into} (the third).
 *
 * Promise: iteration ends normally only when the end of the rows was proven (law 3); anything else, an abort included,
 * makes it throw. Batches come as they are asked for and are bounded in rows and in bytes, so that a slow reader holds
 * the query back and memory does not grow with the row count. A batch belongs to the reader, who may transfer its buffers
 * or free them: no two batches share any, but for dictionaries, which are not the reader's, and nobody looks at a batch
 * that was handed on. Leaving the loop early releases the query, too.
 */
export interface RowStream extends AsyncIterable<RecordBatch> {
  /** The columns in the order of the batches' children. Names are unique, ignoring case. */
  readonly schema: TableSchema;
  /** The engine's `dialect`, where the stream has {@link into}. */
  readonly dialect?: string;
  /**
   * Lets the engine write the rows itself, by the statements of `target`. Resolves with what the target gave. Rejects like
   * an iteration throws. The permit is asked for inside `target.write`, after `writeRows` has resolved.
   */
  into?<T>(target: EngineTarget<T>): Promise<T>;
  /** Releases the query, read to its end or not. May be called twice. */
  close(): Promise<void>;
}
