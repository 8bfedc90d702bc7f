import duckdb, { type Vector } from "@duckdb/node-bindings";
import type { Data, FixedSizeList } from "apache-arrow";
import { arrowData } from "../../../arrow/arrow-data.js";
import { type Bitmap, repeatBits } from "../../../arrow/bitmap.js";
import type { ColumnBuilder } from "./column-builder.js";
import { ValidityBuilder } from "./validity-builder.js";

/** Lists of one fixed length: their items follow each other, those of null lists included. */
export class ArrayColumn implements ColumnBuilder {
  private readonly validity = new ValidityBuilder();

  constructor(
    private readonly type: FixedSizeList,
    private readonly item: ColumnBuilder,
  ) {}

  open(vector: Vector, count: number, mask: Bitmap | null): void {
    this.validity.open(vector, count, mask);
    const { listSize } = this.type;
    const itemMask = repeatBits(this.validity.source, count, listSize);
    this.item.open(duckdb.array_vector_get_child(vector), count * listSize, itemMask);
  }

  byteSize(start: number, count: number): number {
    return this.item.byteSize(start * this.type.listSize, count * this.type.listSize);
  }

  append(start: number, count: number): void {
    this.item.append(start * this.type.listSize, count * this.type.listSize);
    this.validity.append(start, count);
  }

  take(): Data {
    return arrowData(this.type, this.validity.take(), { children: [this.item.take()] });
  }
}
