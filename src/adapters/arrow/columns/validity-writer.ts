import type { RowValidity } from "../arrow-data.js";
import { bitmapBytes } from "../bitmap.js";

const FIRST_BYTES = 128;

/** Which rows of a column are null, as they come. */
export class ValidityWriter {
  /** The rows so far. */
  length = 0;
  private nullCount = 0;
  // As long as the last null needed; every bit that stands for no null is set.
  private bits = new Uint8Array(0);

  /** Gives the number of the new row. */
  append(): number {
    return this.length++;
  }

  appendNull(): void {
    const row = this.length++;
    if (row >> 3 >= this.bits.length) this.reach((row >> 3) + 1);
    this.bits[row >> 3]! &= ~(1 << (row & 7));
    this.nullCount += 1;
  }

  /** Hands over the rows, without a bitmap when there was no null, and starts anew. */
  take(): RowValidity {
    const { length, nullCount } = this;
    let nullBitmap: Uint8Array | undefined;
    if (nullCount > 0) {
      const bytes = bitmapBytes(length);
      if (this.bits.length < bytes) this.reach(bytes);
      nullBitmap = this.bits.length === bytes ? this.bits : this.bits.slice(0, bytes);
      if ((length & 7) !== 0) nullBitmap[bytes - 1]! &= (1 << (length & 7)) - 1;
    }
    this.length = 0;
    this.nullCount = 0;
    this.bits = new Uint8Array(0);
    return { length, nullCount, nullBitmap };
  }

  private reach(bytes: number): void {
    const { bits } = this;
    this.bits = new Uint8Array(Math.max(bytes, 2 * bits.length, FIRST_BYTES)).fill(0xff, bits.length);
    this.bits.set(bits);
  }
}
