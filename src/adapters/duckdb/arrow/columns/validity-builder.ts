import duckdb, { type Vector } from "@duckdb/node-bindings";
import { type Bitmap, bitmapBytes, copyBits, countClear, intersect, setBits } from "../../../arrow/bitmap.js";
import { GrowingBuffer } from "../../../arrow/growing-buffer.js";

/** Builds the validity of one Arrow column from ranges of DuckDB vectors. */
export class ValidityBuilder {
  /** The rows of the open vector that hold a value; null when all of them do. */
  source: Bitmap | null = null;
  /** The rows appended so far. */
  length = 0;
  private nullCount = 0;
  // Empty until the first null: most columns have none.
  private readonly bits = new GrowingBuffer();

  /** Opens a vector of `count` rows. A row that is clear in `mask` is null whatever the vector says. */
  open(vector: Vector, count: number, mask: Bitmap | null): void {
    const own: Bitmap | null = count === 0 ? null : readValidity(vector, count);
    const valid = intersect(own, mask);
    this.source = valid !== null && countClear(valid, 0, count) === 0 ? null : valid;
  }

  /** Appends a range of the open vector and returns how many of its rows are null. */
  append(start: number, count: number): number {
    const nulls = this.source === null ? 0 : countClear(this.source, start, count);
    if (nulls > 0 || this.nullCount > 0) {
      const before = this.length;
      const bytes = bitmapBytes(before + count);
      this.bits.reserve(bytes + 1 - this.bits.length);
      if (this.nullCount === 0) setBits(this.bits.bytes, 0, before);
      if (nulls > 0) copyBits(this.bits.bytes, before, this.source!, start, count);
      else setBits(this.bits.bytes, before, count);
      this.bits.length = bytes;
    }
    this.nullCount += nulls;
    this.length += count;
    return nulls;
  }

  /** Hands over what was appended, without a bitmap when there was no null, and starts anew. */
  take(): { readonly length: number; readonly nullCount: number; readonly nullBitmap: Bitmap | undefined } {
    const { length, nullCount } = this;
    const nullBitmap = nullCount > 0 ? this.bits.take() : undefined;
    // What lies beyond the last row in its byte came with the copy.
    if (nullBitmap !== undefined && (length & 7) !== 0) nullBitmap[nullBitmap.length - 1]! &= (1 << (length & 7)) - 1;
    this.length = 0;
    this.nullCount = 0;
    return { length, nullCount, nullBitmap };
  }
}

/** The validity of a vector's first `count` rows, or null when the vector has none: all rows hold a value. */
function readValidity(vector: Vector, count: number): Bitmap | null {
  // The binding says Uint8Array, and returns null for a vector without nulls.
  const words: Uint8Array | null = duckdb.vector_get_validity(vector, Math.ceil(count / 64) * 8);
  return words;
}
