import {
  type Binary,
  type Bool,
  type Field,
  type FixedSizeList,
  type List,
  type Map_,
  type Null,
  type Struct,
  type Utf8,
} from "apache-arrow";
import type { DataType, StructField } from "../../../../model/data-type.js";
import type { DriverCopies } from "../driver-copies.js";
import { ArrayColumn } from "./array-column.js";
import { dictionaryMaker } from "../../../arrow/enum-dictionary.js";
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
 * @param copies what the vectors are read with.
 */
export function columnBuilder(type: DataType, field: Field, column: string, copies: DriverCopies): ColumnBuilder {
  switch (type.kind) {
    case "null":
      return new NullColumn(field.type as Null);
    case "boolean":
      return new BooleanColumn(field.type as Bool, copies);
    case "text":
    case "json":
    case "bytes":
    case "bignum":
      return new TextColumn(field.type as Utf8 | Binary, column, copies);
    case "bit":
      return new BitColumn(field.type as Utf8, column, copies);
    case "list":
      return new ListColumn(
        field.type as List,
        columnBuilder(type.item, childField(field, 0), column, copies),
        column,
        copies,
      );
    case "map": {
      const entries = childField(field, 0);
      const item = structColumn([{ type: type.key }, { type: type.value }], entries, column, copies);
      return new ListColumn(field.type as Map_, item, column, copies);
    }
    case "array":
      return new ArrayColumn(
        field.type as FixedSizeList,
        columnBuilder(type.item, childField(field, 0), column, copies),
      );
    case "struct":
      return structColumn(type.fields, field, column, copies);
    case "union":
      return structColumn([{ type: UNION_TAG }, ...type.members], field, column, copies);
    default: {
      const layout = fixedLayout(type);
      if (layout === undefined) throw new TypeError(`${type.kind} was let through`);
      const makeDictionary = type.kind === "enum" ? dictionaryMaker(type.values) : undefined;
      return new FixedColumn(fieldType(field), layout, copies, makeDictionary);
    }
  }
}

const UNION_TAG: DataType = { kind: "integer", bits: 8, signed: false };

function structColumn(
  parts: readonly Pick<StructField, "type">[],
  field: Field,
  column: string,
  copies: DriverCopies,
): StructColumn {
  const fields = parts.map(({ type }, index) => columnBuilder(type, childField(field, index), column, copies));
  return new StructColumn(field.type as Struct, fields);
}
