import type { Data, RecordBatch } from "apache-arrow";
import { bignumOf, hugeintOf, integerOf } from "./binary-integers.js";
import { type DataType, formatDataType, type StructField } from "./data-type.js";
import type { TableSchema } from "./table-schema.js";
import { dateText, decimalText, timestampText, timeText, uuidText, zonedTimeText } from "./value-text.js";

/** A row as a plain object, keys in the order of the columns. */
export type PlainRow = Record<string, unknown>;

/** An interval as its three parts, which no fixed factor turns into each other. */
export interface IntervalValue {
  readonly months: number;
  readonly days: number;
  readonly micros: bigint;
}

/** A value of a union, and which member it is. */
export interface UnionValue {
  readonly tag: string;
  readonly value: unknown;
}

/**
 * The rows of a batch as plain JavaScript values, exact for every type. Null is null.
 *
 * | Type                              | Value                                                                        |
 * |-----------------------------------|------------------------------------------------------------------------------|
 * | boolean                           | boolean                                                                      |
 * | integer up to 32 bits, float      | number                                                                       |
 * | integer of 64 and 128 bits, bignum | bigint                                                                      |
 * | decimal                           | exact text, with all digits of its scale: `"1.50"`                           |
 * | text, json, enum, bit, uuid       | text                                                                         |
 * | bytes                             | Uint8Array, a copy                                                           |
 * | date                              | `"2026-01-31"`, `"0044-03-15 (BC)"`, `"infinity"`, `"-infinity"`             |
 * | time                              | `"12:34:56"`, `"12:34:56.789"`; zoned `"12:34:56+05:30"`                     |
 * | timestamp                         | `"2026-01-31 12:34:56.789"`; zoned in UTC: `"2026-01-31 12:34:56.789+00"`    |
 * | interval                          | {@link IntervalValue}                                                        |
 * | list, array                       | array                                                                        |
 * | struct                            | object; an array where the fields have no names (`row(1, 2)`)                |
 * | map                               | Map                                                                          |
 * | union                             | {@link UnionValue}                                                           |
 *
 * Dates and times are text because a Date loses microseconds and knows no infinity.
 */
export function batchRows(batch: RecordBatch, schema: TableSchema): PlainRow[] {
  const columns = schema.columns.map(({ type }, index) => columnValues(child(batch.data, index), type));
  const row = objectMaker(schema.columns, columns);
  return Array.from({ length: batch.numRows }, (_, index) => row(index));
}

/** The values of one column, in the forms of {@link batchRows}. */
export function columnValues(data: Data, type: DataType): unknown[] {
  const read = type.kind === "null" ? () => null : reader(data, type);
  return Array.from({ length: data.length }, (_, row) => (isValid(data, row) ? read(row) : null));
}

type ReadValue = (row: number) => unknown;

function reader(data: Data, type: DataType): ReadValue {
  switch (type.kind) {
    case "boolean": {
      const bits = bytesOf(data);
      return (row) => isSet(bits, data.offset + row);
    }
    case "integer":
      if (type.bits === 128) return fixed(data, 16, (view, at) => hugeintOf(view, at, type.signed));
      return (row) => (data.values as ArrayLike<number | bigint>)[row];
    case "float":
      return (row) => (data.values as ArrayLike<number>)[row];
    case "bignum":
      return binary(data, bignumOf);
    case "decimal":
      return fixed(data, 16, (view, at) => decimalText(hugeintOf(view, at, true), type.scale));
    case "text":
    case "json":
    case "bit":
      return text(data);
    case "enum":
      return dictionary(data);
    case "bytes":
      return binary(data, (bytes) => bytes.slice());
    case "uuid":
      return fixed(data, 16, uuidText);
    case "date":
      return (row) => dateText((data.values as Int32Array)[row] ?? 0);
    case "time":
      return type.zoned
        ? fixed(data, 8, (view, at) => zonedTimeText(view.getBigUint64(at, true)))
        : fixed(data, 8, (view, at) => timeText(integerOf(view, at), type.unit));
    case "timestamp":
      return fixed(data, 8, (view, at) => timestampText(integerOf(view, at), type.unit, type.zoned));
    case "interval":
      return fixed(data, 16, (view, at): IntervalValue => ({
        months: view.getInt32(at, true),
        days: view.getInt32(at + 4, true),
        micros: integerOf(view, at + 8),
      }));
    case "list":
      return list(data, columnValues(child(data, 0), type.item));
    case "array": {
      const items = columnValues(child(data, 0), type.item);
      return (row) => items.slice(row * type.length, (row + 1) * type.length);
    }
    case "struct":
      return struct(data, type.fields);
    case "map": {
      const entries = child(data, 0);
      const keys = columnValues(child(entries, 0), type.key);
      const values = columnValues(child(entries, 1), type.value);
      const pairs = list(
        data,
        keys.map((key, index) => [key, values[index]] as const),
      );
      return (row) => new Map(pairs(row) as [unknown, unknown][]);
    }
    case "union":
      return union(data, type.members);
    case "null":
    case "any":
    case "opaque":
      throw new TypeError(`A batch cannot hold a column of type ${formatDataType(type)}.`);
  }
}

