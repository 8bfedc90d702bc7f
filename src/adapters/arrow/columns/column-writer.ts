import type { Data } from "apache-arrow";

/**
 * Builds one column of a batch, a value at a time. Each class has methods of its own for values, which do nothing but
 * store: they take what is exact, and who calls them answers for that.
 */
export interface ColumnWriter {
  /** The bytes that every row takes, null or not. What a row takes beside them is added to the batch's {@link BatchBytes}. */
  readonly rowBytes: number;
  /** The rows so far. */
  readonly length: number;
  appendNull(): void;
  /** Hands over the rows, in memory of their own, and starts anew. */
  take(): Data;
}

/** The bytes of a batch that are not the same for every row. */
export interface BatchBytes {
  count: number;
}
