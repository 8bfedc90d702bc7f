import type { RecordBatch } from "apache-arrow";
import type { TableSchema } from "../model/table-schema.js";

/**
 * The rows of one query, read once.
 *
 * Promise: iteration ends normally only when the end of the rows was proven (law 3); anything else, an abort included,
 * makes it throw. Batches come as they are asked for and are bounded in rows and in bytes, so that a slow reader holds
 * the query back and memory does not grow with the row count. A batch belongs to the reader, who may transfer its
 * buffers. Leaving the loop early releases the query, too.
 */
export interface RowStream extends AsyncIterable<RecordBatch> {
  /** The columns in the order of the batches' children. Names are unique, ignoring case. */
  readonly schema: TableSchema;
  /** Releases the query, read to its end or not. May be called twice. */
  close(): Promise<void>;
}
