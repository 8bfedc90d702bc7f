import type { BatchWriter } from "../../arrow/batch-writer.js";
import { BooleanWriter } from "../../arrow/columns/bit-writers.js";
import { BytesWriter } from "../../arrow/columns/bytes-writer.js";
import type { ColumnWriter } from "../../arrow/columns/column-writer.js";
import { DecimalWriter } from "../../arrow/columns/decimal-writer.js";
import { Bytes16Writer, Float64Writer, Int32Writer, Int64Writer } from "../../arrow/columns/number-writers.js";
import { dayOf, INFINITE_DAY, INFINITE_MICROS, momentOf, timeOf } from "./clock-text.js";
import { digitsOf, realText } from "./number-text.js";
import type { ReadColumn } from "./read-table.js";

/** A value as better-sqlite3 gives it: integers as bigint, floats as number. */
export type StoredValue = bigint | number | string | Uint8Array | null;

/** A column of the batch, and what puts a value into it. */
export interface ValueReader {
  readonly column: ColumnWriter;
  /** Takes a value that is not null. Throws a RangeError that says what it is where the column cannot hold it. */
  readonly read: (value: StoredValue) => void;
}

/**
 * Reads one column of a table. A column is read from the storage class that SQLite has for its type, so that nothing is
 * guessed; one whose type says nothing (`isFree`) is read as text from all of them.
 */
export function valueReader({ type, isFree }: ReadColumn, writer: BatchWriter, index: number): ValueReader {
  if (isFree) return freeReader(writer.column(index, BytesWriter));
  switch (type.kind) {
    case "boolean": {
      const column = writer.column(index, BooleanWriter);
      return reader(column, (value) => {
        if (value !== 0n && value !== 1n) throw unfit(value, "0 or 1");
        column.append(value === 1n);
      });
    }
    case "integer":
      return integerReader(writer.column(index, Int64Writer));
    case "float": {
      const column = writer.column(index, Float64Writer);
      return reader(column, (value) => {
        if (typeof value !== "number") throw unfit(value, "a float");
        column.append(value);
      });
    }
    case "decimal":
      return decimalReader(writer.column(index, DecimalWriter), type.precision - type.scale, type.scale);
    case "text": {
      const column = writer.column(index, BytesWriter);
      return reader(column, (value) => {
        if (typeof value !== "string") throw unfit(value, "text");
        appendText(column, value);
      });
    }
    case "json": {
      const column = writer.column(index, BytesWriter);
      return reader(column, (value) => appendText(column, jsonText(value)));
    }
    case "bytes": {
      const column = writer.column(index, BytesWriter);
      return reader(column, (value) => {
        if (!(value instanceof Uint8Array)) throw unfit(value, "bytes");
        column.appendBytes(value, 0, value.length);
      });
    }
    case "uuid":
      return uuidReader(writer.column(index, Bytes16Writer));
    case "date": {
      const column = writer.column(index, Int32Writer);
      return reader(column, (value) => {
        const day = typeof value === "string" ? (dayOf(value) ?? infinity(value, INFINITE_DAY)) : undefined;
        if (day === undefined) throw unfit(value, "a text YYYY-MM-DD");
        column.append(day);
      });
    }
    case "time": {
      const column = writer.column(index, Int64Writer);
      return reader(column, (value) => {
        const micros = typeof value === "string" ? timeOf(value) : undefined;
        if (micros === undefined) throw unfit(value, "a text HH:MM:SS with six decimals at most");
        column.append(micros);
      });
    }
    case "timestamp":
      return timestampReader(writer.column(index, Int64Writer), type.zoned);
    default:
      throw new TypeError(`${type.kind} was let through`);
  }
}

function reader(column: ColumnWriter, read: ValueReader["read"]): ValueReader {
  return { column, read };
}

/** What the value is, for a message without it. */
function unfit(value: StoredValue, expected: string): RangeError {
  return new RangeError(`${storageClass(value)} that is not ${expected}`);
}

function storageClass(value: StoredValue): string {
  switch (typeof value) {
    case "bigint":
      return "an INTEGER";
    case "number":
      return "a REAL";
    case "string":
      return "a TEXT";
    default:
      return "a BLOB";
  }
}

function integerReader(column: Int64Writer): ValueReader {
  const whole = new BigInt64Array(1);
  const words = new Int32Array(whole.buffer);
  return reader(column, (value) => {
    if (typeof value !== "bigint") throw unfit(value, "a whole number");
    whole[0] = value;
    column.appendWords(words[0]!, words[1]!);
  });
}

function decimalReader(column: DecimalWriter, mostWhole: number, mostDecimals: number): ValueReader {
  return reader(column, (value) => {
    const digits = typeof value === "bigint" || typeof value === "number" ? digitsOf(value) : undefined;
    if (digits === undefined) throw unfit(value, "a number of 15 digits at most");
    const [, whole = "", decimals = ""] = /^-?0*(\d*)(?:\.(\d*))?$/.exec(digits) ?? [];
    if (whole.length > mostWhole || decimals.length > mostDecimals) throw unfit(value, "within its digits");
    column.append(digits);
  });
}

function freeReader(column: BytesWriter): ValueReader {
  return reader(column, (value) => {
    if (typeof value === "string") appendText(column, value);
    else if (typeof value === "bigint") appendText(column, value.toString());
    else if (typeof value === "number") appendText(column, realText(value));
    else throw unfit(value, "text or a number");
  });
}

/** A column declared JSON is one for numbers, which has turned a text that is a number into one. */
function jsonText(value: StoredValue): string {
  if (typeof value === "string") return value;
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && Number.isFinite(value)) return realText(value);
  throw unfit(value, "JSON text");
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

function uuidReader(column: Bytes16Writer): ValueReader {
  return reader(column, (value) => {
    if (typeof value !== "string" || !UUID.test(value)) throw unfit(value, "a text 8-4-4-4-12");
    column.appendBytes(Buffer.from(value.replaceAll("-", ""), "hex"), 0);
  });
}

const MICROS_PER_SECOND = 1_000_000;
/** So many seconds in microseconds are a safe integer. */
const SAFE_SECONDS = 9e9;

function timestampReader(column: Int64Writer, zoned: boolean): ValueReader {
  return reader(column, (value) => {
    const moment = typeof value === "string" ? momentOf(value, zoned) : undefined;
    if (moment === undefined) {
      const infinite = typeof value === "string" ? infinity(value, INFINITE_MICROS) : undefined;
      if (infinite === undefined) {
        const offset = zoned ? "with its offset" : "without an offset";
        throw unfit(value, `a text YYYY-MM-DD HH:MM:SS with six decimals at most, ${offset}`);
      }
      column.appendBigInt(infinite);
    } else if (Math.abs(moment.seconds) < SAFE_SECONDS) {
      column.append(moment.seconds * MICROS_PER_SECOND + moment.micros);
    } else {
      column.appendBigInt(BigInt(moment.seconds) * BigInt(MICROS_PER_SECOND) + BigInt(moment.micros));
    }
  });
}

function infinity<T extends number | bigint>(text: string, infinite: T): T | undefined {
  if (text === "infinity") return infinite;
  return text === "-infinity" ? (-infinite as T) : undefined;
}

/** Short texts of ASCII are copied here: a call for so few characters costs more than they do. */
const scratch = new Uint8Array(64);

function appendText(column: BytesWriter, text: string): void {
  const { length } = text;
  if (length <= scratch.length) {
    let bits = 0;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      bits |= code;
      scratch[index] = code;
    }
    if (bits < 0x80) {
      column.appendBytes(scratch, 0, length);
      return;
    }
  }
  column.appendText(text);
}