const TEXT = new TextDecoder("utf-8", { ignoreBOM: true });

/** Decoding costs by the call, so a column of nothing but ASCII, where offsets in bytes and in characters agree, is decoded at once. */
function text(data: Data): ReadValue {
  const offsets = data.valueOffsets as Int32Array;
  const first = offsets[0] ?? 0;
  const bytes = bytesOf(data).subarray(first, offsets[data.length]);
  const all = TEXT.decode(bytes);
  if (all.length !== bytes.length) return binary(data, (one) => TEXT.decode(one));
  return (row) => all.slice(offsets[row]! - first, offsets[row + 1]! - first);
}

function struct(data: Data, fields: readonly StructField[]): ReadValue {
  const parts = fields.map(({ type }, index) => columnValues(child(data, index), type));
  if (fields.every(({ name }) => name === "")) return (row) => parts.map((values) => values[row]);
  return objectMaker(fields, parts);
}

/** Makes the object of one row. A key that objects have a meaning for (`__proto__`) is a key like any other. */
function objectMaker(
  fields: readonly { readonly name: string }[],
  columns: readonly (readonly unknown[])[],
): (row: number) => PlainRow {
  const names = fields.map(({ name }) => name);
  if (names.includes("__proto__")) {
    return (row) => Object.fromEntries(names.map((name, index) => [name, columns[index]?.[row]]));
  }
  return (row) => {
    const object: PlainRow = {};
    for (let index = 0; index < names.length; index++) object[names[index]!] = columns[index]![row];
    return object;
  };
}

function union(data: Data, members: readonly StructField[]): ReadValue {
  const tags = child(data, 0).values as Uint8Array;
  const parts = members.map(({ name, type }, index) => ({ name, values: columnValues(child(data, 1 + index), type) }));
  return (row): UnionValue => {
    const member = parts[tags[row] ?? 0];
    return { tag: member?.name ?? "", value: member?.values[row] };
  };
}

function list(data: Data, items: readonly unknown[]): ReadValue {
  const offsets = data.valueOffsets as Int32Array;
  return (row) => items.slice(offsets[row], offsets[row + 1]);
}

function dictionary(data: Data): ReadValue {
  const keys = data.values as ArrayLike<number>;
  return (row) => data.dictionary?.get(keys[row] ?? 0) as unknown;
}

function binary<T>(data: Data, decode: (bytes: Uint8Array) => T): (row: number) => T {
  const offsets = data.valueOffsets as Int32Array;
  const bytes = bytesOf(data);
  return (row) => decode(bytes.subarray(offsets[row], offsets[row + 1]));
}

/** Values of a fixed width, read from the bytes where they lie. */
function fixed<T>(data: Data, width: number, decode: (view: DataView, at: number) => T): (row: number) => T {
  const bytes = bytesOf(data);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (row) => decode(view, row * width);
}

function bytesOf(data: Data): Uint8Array {
  const { buffer, byteOffset, byteLength } = data.values as ArrayBufferView;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function child(data: Data, index: number): Data {
  const found = (data.children as readonly (Data | undefined)[])[index];
  if (found === undefined) throw new TypeError(`The batch has no column ${index}.`);
  return found;
}

// A column without nulls may have no bitmap, or an empty one.
function isValid(data: Data, row: number): boolean {
  const bitmap = data.nullBitmap as Uint8Array | undefined;
  return bitmap === undefined || bitmap.byteLength === 0 || isSet(bitmap, data.offset + row);
}

function isSet(bits: Uint8Array, index: number): boolean {
  return ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
}
