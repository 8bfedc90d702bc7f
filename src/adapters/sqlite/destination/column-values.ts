import { bignumOf, hugeintOf } from "../../../model/binary-integers.js";
import type { DataType } from "../../../model/data-type.js";
import { type Affinity, isExactText } from "./column-storage.js";
import {
  MOST_DATE,
  MOST_TIME,
  MOST_TIMESTAMP,
  TICKS,
  writeDate,
  writeInstant,
  writeTimeOfDay,
  writeTimestamp,
} from "./date-text.js";
import { MOST_DECIMAL, writeDecimal } from "./decimal-text.js";
import { type TextForm, textCutter, writtenTexts } from "./text-pieces.js";
import type { WireColumn } from "../thread/wire-batch.js";

/** What better-sqlite3 binds. A number binds as a float, which a column for numbers turns back into an integer. */
export type SqliteValue = number | bigint | string | Uint8Array | null;

/** The value of a row that is not null. Throws a RangeError for a value that SQLite cannot keep. */
export type ValueReader = (row: number) => SqliteValue;

/** The rows of a column. */
interface ColumnRows {
  readonly count: number;
  isNull(row: number): boolean;
}

/**
 * Reads one column of a batch, in the form in which a column of this affinity keeps it exactly. Throws a RangeError, as
 * its readers do.
 */
export function valueReader(
  type: DataType,
  affinity: Affinity,
  column: WireColumn,
  rows: ColumnRows,
  form: TextForm,
): ValueReader {
  if (isExactText(type) || type.kind === "decimal") return exactNumberReader(type, affinity, column, rows, form);
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
      return column.dictionary ? enumReader(column) : textReader(column, form);
    case "enum":
      return enumReader(column);
    case "bytes":
      return bytesReader(column);
    case "uuid":
      return uuidReader(column);
    case "date": {
      const days = view(Int32Array, column);
      return writtenTexts(rows, MOST_DATE, form, (bytes, at, row) => writeDate(bytes, at, days[row]!));
    }
    case "time": {
      const ticks = TICKS[type.unit];
      const counts = view(BigInt64Array, column);
      return writtenTexts(rows, MOST_TIME, form, (bytes, at, row) =>
        writeTimeOfDay(bytes, at, Number(counts[row]!), ticks),
      );
    }
    case "timestamp": {
      const ticks = TICKS[type.unit];
      const write = type.zoned ? writeInstant : writeTimestamp;
      const halves = view(Int32Array, column);
      return writtenTexts(rows, MOST_TIMESTAMP, form, (bytes, at, row) =>
        write(bytes, at, halves[2 * row]! >>> 0, halves[2 * row + 1]!, ticks),
      );
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

function dataView({ values }: WireColumn): DataView {
  return new DataView(values.buffer, values.byteOffset, values.byteLength);
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
function exactNumberReader(
  type: DataType,
  affinity: Affinity,
  column: WireColumn,
  rows: ColumnRows,
  form: TextForm,
): ValueReader {
  const unscaled = unscaledReader(type, column);
  if (affinity === "real") return (row) => Number(unscaled(row));
  if (affinity !== "text" && affinity !== "any") return unscaled;
  if (type.kind !== "decimal") return (row) => unscaled(row).toString();
  const { scale } = type;
  const values = dataView(column);
  return writtenTexts(rows, MOST_DECIMAL, form, (bytes, at, row) => writeDecimal(bytes, at, values, 16 * row, scale));
}

function unscaledReader(type: DataType, column: WireColumn): (row: number) => bigint {
  if (type.kind === "bignum") {
    const read = bytesReader(column);
    return (row) => bignumOf(read(row));
  }
  const bytes = dataView(column);
  if (type.kind === "integer" && type.bits === 64) return (row) => bytes.getBigUint64(row * 8, true);
  const signed = type.kind === "decimal" || (type.kind === "integer" && type.signed);
  return (row) => hugeintOf(bytes, row * 16, signed);
}

function textReader({ values, offsets }: WireColumn, form: TextForm): ValueReader {
  if (offsets === null) throw new TypeError("texts without offsets were let through");
  const cut = textCutter(values, form);
  const start = offsets[0]!;
  return (row) => cut(offsets[row]! - start, offsets[row + 1]! - start);
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
