import type { Data } from "apache-arrow";
import { isSet } from "../../arrow/bitmap.js";

/**
 * Writes the values of one column as fields of text lines.
 *
 * Rows are counted within the column that was opened last. A value that the column of the table cannot keep throws a
 * RangeError whose message ends a sentence about the column and holds nothing of the value.
 */
export interface FieldWriter {
  open(column: Data): void;
  /** How many bytes the field of a row takes at most. */
  room(row: number): number;
  /** Writes the value of a row, which is not null, at a place with room for it. @returns the place behind it. */
  write(bytes: Uint8Array, at: number, row: number): number;
}

/** A column's values as numbers of another kind. */
export function valuesAs<T>(
  array: { new (buffer: ArrayBufferLike, offset: number, length: number): T; readonly BYTES_PER_ELEMENT: number },
  column: Data,
): T {
  const { buffer, byteOffset, byteLength } = column.values as ArrayBufferView;
  return new array(buffer, byteOffset, byteLength / array.BYTES_PER_ELEMENT);
}

/** A column's values as bytes that need not lie at even addresses. */
export function valuesView(column: Data): DataView {
  const { buffer, byteOffset, byteLength } = column.values as ArrayBufferView;
  return new DataView(buffer, byteOffset, byteLength);
}

/** Where the nulls of a column are. */
export class NullBitmap {
  private readonly bits: Uint8Array | null;
  private readonly offset: number;
  private readonly isAllNull: boolean;

  constructor({ nullBitmap, nullCount, offset, length }: Data) {
    // A column of nothing but nulls may have none.
    const bits: Uint8Array | null | undefined = nullBitmap;
    this.bits = nullCount > 0 && bits && bits.byteLength > 0 ? bits : null;
    this.offset = offset;
    this.isAllNull = this.bits === null && nullCount > 0 && nullCount === length;
  }

  isNull(row: number): boolean {
    return this.bits === null ? this.isAllNull : !isSet(this.bits, this.offset + row);
  }
}
