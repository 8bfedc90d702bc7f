import type { Vector } from "@duckdb/node-bindings";
import { type Data, DataType as ArrowType, type Vector as ArrowVector } from "apache-arrow";
import { arrowData } from "../../../arrow/arrow-data.js";
import { type Bitmap, isSet } from "../../../arrow/bitmap.js";
import type { ColumnBuilder } from "./column-builder.js";
import type { DriverCopies } from "../driver-copies.js";
import type { FixedLayout } from "../fixed-layout.js";
import { GrowingBuffer } from "../../../arrow/growing-buffer.js";
import { ValidityBuilder } from "./validity-builder.js";

/** A typed array, to be put around bytes. */
interface ArrayType {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): ArrayBufferView;
}

/** Columns whose values all have the same width: most of them are copied a chunk at a time. */
export class FixedColumn implements ColumnBuilder {
  private source: Uint8Array = new Uint8Array(0);
  private readonly values = new GrowingBuffer();
  private readonly validity = new ValidityBuilder();

  private readonly arrayType: ArrayType;

  /** @param makeDictionary called for each batch of a dictionary column, as every batch owns its buffers. */
  constructor(
    private readonly type: ArrowType,
    private readonly layout: FixedLayout,
    private readonly copies: DriverCopies,
    private readonly makeDictionary?: () => ArrowVector,
  ) {
    this.arrayType = (ArrowType.isDictionary(type) ? type.indices : type).ArrayType as ArrayType;
  }

  open(vector: Vector, count: number, mask: Bitmap | null): void {
    this.validity.open(vector, count, mask);
    this.source = this.copies.ofVector(vector, count * this.layout.duckdbWidth);
  }

  byteSize(_start: number, count: number): number {
    return count * this.layout.arrowWidth;
  }

  append(start: number, count: number): void {
    const { duckdbWidth, arrowWidth, toArrow } = this.layout;
    const { source, values } = this;
    const offset = values.extend(count * arrowWidth);
    if (toArrow === undefined) {
      values.bytes.set(source.subarray(start * duckdbWidth, (start + count) * duckdbWidth), offset);
    } else {
      const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
      toArrow(view, start * duckdbWidth, count, values.view, offset);
    }
    if (this.validity.append(start, count) > 0) this.clearNulls(start, count, offset);
  }

  take(): Data {
    const bytes = this.values.take();
    const elements = bytes.byteLength / this.arrayType.BYTES_PER_ELEMENT;
    const values = new this.arrayType(bytes.buffer, bytes.byteOffset, elements);
    return arrowData(this.type, this.validity.take(), { values, dictionary: this.makeDictionary?.() });
  }

  /** What DuckDB leaves in null rows is memory of anything: it must reach neither a file nor a checksum. */
  private clearNulls(start: number, count: number, offset: number): void {
    const { arrowWidth } = this.layout;
    const { bytes } = this.values;
    const valid = this.validity.source!;
    for (let row = 0; row < count; row++) {
      if (isSet(valid, start + row)) continue;
      const first = offset + row * arrowWidth;
      for (let index = first; index < first + arrowWidth; index++) bytes[index] = 0;
    }
  }
}
