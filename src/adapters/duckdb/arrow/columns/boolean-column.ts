import type { Vector } from "@duckdb/node-bindings";
import type { Bool, Data } from "apache-arrow";
import { arrowData } from "../../../arrow/arrow-data.js";
import { type Bitmap, bitmapBytes, copyBits } from "../../../arrow/bitmap.js";
import type { ColumnBuilder } from "./column-builder.js";
import type { DriverCopies } from "../driver-copies.js";
import { GrowingBuffer } from "../../../arrow/growing-buffer.js";
import { ValidityBuilder } from "./validity-builder.js";

/** Booleans: a byte each in DuckDB, a bit each in Arrow. */
export class BooleanColumn implements ColumnBuilder {
  private source: Bitmap = new Uint8Array(0);
  private readonly values = new GrowingBuffer();
  private readonly validity = new ValidityBuilder();

  constructor(
    private readonly type: Bool,
    private readonly copies: DriverCopies,
  ) {}

  open(vector: Vector, count: number, mask: Bitmap | null): void {
    this.validity.open(vector, count, mask);
    this.source = packBooleans(this.copies.ofVector(vector, count), count);
    const valid = this.validity.source;
    if (valid !== null) for (let index = 0; index < this.source.length; index++) this.source[index]! &= valid[index]!;
  }

  byteSize(_start: number, count: number): number {
    return bitmapBytes(count);
  }

  append(start: number, count: number): void {
    const before = this.validity.length;
    const bytes = bitmapBytes(before + count);
    this.values.reserve(bytes + 1 - this.values.length);
    copyBits(this.values.bytes, before, this.source, start, count);
    this.values.length = bytes;
    this.validity.append(start, count);
  }

  take(): Data {
    return arrowData(this.type, this.validity.take(), { values: this.values.take() });
  }
}

function packBooleans(bytes: Uint8Array, count: number): Bitmap {
  const packed = new Uint8Array(bitmapBytes(count));
  for (let row = 0; row < count; row++) packed[row >> 3]! |= (bytes[row]! & 1) << (row & 7);
  return packed;
}
