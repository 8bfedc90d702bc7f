import duckdb, { type Vector } from "@duckdb/node-bindings";
import type { Data, Struct } from "apache-arrow";
import { arrowData } from "../../../arrow/arrow-data.js";
import type { Bitmap } from "../../../arrow/bitmap.js";
import type { ColumnBuilder } from "./column-builder.js";
import { ValidityBuilder } from "./validity-builder.js";

/** Structs, and unions, which DuckDB keeps as structs of the tag and every member. */
export class StructColumn implements ColumnBuilder {
  private readonly validity = new ValidityBuilder();

  constructor(
    private readonly type: Struct,
    private readonly fields: readonly ColumnBuilder[],
  ) {}

  open(vector: Vector, count: number, mask: Bitmap | null): void {
    this.validity.open(vector, count, mask);
    this.fields.forEach((field, index) => {
      field.open(duckdb.struct_vector_get_child(vector, index), count, this.validity.source);
    });
  }

  byteSize(start: number, count: number): number {
    return this.fields.reduce((bytes, field) => bytes + field.byteSize(start, count), 0);
  }

  append(start: number, count: number): void {
    for (const field of this.fields) field.append(start, count);
    this.validity.append(start, count);
  }

  take(): Data {
    return arrowData(this.type, this.validity.take(), { children: this.fields.map((field) => field.take()) });
  }
}
