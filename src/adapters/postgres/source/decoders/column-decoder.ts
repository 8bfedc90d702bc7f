/** Bytes of rows, and the same as numbers: Postgres sends the highest byte first, as DataView does. */
export interface RowBytes {
  readonly bytes: Buffer;
  readonly view: DataView;
}

/** Where a value begins that is null. */
export const NULL_START = -1;

/**
 * Turns values of one binary form into a column of a batch.
 *
 * A value that the model has no place for is a JobError `query_failed` that names the column and not the value.
 */
export interface ColumnDecoder {
  /** Appends values `from` to `to`: each lies between its start and its end, or starts at {@link NULL_START}. */
  decode(rows: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void;
}

/** The server has sent what is no value of the form. */
export function malformed(): Error {
  return new RangeError("Postgres sent a value of another length than its type has");
}
