import duckdb, { type Vector } from "@duckdb/node-bindings";
import type { Data, List, Map_ } from "apache-arrow";
import { arrowData } from "../../../arrow/arrow-data.js";
import { type Bitmap, isSet } from "../../../arrow/bitmap.js";
import type { ColumnBuilder } from "./column-builder.js";
import type { DriverCopies } from "../driver-copies.js";
import { GrowingBuffer } from "../../../arrow/growing-buffer.js";
import { unmovableValue } from "../../../arrow/unsupported-columns.js";
import { ValidityBuilder } from "./validity-builder.js";

const ENTRY_BYTES = 16;
const ENTRY_WORDS = 4;
const MAX_OFFSET = 2 ** 31 - 1;

/**
 * Lists and maps. An entry of DuckDB's names any range of the items; ranges that follow each other, as they nearly always
 * do, are taken together.
 */
export class ListColumn implements ColumnBuilder {
  private entries: Uint32Array = new Uint32Array(0);
  private items = 0;
  private readonly offsets = new GrowingBuffer();
  private readonly validity = new ValidityBuilder();

  /** @param column the name of the table's column, for messages. */
  constructor(
    private readonly type: List | Map_,
    private readonly item: ColumnBuilder,
    private readonly column: string,
    private readonly copies: DriverCopies,
  ) {}

  open(vector: Vector, count: number, mask: Bitmap | null): void {
    this.validity.open(vector, count, mask);
    const bytes = this.copies.ofVector(vector, count * ENTRY_BYTES);
    this.entries = new Uint32Array(bytes.buffer, bytes.byteOffset, count * ENTRY_WORDS);
    this.item.open(duckdb.list_vector_get_child(vector), duckdb.list_vector_get_size(vector), null);
  }

  byteSize(start: number, count: number): number {
    let bytes = count * 4;
    this.visitRanges(start, count, (first, items) => (bytes += this.item.byteSize(first, items)));
    return bytes;
  }

  append(start: number, count: number): void {
    if (this.offsets.length === 0) this.offsets.extend(4);
    let offsetAt = this.offsets.extend(count * 4);
    const { entries } = this;
    const offsets = this.offsets.view;
    const valid = this.validity.source;
    for (let row = start; row < start + count; row++, offsetAt += 4) {
      if (valid === null || isSet(valid, row)) this.items += entries[row * ENTRY_WORDS + 2]!;
      offsets.setInt32(offsetAt, this.items, true);
    }
    if (this.items > MAX_OFFSET) throw unmovableValue(this.column, "one row has more than 2^31 items");
    this.visitRanges(start, count, (first, items) => this.item.append(first, items));
    this.validity.append(start, count);
  }

  take(): Data {
    const rows = this.validity.take();
    if (this.offsets.length === 0) this.offsets.extend(4);
    const offsets = this.offsets.take();
    this.items = 0;
    return arrowData(this.type, rows, {
      offsets: new Int32Array(offsets.buffer, offsets.byteOffset, rows.length + 1),
      children: [this.item.take()],
    });
  }

  private visitRanges(start: number, count: number, visit: (first: number, items: number) => void): void {
    const { entries } = this;
    const valid = this.validity.source;
    let first = 0;
    let end = 0;
    for (let row = start; row < start + count; row++) {
      if (valid !== null && !isSet(valid, row)) continue;
      const offset = entries[row * ENTRY_WORDS]!;
      const items = entries[row * ENTRY_WORDS + 2]!;
      if (items === 0) continue;
      if (offset !== end) {
        if (end > first) visit(first, end - first);
        first = offset;
        end = offset;
      }
      end += items;
    }
    if (end > first) visit(first, end - first);
  }
}
