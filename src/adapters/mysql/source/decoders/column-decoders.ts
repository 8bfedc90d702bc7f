import type { BatchWriter } from "../../../arrow/batch-writer.js";
import { BooleanWriter } from "../../../arrow/columns/bit-writers.js";
import { BytesWriter } from "../../../arrow/columns/bytes-writer.js";
import { DecimalWriter } from "../../../arrow/columns/decimal-writer.js";
import { EnumWriter } from "../../../arrow/columns/enum-writer.js";
import {
  Bytes16Writer,
  Float32Writer,
  Float64Writer,
  Int16Writer,
  Int32Writer,
  Int64Writer,
  Int8Writer,
} from "../../../arrow/columns/number-writers.js";
import type { ReadColumn } from "../read-table.js";
import { type ColumnDecoder, ValueDecoder } from "./column-decoder.js";
import {
  Float32Decoder,
  Float64Decoder,
  Int16Decoder,
  Int32Decoder,
  Int64Decoder,
  Int8Decoder,
} from "./number-decoders.js";
import { BytesDecoder, DecimalDecoder } from "./text-decoders.js";
import { DateDecoder, timeMicros, TimestampDecoder } from "./time-decoders.js";

const MICROS_PER_DAY = 86_400_000_000;
const TWO_32 = 0x1_0000_0000;

/** What turns values of these columns into those of a batch. */
export function columnDecoders(columns: readonly ReadColumn[], batch: BatchWriter): readonly ColumnDecoder[] {
  return columns.map((column, index) => columnDecoder(column, batch, index));
}

function columnDecoder({ type, native, zeroIsNull }: ReadColumn, batch: BatchWriter, index: number): ColumnDecoder {
  switch (type.kind) {
    case "boolean":
      return booleanDecoder(batch.column(index, BooleanWriter));
    case "integer":
      return integerDecoder(native.name, batch, index);
    case "float":
      return type.bits === 32
        ? new Float32Decoder(batch.column(index, Float32Writer))
        : new Float64Decoder(batch.column(index, Float64Writer));
    case "decimal":
      return new DecimalDecoder(batch.column(index, DecimalWriter));
    case "text":
    case "json":
    case "bytes":
      return new BytesDecoder(batch.column(index, BytesWriter));
    case "bit":
      return bitDecoder(batch.column(index, BytesWriter), native.modifiers[0] ?? 1);
    case "enum":
      return enumDecoder(batch.column(index, EnumWriter));
    case "uuid":
      return uuidDecoder(batch.column(index, Bytes16Writer));
    case "date":
      return new DateDecoder(batch.column(index, Int32Writer), zeroIsNull);
    case "timestamp":
      return new TimestampDecoder(batch.column(index, Int64Writer), zeroIsNull);
    case "time":
      return timeDecoder(batch.column(index, Int64Writer));
    case "interval":
      return intervalDecoder(batch.column(index, Bytes16Writer));
    default:
      throw new TypeError(`${type.kind} was let through`);
  }
}

function integerDecoder(name: string, batch: BatchWriter, index: number): ColumnDecoder {
  switch (name) {
    case "tinyint":
      return new Int8Decoder(batch.column(index, Int8Writer));
    case "smallint":
    case "year":
      return new Int16Decoder(batch.column(index, Int16Writer));
    case "bigint":
      return new Int64Decoder(batch.column(index, Int64Writer));
    default:
      return new Int32Decoder(batch.column(index, Int32Writer));
  }
}

function booleanDecoder(writer: BooleanWriter): ColumnDecoder {
  const append: Append = ({ bytes }, start) => {
    if (bytes[start]! > 1) throw new RangeError("a number that is not 0 or 1");
    writer.append(bytes[start] === 1);
  };
  return new ValueDecoder(writer, append, 1);
}

/** Bits come as bytes, the highest first, with zeros before them. */
function bitDecoder(writer: BytesWriter, bits: number): ColumnDecoder {
  const digits = Buffer.alloc(bits);
  return new ValueDecoder(writer, ({ bytes }, start, end) => {
    for (let bit = 0; bit < bits; bit++) {
      const at = end - 1 - (bit >> 3);
      digits[bits - 1 - bit] = 0x30 + (at >= start ? (bytes[at]! >> (bit & 7)) & 1 : 0);
    }
    writer.appendBytes(digits, 0, bits);
  });
}

function enumDecoder(writer: EnumWriter): ColumnDecoder {
  return new ValueDecoder(writer, ({ bytes }, start, end) => {
    // What is no value of the enum the server keeps as an empty text.
    if (!writer.appendText(bytes.toString("utf8", start, end))) {
      throw new RangeError("a value that is none of the enum's");
    }
  });
}

function uuidDecoder(writer: Bytes16Writer): ColumnDecoder {
  return new ValueDecoder(writer, ({ bytes }, start, end) => {
    const uuid = Buffer.from(bytes.toString("latin1", start, end).replaceAll("-", ""), "hex");
    if (uuid.length !== 16) throw new RangeError("a text that is no UUID");
    writer.appendBytes(uuid, 0);
  });
}

function timeDecoder(writer: Int64Writer): ColumnDecoder {
  return new ValueDecoder(writer, (rows, start, end) => {
    const micros = timeMicros(rows, start, end);
    if (micros < 0 || micros > MICROS_PER_DAY) throw new RangeError("a time beyond 00:00:00 to 24:00:00");
    writer.append(micros);
  });
}

function intervalDecoder(writer: Bytes16Writer): ColumnDecoder {
  return new ValueDecoder(writer, (rows, start, end) => {
    const micros = timeMicros(rows, start, end);
    writer.appendWords(0, 0, micros, Math.floor(micros / TWO_32));
  });
}

type Append = ConstructorParameters<typeof ValueDecoder>[1];
