import { isUtf8 } from "node:buffer";
import duckdb, { type Vector } from "@duckdb/node-bindings";
import type { Data } from "apache-arrow";
import { type Bitmap, isSet } from "../../../arrow/bitmap.js";
import { GrowingBuffer } from "../../../arrow/growing-buffer.js";
import { unmovableValue } from "../../../arrow/unsupported-columns.js";
import { Scratch } from "./scratch.js";
import { writeBytes } from "./vector-writer.js";

/** Where the strings of some rows lie: row `i` is `bytes` from `begins[i]` to `ends[i]`. */
export interface Strings {
  readonly bytes: Uint8Array;
  readonly begins: Offsets;
  readonly ends: Offsets;
}

export type Offsets = Int32Array | Float64Array;

const ENTRY_BYTES = 16;
const ENTRY_WORDS = 4;
/** DuckDB keeps strings up to this length in the entry itself; longer ones as a prefix and a pointer. */
const INLINE_BYTES = 12;
const PREFIX_BYTES = 4;

/** The strings of a range of a text or bytes column, where they lie. */
export function stringsOf(data: Data, start: number, count: number): Strings {
  const offsets = numbers(data.valueOffsets as Int32Array | BigInt64Array, start, count + 1);
  return { bytes: data.values as Uint8Array, begins: offsets.subarray(0, count), ends: offsets.subarray(1) };
}

/** A range of offsets as numbers, also of the 64-bit ones that the large types have. */
export function numbers(offsets: Int32Array | BigInt64Array, start: number, count: number): Offsets {
  const range = offsets.subarray(start, start + count);
  if (range.length < count) throw new RangeError("An Arrow column has fewer offsets than its length says.");
  return range instanceof BigInt64Array ? Float64Array.from(range, Number) : range;
}

/** Writes strings into a vector, from its first row on. */
export type StringWriter = (vector: Vector, strings: Strings, count: number, valid: Bitmap | null) => void;

/**
 * A writer that makes one call to the driver for all the long strings of a range: they go into the vector's memory as one
 * string, and the entries then point into that. Rows that are clear in `valid` hold no string; null: all do.
 */
export function stringWriter(): StringWriter {
  const scratch = new Scratch();
  return (vector, strings, count, valid) => {
    const { bytes, begins, ends } = strings;
    const { low, high, longest } = extent(strings, count, valid);
    const pointer = longest > INLINE_BYTES ? storeBytes(vector, bytes.subarray(low, high)) : { low: 0, high: 0 };
    const entryBytes = scratch.take(count * ENTRY_BYTES);
    const entries = new Uint32Array(entryBytes.buffer, 0, count * ENTRY_WORDS);
    for (let row = 0; row < count; row++) {
      if (valid !== null && !isSet(valid, row)) continue;
      const begin = begins[row]!;
      const length = ends[row]! - begin;
      const word = row * ENTRY_WORDS;
      const copied = length <= INLINE_BYTES ? length : PREFIX_BYTES;
      for (let index = 0; index < copied; index++) entryBytes[word * 4 + 4 + index] = bytes[begin + index]!;
      entries[word] = length;
      if (length > INLINE_BYTES) {
        const address = pointer.low + (begin - low);
        entries[word + 2] = address;
        entries[word + 3] = pointer.high + (address > 0xffff_ffff ? 1 : 0);
      }
    }
    writeBytes(vector, entryBytes);
  };
}

/**
 * Checks that strings are UTF-8, which Arrow promises and nobody checks. Strings with something else between them, as
 * rows that are null may have, come back without it.
 *
 * @throws JobError `query_failed` that names the column.
 */
export function checkedText(strings: Strings, count: number, valid: Bitmap | null, column: string): Strings {
  const { bytes, begins, ends } = strings;
  const { low, high } = extent(strings, count, valid);
  let whole = isUtf8(bytes.subarray(low, high));
  for (let row = 0; row < count && whole; row++) {
    if (valid !== null && !isSet(valid, row)) continue;
    whole = !isInsideCharacter(bytes, begins[row]!, high) && !isInsideCharacter(bytes, ends[row]!, high);
  }
  if (whole) return strings;

  const joined = new GrowingBuffer();
  const newBegins = new Float64Array(count);
  const newEnds = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    newBegins[row] = joined.length;
    if (valid === null || isSet(valid, row)) {
      const text = bytes.subarray(begins[row], ends[row]);
      if (!isUtf8(text)) throw unmovableValue(column, "a text is not UTF-8");
      joined.append(text);
    }
    newEnds[row] = joined.length;
  }
  return { bytes: joined.take(), begins: newBegins, ends: newEnds };
}

function isInsideCharacter(bytes: Uint8Array, at: number, end: number): boolean {
  return at < end && (bytes[at]! & 0xc0) === 0x80;
}

/** The part of the bytes that strings use, and the length of the longest. */
function extent(
  { bytes, begins, ends }: Strings,
  count: number,
  valid: Bitmap | null,
): { readonly low: number; readonly high: number; readonly longest: number } {
  let low = bytes.length;
  let high = 0;
  let longest = 0;
  for (let row = 0; row < count; row++) {
    if (valid !== null && !isSet(valid, row)) continue;
    const begin = begins[row]!;
    const end = ends[row]!;
    if (!(begin >= 0 && begin <= end && end <= bytes.length)) {
      throw new RangeError("An Arrow column has offsets outside of its values.");
    }
    if (begin < low) low = begin;
    if (end > high) high = end;
    if (end - begin > longest) longest = end - begin;
  }
  return { low: Math.min(low, high), high, longest };
}

/** Puts bytes into the memory that lives as long as the vector, and returns their address. */
function storeBytes(vector: Vector, bytes: Uint8Array): { readonly low: number; readonly high: number } {
  duckdb.vector_assign_string_element_len(vector, 0, bytes);
  const entry = duckdb.vector_get_data(vector, ENTRY_BYTES);
  const view = new DataView(entry.buffer, entry.byteOffset, ENTRY_BYTES);
  // A refused assignment is not an error to the driver: it writes an empty entry and makes the row null.
  if (view.getUint32(0, true) !== bytes.length) throw new RangeError("DuckDB did not take the strings of a column.");
  return { low: view.getUint32(8, true), high: view.getUint32(12, true) };
}
