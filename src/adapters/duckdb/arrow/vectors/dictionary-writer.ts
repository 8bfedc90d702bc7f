import type { Data, Vector as ArrowVector } from "apache-arrow";
import { type Bitmap, bitmapBytes, isSet, setBits } from "../../../arrow/bitmap.js";
import { GrowingBuffer } from "../../../arrow/growing-buffer.js";
import { checkedText, numbers, type Strings, stringWriter } from "./string-writer.js";
import { unmovableValue } from "../../../arrow/unsupported-columns.js";
import { rowsWithValue, type VectorWriter, writeBytes, writeValidity } from "./vector-writer.js";

/** Writes text that comes as keys into a dictionary. */
export function dictionaryTextWriter(column: string): VectorWriter {
  const dictionaryOf = dictionaryReader();
  const writeStrings = stringWriter();
  return (vector, data, start, count, mask) => {
    const dictionary = dictionaryOf(data);
    const { keys, valid } = keysOf(data, start, count, mask, dictionary);
    const begins = new Float64Array(count);
    const ends = new Float64Array(count);
    for (let row = 0; row < count; row++) {
      if (valid !== null && !isSet(valid, row)) continue;
      begins[row] = dictionary.begins[keys[row]!]!;
      ends[row] = dictionary.ends[keys[row]!]!;
    }
    const strings = checkedText({ bytes: dictionary.bytes, begins, ends }, count, valid, column);
    writeStrings(vector, strings, count, valid);
    writeValidity(vector, valid, count);
  };
}

/** Writes the codes of an ENUM, which need not be numbered as the keys of the dictionary are. */
export function enumWriter(values: readonly string[], column: string): VectorWriter {
  const codeOf = new Map(values.map((value, code) => [value, code]));
  const dictionaryOf = dictionaryReader();
  const CodeArray = values.length < 256 ? Uint8Array : values.length < 65_536 ? Uint16Array : Uint32Array;
  return (vector, data, start, count, mask) => {
    const dictionary = dictionaryOf(data);
    const { keys, valid } = keysOf(data, start, count, mask, dictionary);
    dictionary.codes ??= textsOf(dictionary).map((text) => codeOf.get(text));
    const codes = new CodeArray(count);
    for (let row = 0; row < count; row++) {
      if (valid !== null && !isSet(valid, row)) continue;
      const code = dictionary.codes[keys[row]!];
      if (code === undefined) throw unmovableValue(column, "a value is none of its ENUM's");
      codes[row] = code;
    }
    writeBytes(vector, new Uint8Array(codes.buffer));
    writeValidity(vector, valid, count);
  };
}

interface TextDictionary extends Strings {
  readonly length: number;
  /** The values that are not null; null: all of them. */
  readonly valid: Bitmap | null;
  /** For an ENUM: the code of each value. */
  codes?: (number | undefined)[];
}

/** Reads dictionaries, each once however many ranges use it. */
function dictionaryReader(): (data: Data) => TextDictionary {
  const read = new WeakMap<ArrowVector, TextDictionary>();
  return ({ dictionary }) => {
    if (dictionary === undefined) throw new RangeError("An Arrow column has keys and no dictionary.");
    const known = read.get(dictionary);
    if (known !== undefined) return known;
    const texts = joinChunks(dictionary);
    read.set(dictionary, texts);
    return texts;
  };
}

/** A dictionary that grew while it was read has several chunks. */
function joinChunks({ length, data: chunks }: ArrowVector): TextDictionary {
  const bytes = new GrowingBuffer();
  const begins = new Float64Array(length);
  const ends = new Float64Array(length);
  const valid = new Uint8Array(bitmapBytes(length));
  let row = 0;
  for (const chunk of chunks) {
    const base = bytes.length;
    bytes.append(chunk.values as Uint8Array);
    const offsets = numbers(chunk.valueOffsets as Int32Array | BigInt64Array, 0, chunk.length + 1);
    for (let index = 0; index < chunk.length; index++, row++) {
      begins[row] = base + offsets[index]!;
      ends[row] = base + offsets[index + 1]!;
      if (chunk.getValid(index)) valid[row >> 3]! |= 1 << (row & 7);
    }
  }
  return { length, bytes: bytes.take(), begins, ends, valid };
}

function textsOf({ bytes, begins, ends, length }: TextDictionary): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length }, (_, index) => buffer.toString("utf8", begins[index], ends[index]));
}

/** The keys of a range. A row is null by itself or because its value in the dictionary is. */
function keysOf(
  data: Data,
  start: number,
  count: number,
  mask: Bitmap | null,
  dictionary: TextDictionary,
): { readonly keys: ArrayLike<number>; readonly valid: Bitmap | null } {
  const all = data.values as ArrayLike<number | bigint>;
  const keys = Float64Array.from({ length: count }, (_, index) => Number(all[start + index]));
  let valid = rowsWithValue(data, start, count, mask);
  for (let row = 0; row < count; row++) {
    if (valid !== null && !isSet(valid, row)) continue;
    const key = keys[row]!;
    if (!(key >= 0 && key < dictionary.length)) {
      throw new RangeError("An Arrow column has keys outside of its dictionary.");
    }
    if (dictionary.valid === null || isSet(dictionary.valid, key)) continue;
    if (valid === null) {
      valid = new Uint8Array(bitmapBytes(count));
      setBits(valid, 0, count);
    }
    valid[row >> 3]! &= ~(1 << (row & 7));
  }
  return { keys, valid };
}
