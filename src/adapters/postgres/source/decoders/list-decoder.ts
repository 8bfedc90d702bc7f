import type { ListWriter } from "../../../arrow/columns/list-writer.js";
import { unmovableValue } from "../../../arrow/unsupported-columns.js";
import { type ColumnDecoder, malformed, NULL_START, type RowBytes } from "./column-decoder.js";

/** Dimensions, whether there are nulls, the type of the items. */
const HEADER_BYTES = 12;
/** Of each dimension: its length, and the index of its first item. */
const DIMENSION_BYTES = 8;
const LENGTH_BYTES = 4;

/** An array of one dimension, or an empty one, as a list. */
export class ListDecoder implements ColumnDecoder {
  private starts = new Int32Array(16);
  private ends = new Int32Array(16);

  /** @param column the name of the table's column, for messages. */
  constructor(
    private readonly writer: ListWriter,
    private readonly item: ColumnDecoder,
    private readonly column: string,
  ) {}

  decode(rows: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) {
        this.writer.appendNull();
        continue;
      }
      const items = this.find(rows.view, start, ends[index]!);
      this.item.decode(rows, this.starts, this.ends, 0, items);
      this.writer.append();
    }
  }

  /** Finds where the items of an array are, and tells how many there are. */
  private find(view: DataView, start: number, end: number): number {
    const dimensions = view.getInt32(start);
    if (dimensions === 0) return 0;
    if (dimensions !== 1) throw unmovableValue(this.column, "an array has more than one dimension");
    const count = view.getInt32(start + HEADER_BYTES);
    if (view.getInt32(start + HEADER_BYTES + 4) !== 1) {
      throw unmovableValue(this.column, "the items of an array are numbered from another number than 1");
    }
    if (this.starts.length < count) {
      this.starts = new Int32Array(2 * count);
      this.ends = new Int32Array(2 * count);
    }
    let at = start + HEADER_BYTES + DIMENSION_BYTES;
    for (let item = 0; item < count; item++) {
      const length = view.getInt32(at);
      at += LENGTH_BYTES;
      this.starts[item] = length < 0 ? NULL_START : at;
      if (length > 0) at += length;
      this.ends[item] = at;
    }
    if (at !== end) throw malformed();
    return count;
  }
}
