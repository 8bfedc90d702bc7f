import type { BatchWriter } from "../../arrow/batch-writer.js";
import { BooleanWriter } from "../../arrow/columns/bit-writers.js";
import { BytesWriter } from "../../arrow/columns/bytes-writer.js";
import type { ColumnWriter } from "../../arrow/columns/column-writer.js";
import { DecimalWriter } from "../../arrow/columns/decimal-writer.js";
import { EnumWriter } from "../../arrow/columns/enum-writer.js";
import {
  Bytes16Writer,
  Float32Writer,
  Float64Writer,
  Int16Writer,
  Int32Writer,
  Int64Writer,
  Int8Writer,
} from "../../arrow/columns/number-writers.js";
import type { PacketReader } from "./packet-reader.js";
import type { ReadColumn } from "./read-table.js";
import { dayReader, timeReader, timestampReader } from "./time-readers.js";

/** A column of the batch, and what takes its value from a row. */
export interface ValueReader {
  readonly column: ColumnWriter;
  /** Takes a value that is not null. Throws a RangeError that says what it is where the column cannot hold it. */
  readonly read: (packet: PacketReader) => void;
}

/** Reads one column of a table from rows of the binary protocol. */
export function valueReader(source: ReadColumn, writer: BatchWriter, index: number): ValueReader {
  const { type, native } = source;
  switch (type.kind) {
    case "boolean": {
      const column = writer.column(index, BooleanWriter);
      return reader(column, (packet) => {
        const value = packet.uint8();
        if (value > 1) throw new RangeError("a number that is not 0 or 1");
        column.append(value === 1);
      });
    }
    case "integer":
      return integerReader(native.name, writer, index);
    case "float": {
      if (type.bits === 32) {
        const column = writer.column(index, Float32Writer);
        return reader(column, (packet) => column.append(packet.float()));
      }
      const column = writer.column(index, Float64Writer);
      return reader(column, (packet) => column.append(packet.double()));
    }
    case "decimal": {
      const column = writer.column(index, DecimalWriter);
      return reader(column, (packet) => {
        const length = packet.length();
        column.appendDigits(packet.bytes, packet.at, packet.at + length);
        packet.at += length;
      });
    }
    case "text":
    case "json":
    case "bytes": {
      const column = writer.column(index, BytesWriter);
      return reader(column, (packet) => {
        const length = packet.length();
        column.appendBytes(packet.bytes, packet.at, packet.at + length);
        packet.at += length;
      });
    }
    case "bit":
      return bitReader(writer.column(index, BytesWriter), native.modifiers[0] ?? 1);
    case "enum":
      return enumReader(writer.column(index, EnumWriter));
    case "uuid": {
      const column = writer.column(index, Bytes16Writer);
      return reader(column, (packet) => {
        const bytes = Buffer.from(text(packet).replaceAll("-", ""), "hex");
        if (bytes.length !== 16) throw new RangeError("a text that is no UUID");
        column.appendBytes(bytes, 0);
      });
    }
    case "date": {
      const column = writer.column(index, Int32Writer);
      return reader(column, dayReader(column, source.zeroIsNull));
    }
    case "timestamp": {
      const column = writer.column(index, Int64Writer);
      return reader(column, timestampReader(column, source.zeroIsNull));
    }
    case "time": {
      const column = writer.column(index, Int64Writer);
      const micros = timeReader();
      return reader(column, (packet) => {
        const value = micros(packet);
        if (value < 0 || value > MICROS_PER_DAY) throw new RangeError("a time beyond 00:00:00 to 24:00:00");
        column.append(value);
      });
    }
    case "interval": {
      const column = writer.column(index, Bytes16Writer);
      const micros = timeReader();
      return reader(column, (packet) => {
        const value = micros(packet);
        column.appendWords(0, 0, value, Math.floor(value / TWO_32));
      });
    }
    default:
      throw new TypeError(`${type.kind} was let through`);
  }
}

const MICROS_PER_DAY = 86_400_000_000;
const TWO_32 = 0x1_0000_0000;

function reader(column: ColumnWriter, read: ValueReader["read"]): ValueReader {
  return { column, read };
}

function text(packet: PacketReader): string {
  const length = packet.length();
  packet.at += length;
  return packet.bytes.toString("utf8", packet.at - length, packet.at);
}

/** As wide as the server sends them; the column's array knows of their sign. */
function integerReader(name: string, writer: BatchWriter, index: number): ValueReader {
  switch (name) {
    case "tinyint": {
      const column = writer.column(index, Int8Writer);
      return reader(column, (packet) => column.append(packet.uint8()));
    }
    case "smallint":
    case "year": {
      const column = writer.column(index, Int16Writer);
      return reader(column, (packet) => column.append(packet.uint16()));
    }
    case "bigint": {
      const column = writer.column(index, Int64Writer);
      return reader(column, (packet) => {
        const low = packet.int32();
        column.appendWords(low, packet.int32());
      });
    }
    default: {
      const column = writer.column(index, Int32Writer);
      return reader(column, (packet) => column.append(packet.int32()));
    }
  }
}

/** Bits come as bytes, the highest first, with zeros before them. */
function bitReader(column: BytesWriter, bits: number): ValueReader {
  const digits = Buffer.alloc(bits);
  return reader(column, (packet) => {
    const length = packet.length();
    const end = packet.at + length;
    for (let bit = 0; bit < bits; bit++) {
      const byte = packet.bytes[end - 1 - (bit >> 3)]!;
      digits[bits - 1 - bit] = 0x30 + (bit >> 3 < length ? (byte >> (bit & 7)) & 1 : 0);
    }
    packet.at = end;
    column.appendBytes(digits, 0, bits);
  });
}

function enumReader(column: EnumWriter): ValueReader {
  return reader(column, (packet) => {
    // What is no value of the enum the server keeps as an empty text.
    if (!column.appendText(text(packet))) throw new RangeError("a value that is none of the enum's");
  });
}
