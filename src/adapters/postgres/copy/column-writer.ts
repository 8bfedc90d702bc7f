import type { DataType } from "../../../model/data-type.js";
import { type NativeType, oidOf } from "../native-type.js";
import { ListWriter } from "./list-writer.js";
import {
  BooleanWriter,
  IntegerAsFloatWriter,
  SmallIntegerWriter,
  UuidWriter,
  WholeDecimalWriter,
  WideFloatWriter,
  Word32Writer,
  Word64Writer,
} from "./number-writers.js";
import { BignumWriter, NumericWriter } from "./numeric-writer.js";
import { BitWriter, BytesWriter, EnumWriter, JsonbWriter } from "./text-writers.js";
import { DateWriter, IntervalWriter, TimestampWriter, ZonedTimeWriter } from "./time-writers.js";
import { NULL_LENGTH, type ValueWriter } from "./value-writer.js";

/** What writes values of `type` into a column of the type `native`, which keeps them. */
export function columnWriter(type: DataType, native: NativeType): ValueWriter {
  switch (type.kind) {
    case "null":
      return new NullWriter();
    case "boolean":
      return new BooleanWriter();
    case "integer":
      return integerWriter(type, native);
    case "bignum":
      return new BignumWriter();
    case "decimal":
      return native.name === "numeric" ? new NumericWriter(type) : new WholeDecimalWriter(native.name);
    case "float":
      if (type.bits === 64) return new Word64Writer();
      return native.name === "double precision" ? new WideFloatWriter() : new Word32Writer();
    case "text":
    case "bytes":
      return new BytesWriter(native.name === "character varying" ? native.modifiers[0] : undefined);
    case "json":
      return native.name === "jsonb" ? new JsonbWriter() : new BytesWriter(native.modifiers[0]);
    case "enum":
      return new EnumWriter();
    case "bit":
      return new BitWriter();
    case "uuid":
      return new UuidWriter();
    case "date":
      return new DateWriter();
    case "time":
      return type.zoned ? new ZonedTimeWriter() : new Word64Writer();
    case "timestamp":
      if (type.unit === "ns") break;
      return new TimestampWriter(type.unit);
    case "interval":
      return new IntervalWriter();
    case "list":
    case "array": {
      const itemOid = oidOf(native);
      if (itemOid === undefined) break;
      const item = columnWriter(type.item, { ...native, isArray: false });
      return new ListWriter(item, itemOid, type.kind === "array" ? type.length : null);
    }
    default:
      break;
  }
  throw new TypeError(`${type.kind} was let through`);
}

function integerWriter(type: Extract<DataType, { kind: "integer" }>, { name }: NativeType): ValueWriter {
  switch (name) {
    case "numeric":
      return new NumericWriter(type);
    case "real":
      return new IntegerAsFloatWriter(4);
    case "double precision":
      return new IntegerAsFloatWriter(8);
    case "bigint":
      return type.bits === 64 ? new Word64Writer() : new SmallIntegerWriter(8);
    case "integer":
      return type.bits === 32 ? new Word32Writer() : new SmallIntegerWriter(4);
    default:
      return new SmallIntegerWriter(2);
  }
}

/** A column of nothing but nulls, which has no bitmap. */
class NullWriter implements ValueWriter {
  open(): void {
    return;
  }

  measure(lengths: Int32Array, _from: number, count: number): void {
    lengths.fill(NULL_LENGTH, 0, count);
  }

  write(): void {
    return;
  }
}
