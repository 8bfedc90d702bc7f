import type { Binary, Bool, Decimal, Dictionary, Field, List, Null, Utf8 } from "apache-arrow";
import type { DataType } from "../../../model/data-type.js";
import { childField, fieldType } from "../arrow-type-parts.js";
import { BooleanWriter, NullWriter } from "./bit-writers.js";
import { BytesWriter } from "./bytes-writer.js";
import type { BatchBytes, ColumnWriter } from "./column-writer.js";
import { DecimalWriter } from "./decimal-writer.js";
import { EnumWriter } from "./enum-writer.js";
import { ListWriter } from "./list-writer.js";
import {
  Bytes16Writer,
  Float32Writer,
  Float64Writer,
  Int16Writer,
  Int32Writer,
  Int64Writer,
  Int8Writer,
} from "./number-writers.js";

/**
 * What writes a column of a type that databases have.
 *
 * @param field the field that `arrowSchema` gives for the type.
 * @param column the name of the table's column, for messages.
 */
export function columnWriter(type: DataType, field: Field, batch: BatchBytes, column: string): ColumnWriter {
  const arrow = fieldType(field);
  switch (type.kind) {
    case "null":
      return new NullWriter(arrow as Null);
    case "boolean":
      return new BooleanWriter(arrow as Bool);
    case "integer":
      return new INTEGERS[type.bits](arrow);
    case "float":
      return type.bits === 32 ? new Float32Writer(arrow) : new Float64Writer(arrow);
    case "decimal":
      return new DecimalWriter(arrow as Decimal, column);
    case "text":
    case "json":
    case "bit":
    case "bytes":
    case "bignum":
      return new BytesWriter(arrow as Utf8 | Binary, batch, column);
    case "enum":
      return new EnumWriter(arrow as Dictionary<Utf8>, type.values);
    case "uuid":
    case "interval":
      return new Bytes16Writer(arrow);
    case "date":
      return new Int32Writer(arrow);
    case "time":
    case "timestamp":
      return new Int64Writer(arrow);
    case "list":
      return new ListWriter(arrow as List, columnWriter(type.item, childField(field, 0), batch, column), batch);
    default:
      throw new TypeError(`${type.kind} is no type of a database's column`);
  }
}

const INTEGERS = { 8: Int8Writer, 16: Int16Writer, 32: Int32Writer, 64: Int64Writer, 128: Bytes16Writer } as const;
