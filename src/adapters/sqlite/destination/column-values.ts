import { isAscii } from "node:buffer";
import { bignumOf, hugeintOf } from "../../../model/binary-integers.js";
import type { DataType } from "../../../model/data-type.js";
import { decimalText } from "../../../model/value-text.js";
import { type Affinity, isExactText } from "./column-storage.js";
import { dateFormatter, timeOfDayText, timestampFormatter } from "./date-text.js";
import type { WireColumn } from "../thread/wire-batch.js";

/** What better-sqlite3 binds. A number binds as a float, which a column for numbers turns back into an integer. */
export type SqliteValue = number | bigint | string | Uint8Array | null;

/** The value of a row that is not null. Throws a RangeError for a value that SQLite cannot keep. */
export type ValueReader = (row: number) => SqliteValue;

/** Reads one column of a batch, in the form in which a column of this affinity keeps it exactly. */
export function valueReader(type: DataType, affinity: Affinity, column: WireColumn): ValueReader {
  if (isExactText(type) || type.kind === "decimal") return exactNumberReader(type, affinity, column);
  switch (type.kind) {
    case "null":
      return () => null;
    case "boolean":
      return bitReader(column);
    case "integer":
      return type.bits === 64 ? int64Reader(column) : smallNumberReader(column);
    case "float":
      return floatReader(column);
    case "text":
    case "json":
      return column.dictionary ? enumReader(column) : textReader(column);
    case "enum":
      return enumReader(column);
    case "bytes":
      return bytesReader(column);
    case "uuid":
      return uuidReader(column);
    case "date": {
      const format = dateFormatter();
      const days = view(Int32Array, column);
      return (row) => format(days[row]!);
    }
    case "time": {
      const { unit } = type;
      const ticks = view(BigInt64Array, column);
      return (row) => timeOfDayText(Number(ticks[row]!), unit);
    }
    case "timestamp": {
      const format = timestampFormatter(type.unit, type.zoned);
      const halves = view(Int32Array, column);
      return (row) => format(halves[2 * row]! >>> 0, halves[2 * row + 1]!);
    }
    default:
      throw new TypeError(`${type.kind} was let through`);
  }
}

/** The values of a column as another kind of number. */
function view<T>(
  array: { new (buffer: ArrayBufferLike, offset: number, length: number): T; readonly BYTES_PER_ELEMENT: number },
  { values }: WireColumn,
): T {
  return new array(values.buffer, values.byteOffset, values.byteLength / array.BYTES_PER_ELEMENT);
}

function bitReader({ values, firstBit }: WireColumn): ValueReader {
  const bits = values as Uint8Array;
  return (row) => (bits[(firstBit + row) >> 3]! >> ((firstBit + row) & 7)) & 1;
}

/** Up to 2^53 a double counts exactly and is made faster than a bigint. */
function int64Reader(column: WireColumn): ValueReader {
  const halves = view(Int32Array, column);
  const whole = view(BigInt64Array, column);
  return (row) => {
    const high = halves[2 * row + 1]!;
    return high >= -0x20_0000 && high < 0x20_0000 ? high * 0x1_0000_0000 + (halves[2 * row]! >>> 0) : whole[row]!;
  };
}

function smallNumberReader({ values }: WireColumn): ValueReader {
  const numbers = values as Int32Array;
  return (row) => numbers[row]!;
}

function floatReader({ values }: WireColumn): ValueReader {
  const numbers = values as Float64Array;
  return (row) => {
    const value = numbers[row]!;
    // SQLite would store a null.
    if (Number.isNaN(value)) throw new RangeError("SQLite has no NaN");
    return value;
  };
}

/** Numbers that SQLite has no type for: as their digits, or as a number where the column's type has room for all. */
function exactNumberReader(type: DataType, affinity: Affinity, column: WireColumn): ValueReader {
  const unscaled = unscaledReader(type, column);
  if (affinity === "real") return (row) => Number(unscaled(row));
  if (affinity !== "text" && affinity !== "any") return unscaled;
  const scale = type.kind === "decimal" ? type.scale : 0;
  return (row) => decimalText(unscaled(row), scale);
}

function unscaledReader(type: DataType, column: WireColumn): (row: number) => bigint {
  if (type.kind === "bignum") {
    const read = bytesReader(column);
    return (row) => bignumOf(read(row));
  }
  const { buffer, byteOffset, byteLength } = column.values;
  const bytes = new DataView(buffer, byteOffset, byteLength);
  if (type.kind === "integer" && type.bits === 64) return (row) => bytes.getBigUint64(row * 8, true);
  const signed = type.kind === "decimal" || (type.kind === "integer" && type.signed);
  return (row) => hugeintOf(bytes, row * 16, signed);
}

function textReader(column: WireColumn): ValueReader {
  const bytes = Buffer.from(column.values.buffer, column.values.byteOffset, column.values.byteLength);
  const offsets = column.offsets!;
  const start = offsets[0]!;
  if (!isAscii(bytes)) return (row) => bytes.toString("utf8", offsets[row]! - start, offsets[row + 1]! - start);
  // One conversion for the whole column; its parts are cut without leaving JavaScript.
  const text = bytes.toString("latin1");
  return (row) => text.slice(offsets[row]! - start, offsets[row + 1]! - start);
}

function bytesReader(column: WireColumn): (row: number) => Uint8Array {
  const { values, offsets } = column;
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  if (offsets === null) throw new TypeError("bytes without offsets were let through");
  const start = offsets[0]!;
  return (row) => bytes.subarray(offsets[row]! - start, offsets[row + 1]! - start);
}

function enumReader({ values, dictionary }: WireColumn): ValueReader {
  const keys = values as Uint32Array;
  const texts = dictionary ?? [];
  return (row) => {
    const text = texts[keys[row]!];
    if (text === undefined) throw new RangeError("an enum's number has no text");
    return text;
  };
}

function uuidReader({ values }: WireColumn): ValueReader {
  const hex = Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("hex");
  return (row) => {
    const at = row * 32;
    const part = (from: number, to: number): string => hex.slice(at + from, at + to);
    return `${part(0, 8)}-${part(8, 12)}-${part(12, 16)}-${part(16, 20)}-${part(20, 32)}`;
  };
}
