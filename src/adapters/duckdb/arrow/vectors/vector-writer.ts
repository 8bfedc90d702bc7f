import duckdb, { type Vector } from "@duckdb/node-bindings";
import type { Data } from "apache-arrow";
import { type Bitmap, bitmapBytes, copyBits, countClear, intersect } from "../../../arrow/bitmap.js";

/**
 * Writes rows `start` to `start + count` of an Arrow column into a DuckDB vector, from its first row on. A row that is
 * clear in `mask` becomes null whatever the column says; null: none does.
 */
export type VectorWriter = (vector: Vector, data: Data, start: number, count: number, mask: Bitmap | null) => void;

/** The rows of a range that hold a value, as bits from the first row on; null when all of them do. */
export function rowsWithValue(data: Data, start: number, count: number, mask: Bitmap | null): Bitmap | null {
  let own: Bitmap | null = null;
  if (data.nullCount > 0) {
    own = new Uint8Array(bitmapBytes(count) + 1);
    copyBits(own, 0, data.nullBitmap, data.offset + start, count);
  }
  const valid = intersect(own, mask);
  return valid === null || countClear(valid, 0, count) === 0 ? null : valid;
}

export function writeValidity(vector: Vector, valid: Bitmap | null, count: number): void {
  if (valid === null) return;
  duckdb.vector_ensure_validity_writable(vector);
  const buffer = ownBuffer(valid.subarray(0, bitmapBytes(count)));
  duckdb.copy_data_to_vector_validity(vector, 0, buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/** Copies bytes to the front of a vector. */
export function writeBytes(vector: Vector, bytes: Uint8Array): void {
  if (bytes.byteLength === 0) return;
  const { buffer, byteOffset, byteLength } = ownBuffer(bytes);
  duckdb.copy_data_to_vector(vector, 0, buffer, byteOffset, byteLength);
}

/**
 * The bytes of `count` values that begin at a byte of the column.
 *
 * @throws RangeError when the column is shorter than it says: the driver's copy does not look where the buffer ends.
 */
export function valueBytes(data: Data, from: number, bytes: number, valid: Bitmap | null, count: number): Uint8Array {
  const values = data.values as ArrayBufferView | undefined;
  if (values !== undefined && values.byteLength >= from + bytes) {
    return new Uint8Array(values.buffer, values.byteOffset + from, bytes);
  }
  // Arrow's own writer leaves the values of booleans out when all of them are null.
  if (valid !== null && countClear(valid, 0, count) === count) return new Uint8Array(bytes);
  throw new RangeError("An Arrow column has fewer values than its length says.");
}

/** The driver reads from an ArrayBuffer only; shared memory is copied first. */
function ownBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : Uint8Array.from(bytes);
}
