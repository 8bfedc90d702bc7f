import type { DataType } from "../../../model/data-type.js";
import { MOST_BYTES, type NativeType } from "../native-type.js";
import type { FieldWriter } from "./field-writer.js";
import {
  BooleanField,
  DecimalField,
  FloatField,
  HugeIntegerField,
  LargeIntegerField,
  SmallIntegerField,
} from "./number-fields.js";
import { BitField, EnumField, HexField, TextField, type TextLimits, UuidField } from "./text-fields.js";
import { DateField, TimeField, TimestampField } from "./time-fields.js";

/** How values of a column become fields of text, and these a column of the table. */
export interface ColumnField {
  readonly field: FieldWriter;
  /** What the server makes of a field in a variable, as SQL text; absent: the field is the value. */
  readonly expression?: (variable: string) => string;
}

/** What writes values of `type` for a column of the type `native`, which keeps them. */
export function columnField(type: DataType, native: NativeType): ColumnField {
  const [length] = native.modifiers;
  switch (type.kind) {
    case "null":
      return { field: new NullField() };
    case "boolean":
      return { field: new BooleanField() };
    case "integer":
      if (type.bits === 128) return { field: new HugeIntegerField(type.signed) };
      return { field: type.bits === 64 ? new LargeIntegerField(type.signed) : new SmallIntegerField() };
    case "decimal":
      return { field: new DecimalField(type.scale) };
    case "float":
      return { field: new FloatField() };
    case "text":
    case "json":
      return { field: new TextField(textLimits(native)) };
    case "enum":
      return { field: new EnumField(textLimits(native)) };
    case "bytes":
      return {
        field: new HexField(
          native.name === "binary" ? { length: length ?? 1 } : { most: length ?? MOST_BYTES[native.name] ?? Infinity },
        ),
        expression: (variable) => `unhex(${variable})`,
      };
    case "bit":
      return {
        field: new BitField(length ?? 1),
        expression: (variable) => `cast(conv(${variable}, 2, 10) as unsigned)`,
      };
    case "uuid":
      return { field: new UuidField() };
    case "date":
      return { field: new DateField() };
    case "time":
      return { field: new TimeField() };
    case "timestamp":
      if (type.unit === "ns") break;
      return { field: new TimestampField(type.unit) };
    default:
      break;
  }
  throw new TypeError(`${type.kind} was let through`);
}

function textLimits({ name, modifiers: [length] }: NativeType): TextLimits {
  if (name === "char") return { most: length ?? 1, padded: true };
  return name === "varchar" && length !== undefined ? { most: length } : {};
}

/** A column of nothing but nulls. */
class NullField implements FieldWriter {
  open(): void {
    return;
  }

  room(): number {
    return 0;
  }

  write(): number {
    throw new TypeError("a column of nulls has a value");
  }
}
