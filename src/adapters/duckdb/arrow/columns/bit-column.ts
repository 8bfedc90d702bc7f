import type { Vector } from "@duckdb/node-bindings";
import { Binary, type Data, type Utf8 } from "apache-arrow";
import { arrowData } from "../../../arrow/arrow-data.js";
import { bitDigits } from "../bit-digits.js";
import type { Bitmap } from "../../../arrow/bitmap.js";
import type { ColumnBuilder } from "./column-builder.js";
import type { DriverCopies } from "../driver-copies.js";
import { GrowingBuffer } from "../../../arrow/growing-buffer.js";
import { TextColumn } from "./text-column.js";

/**
 * BIT: taken as bytes, and written as digits when a batch is handed over. This one type is rewritten value by value, as
 * its bytes are of use to nobody but DuckDB.
 */
export class BitColumn implements ColumnBuilder {
  private readonly bytes: TextColumn;

  constructor(
    private readonly type: Utf8,
    column: string,
    copies: DriverCopies,
  ) {
    this.bytes = new TextColumn(new Binary(), column, copies);
  }

  open(vector: Vector, count: number, mask: Bitmap | null): void {
    this.bytes.open(vector, count, mask);
  }

  byteSize(start: number, count: number): number {
    return this.bytes.byteSize(start, count) * 8;
  }

  append(start: number, count: number): void {
    this.bytes.append(start, count);
  }

  take(): Data {
    const source = this.bytes.take();
    const sourceOffsets = source.valueOffsets as Int32Array;
    const sourceBytes = source.values as Uint8Array;
    const offsets = new Int32Array(source.length + 1);
    const digits = new GrowingBuffer();
    for (let row = 0; row < source.length; row++) {
      const bytes = sourceBytes.subarray(sourceOffsets[row], sourceOffsets[row + 1]);
      // Nulls have no bytes; every value has at least two.
      if (bytes.length > 0) digits.append(Buffer.from(bitDigits(bytes), "latin1"));
      offsets[row + 1] = digits.length;
    }
    return arrowData(this.type, source, { offsets, values: digits.take() });
  }
}
