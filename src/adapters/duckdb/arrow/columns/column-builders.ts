import {
  type Binary,
  type Bool,
  type Field,
  type FixedSizeList,
  type List,
  type Map_,
  type Null,
  type Struct,
  Utf8,
  Vector,
} from "apache-arrow";
import type { DataType, StructField } from "../../../../model/data-type.js";
import { ArrayColumn } from "./array-column.js";
import { arrowData } from "./arrow-data.js";
import { childField, fieldType } from "../../../arrow/arrow-type-parts.js";
import { BitColumn } from "./bit-column.js";
import { BooleanColumn } from "./boolean-column.js";
import type { ColumnBuilder } from "./column-builder.js";
import { FixedColumn } from "./fixed-column.js";
import { fixedLayout } from "../fixed-layout.js";
import { ListColumn } from "./list-column.js";
import { NullColumn } from "./null-column.js";
import { StructColumn } from "./struct-column.js";
import { TextColumn } from "./text-column.js";

/**
 * The builder for a column of a DuckDB result.
 *
 * @param field the field that `arrowSchema` gives for the type.
 * @param column the name of the table's column, for messages: fields of nested types have names of their own.
 */
export function columnBuilder(type: DataType, field: Field, column: string): ColumnBuilder {
  switch (type.kind) {
    case "null":
      return new NullColumn(field.type as Null);
    case "boolean":
      return new BooleanColumn(field.type as Bool);
    case "text":
    case "json":
    case "bytes":
    case "bignum":
      return new TextColumn(field.type as Utf8 | Binary, column);
    case "bit":
      return new BitColumn(field.type as Utf8, column);
    case "list":
      return new ListColumn(field.type as List, columnBuilder(type.item, childField(field, 0), column), column);
    case "map": {
      const entries = childField(field, 0);
      const item = structColumn([{ type: type.key }, { type: type.value }], entries, column);
      return new ListColumn(field.type as Map_, item, column);
    }
    case "array":
      return new ArrayColumn(field.type as FixedSizeList, columnBuilder(type.item, childField(field, 0), column));
    case "struct":
      return structColumn(type.fields, field, column);
    case "union":
      return structColumn([{ type: UNION_TAG }, ...type.members], field, column);
    default: {
      const layout = fixedLayout(type);
      if (layout === undefined) throw new TypeError(`${type.kind} was let through`);
      return new FixedColumn(fieldType(field), layout, type.kind === "enum" ? dictionaryMaker(type.values) : undefined);
    }
  }
}

const UNION_TAG: DataType = { kind: "integer", bits: 8, signed: false };

function structColumn(parts: readonly Pick<StructField, "type">[], field: Field, column: string): StructColumn {
  const fields = parts.map(({ type }, index) => columnBuilder(type, childField(field, index), column));
  return new StructColumn(field.type as Struct, fields);
}

/** Encodes the values once and copies them for every batch. */
function dictionaryMaker(values: readonly string[]): () => Vector<Utf8> {
  const type = new Utf8();
  const encoded = values.map((value) => Buffer.from(value));
  const bytes = Uint8Array.from(Buffer.concat(encoded));
  const offsets = new Int32Array(values.length + 1);
  encoded.forEach(({ length }, index) => (offsets[index + 1] = offsets[index]! + length));
  const rows = { length: values.length, nullCount: 0 };
  return () => new Vector([arrowData(type, rows, { offsets: offsets.slice(), values: bytes.slice() })]);
}
