import type { Vector } from "@duckdb/node-bindings";
import type { Data, Null } from "apache-arrow";
import { arrowData } from "../../../arrow/arrow-data.js";
import type { Bitmap } from "../../../arrow/bitmap.js";
import type { ColumnBuilder } from "./column-builder.js";

/** Columns of DuckDB's type "NULL": only their length is known. */
export class NullColumn implements ColumnBuilder {
  private length = 0;

  constructor(private readonly type: Null) {}

  open(_vector: Vector, _count: number, _mask: Bitmap | null): void {
    // There is nothing to read.
  }

  byteSize(): number {
    return 0;
  }

  append(_start: number, count: number): void {
    this.length += count;
  }

  take(): Data {
    const { length } = this;
    this.length = 0;
    return arrowData(this.type, { length, nullCount: length }, {});
  }
}
