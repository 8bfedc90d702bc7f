import type { Data } from "apache-arrow";
import { type CopyTarget, NULL_LENGTH, NullBitmap, type ValueWriter } from "./value-writer.js";

const LENGTH_BYTES = 4;
/** The place of a field that is left out. */
export const NOWHERE = -1;

/**
 * A column's values as fields: each behind its length, a null as a length of -1. Works on some rows at a time, which are
 * measured first and written then.
 */
export class FramedColumn {
  private nulls: NullBitmap | undefined;
  private from = 0;
  /** Of every measured row; -1 is a null. */
  private lengths = new Int32Array(0);
  private rows = new Int32Array(0);
  private places = new Int32Array(0);

  constructor(private readonly writer: ValueWriter) {}

  open(column: Data): void {
    this.nulls = new NullBitmap(column);
    this.writer.open(column);
  }

  /** Whether a row has a null in any of the values from `from`. */
  hasNulls(from: number, count: number): boolean {
    const { nulls } = this;
    if (!nulls?.hasNulls) return false;
    for (let row = from; row < from + count; row++) if (nulls.isNull(row)) return true;
    return false;
  }

  /** Adds the bytes of `count` rows from `from` to `sizes`, from its 0 on. */
  measure(sizes: Int32Array, from: number, count: number): void {
    this.from = from;
    if (this.lengths.length < count) {
      this.lengths = new Int32Array(count);
      this.rows = new Int32Array(count);
      this.places = new Int32Array(count);
    }
    const { lengths, nulls } = this;
    this.writer.measure(lengths, from, count);
    if (nulls?.hasNulls) for (let row = 0; row < count; row++) if (nulls.isNull(from + row)) lengths[row] = NULL_LENGTH;
    for (let row = 0; row < count; row++)
      sizes[row]! += lengths[row]! < 0 ? LENGTH_BYTES : LENGTH_BYTES + lengths[row]!;
  }

  /** Writes the fields of the first `count` measured rows, each at its place in `at`, and moves the place behind it. */
  write(target: CopyTarget, at: Int32Array, count: number): void {
    const { lengths, rows, places, from } = this;
    const { view } = target;
    let values = 0;
    for (let row = 0; row < count; row++) {
      const place = at[row]!;
      if (place === NOWHERE) continue;
      const length = lengths[row]!;
      view.setInt32(place, length);
      if (length < 0) {
        at[row] = place + LENGTH_BYTES;
        continue;
      }
      rows[values] = from + row;
      places[values] = place + LENGTH_BYTES;
      values += 1;
      at[row] = place + LENGTH_BYTES + length;
    }
    this.writer.write(target, rows, places, values);
  }
}
