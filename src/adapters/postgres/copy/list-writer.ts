import type { Data } from "apache-arrow";
import { FramedColumn, NOWHERE } from "./framed-column.js";
import type { CopyTarget, ValueWriter } from "./value-writer.js";

/** Dimensions, whether there are nulls, the type of the items. */
const HEADER_BYTES = 12;
/** Of the one dimension: its length, and the index of its first item. */
const DIMENSION_BYTES = 8;

/** A list, or an array of a fixed length, of values that are no lists: an array of one dimension. An empty one has none. */
export class ListWriter implements ValueWriter {
  private readonly items: FramedColumn;
  private offsets: Int32Array = new Int32Array(1);
  /** The items that are measured, from this one on. */
  private firstItem = 0;
  private sizes = new Int32Array(0);
  private places = new Int32Array(0);

  /** @param itemOid Postgres' number of the items' type. @param length of every list; null: they differ. */
  constructor(
    item: ValueWriter,
    private readonly itemOid: number,
    private readonly length: number | null,
  ) {
    this.items = new FramedColumn(item);
  }

  open(column: Data): void {
    const { length } = this;
    this.offsets =
      length === null
        ? (column.valueOffsets as Int32Array)
        : Int32Array.from({ length: column.length + 1 }, (_, row) => row * length);
    this.items.open(column.children[0] as Data);
  }

  measure(lengths: Int32Array, from: number, count: number): void {
    const { offsets } = this;
    this.firstItem = offsets[from]!;
    const items = offsets[from + count]! - this.firstItem;
    if (this.sizes.length < items) {
      this.sizes = new Int32Array(items);
      this.places = new Int32Array(items);
    }
    this.sizes.fill(0, 0, items);
    this.items.measure(this.sizes, this.firstItem, items);
    for (let row = 0; row < count; row++) {
      let length = offsets[from + row]! === offsets[from + row + 1]! ? HEADER_BYTES : HEADER_BYTES + DIMENSION_BYTES;
      for (let item = offsets[from + row]!; item < offsets[from + row + 1]!; item++) {
        length += this.sizes[item - this.firstItem]!;
      }
      lengths[row] = length;
    }
  }

  write(target: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    const { offsets, sizes, places: itemPlaces, firstItem } = this;
    const { view } = target;
    const items = count === 0 ? 0 : offsets[rows[count - 1]! + 1]! - firstItem;
    // A list that is null may have items nevertheless.
    itemPlaces.fill(NOWHERE, 0, items);
    for (let k = 0; k < count; k++) {
      const from = offsets[rows[k]!]!;
      const to = offsets[rows[k]! + 1]!;
      let at = places[k]!;
      view.setInt32(at, from === to ? 0 : 1);
      view.setInt32(at + 4, this.items.hasNulls(from, to - from) ? 1 : 0);
      view.setInt32(at + 8, this.itemOid);
      if (from === to) continue;
      view.setInt32(at + HEADER_BYTES, to - from);
      view.setInt32(at + HEADER_BYTES + 4, 1);
      at += HEADER_BYTES + DIMENSION_BYTES;
      for (let item = from; item < to; item++) {
        itemPlaces[item - firstItem] = at;
        at += sizes[item - firstItem]!;
      }
    }
    this.items.write(target, itemPlaces, items);
  }
}
