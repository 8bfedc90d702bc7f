import type { Data } from "apache-arrow";

/** The bytes of a message being built, and the same as numbers: Postgres sends the highest byte first, as DataView does. */
export interface CopyTarget {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** The length of a null. */
export const NULL_LENGTH = -1;

/**
 * Writes the values of one column in the binary form of its Postgres type, without what frames them.
 *
 * Rows are counted within the column that was opened last. A value that the type cannot keep throws a RangeError whose
 * message ends a sentence about the column and holds nothing of the value.
 */
export interface ValueWriter {
  open(column: Data): void;
  /** The bytes of each of `count` rows from `from`, into `lengths` from its 0 on. What it says of nulls does not matter. */
  measure(lengths: Int32Array, from: number, count: number): void;
  /** Writes `count` values, none of them null: that of row `rows[k]` at `places[k]`. */
  write(target: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void;
}

/** What all writers of values of one width, in bytes, share. */
export abstract class FixedValueWriter implements ValueWriter {
  abstract readonly width: number;
  abstract open(column: Data): void;
  abstract write(target: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void;

  measure(lengths: Int32Array, _from: number, count: number): void {
    lengths.fill(this.width, 0, count);
  }
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
  return viewOf(column.values as ArrayBufferView);
}

export function viewOf({ buffer, byteOffset, byteLength }: ArrayBufferView): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Where the nulls of a column are. */
export class NullBitmap {
  private readonly bits: Uint8Array | null;
  private readonly offset: number;

  constructor(column: Data) {
    const bits = column.nullBitmap as Uint8Array | undefined;
    this.bits = column.nullCount > 0 && bits !== undefined && bits.byteLength > 0 ? bits : null;
    this.offset = column.offset;
  }

  get hasNulls(): boolean {
    return this.bits !== null;
  }

  isNull(row: number): boolean {
    if (this.bits === null) return false;
    const bit = this.offset + row;
    return ((this.bits[bit >> 3]! >> (bit & 7)) & 1) === 0;
  }
}
