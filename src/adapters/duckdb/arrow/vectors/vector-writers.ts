import { DataType as ArrowType, type Field } from "apache-arrow";
import type { DataType, StructField } from "../../../../model/data-type.js";
import { childField, fieldType } from "../../../arrow/arrow-type-parts.js";
import { bitBytes } from "../bit-digits.js";
import { type Bitmap, bitmapBytes, isSet } from "../../../arrow/bitmap.js";
import { dictionaryTextWriter, enumWriter } from "./dictionary-writer.js";
import { fixedWriter } from "./fixed-writer.js";
import { GrowingBuffer } from "../../../arrow/growing-buffer.js";
import { arrayWriter, listWriter, mapEntryWriter, structWriter } from "./nested-writers.js";
import { checkedText, type Strings, stringsOf, stringWriter } from "./string-writer.js";
import { unmovableValue } from "../../../arrow/unsupported-columns.js";
import { rowsWithValue, valueBytes, type VectorWriter, writeBytes, writeValidity } from "./vector-writer.js";

/**
 * The writer for an Arrow column.
 *
 * @param type what `tableSchemaOfArrow` says of the field.
 * @param column the name of the table's column, for messages: fields of nested types have names of their own.
 */
export function vectorWriter(type: DataType, field: Field, column: string): VectorWriter {
  switch (type.kind) {
    case "null":
      return writeNulls;
    case "boolean":
      return writeBooleans;
    case "bit":
      return bitWriter(column);
    case "bignum":
      return variableBytesWriter();
    case "text":
    case "json":
      return ArrowType.isDictionary(field.type) ? dictionaryTextWriter(column) : textWriter(column);
    case "enum":
      return enumWriter(type.values, column);
    case "bytes":
      return ArrowType.isFixedSizeBinary(field.type) ? fixedBytesWriter(field.type.byteWidth) : variableBytesWriter();
    case "list":
      return listWriter(vectorWriter(type.item, childField(field, 0), column));
    case "array":
      return arrayWriter(vectorWriter(type.item, childField(field, 0), column), type.length);
    case "map": {
      const entry = childField(field, 0);
      const key = vectorWriter(type.key, childField(entry, 0), column);
      return listWriter(mapEntryWriter(key, vectorWriter(type.value, childField(entry, 1), column), column));
    }
    case "struct":
      return structWriter(fieldWriters(type.fields, field, column));
    case "union":
      return structWriter(fieldWriters([UNION_TAG, ...type.members], field, column));
    default:
      return fixedWriter(type, fieldType(field), column);
  }
}

const UNION_TAG: StructField = { name: "tag", type: { kind: "integer", bits: 8, signed: false } };

function fieldWriters(parts: readonly StructField[], field: Field, column: string): VectorWriter[] {
  return parts.map(({ type }, index) => vectorWriter(type, childField(field, index), column));
}

const writeNulls: VectorWriter = (vector, _data, _start, count) => {
  writeValidity(vector, new Uint8Array(Math.ceil(count / 8)), count);
};

const writeBooleans: VectorWriter = (vector, data, start, count, mask) => {
  const valid = rowsWithValue(data, start, count, mask);
  // Slices of booleans begin at a bit, which only the offset tells.
  const bits = valueBytes(data, 0, bitmapBytes(data.offset + start + count), valid, count);
  const bytes = new Uint8Array(count);
  for (let row = 0; row < count; row++) bytes[row] = isSet(bits, data.offset + start + row) ? 1 : 0;
  writeBytes(vector, bytes);
  writeValidity(vector, valid, count);
};

function variableBytesWriter(): VectorWriter {
  const writeStrings = stringWriter();
  return (vector, data, start, count, mask) => {
    const valid = rowsWithValue(data, start, count, mask);
    writeStrings(vector, stringsOf(data, start, count), count, valid);
    writeValidity(vector, valid, count);
  };
}

function textWriter(column: string): VectorWriter {
  const writeStrings = stringWriter();
  return (vector, data, start, count, mask) => {
    const valid = rowsWithValue(data, start, count, mask);
    writeStrings(vector, checkedText(stringsOf(data, start, count), count, valid, column), count, valid);
    writeValidity(vector, valid, count);
  };
}

function fixedBytesWriter(width: number): VectorWriter {
  const writeStrings = stringWriter();
  return (vector, data, start, count, mask) => {
    const valid = rowsWithValue(data, start, count, mask);
    const begins = Float64Array.from({ length: count }, (_, row) => (start + row) * width);
    const ends = begins.map((begin) => begin + width);
    writeStrings(vector, { bytes: data.values as Uint8Array, begins, ends }, count, valid);
    writeValidity(vector, valid, count);
  };
}

/** BIT comes as digits. */
function bitWriter(column: string): VectorWriter {
  const writeStrings = stringWriter();
  return (vector, data, start, count, mask) => {
    const valid = rowsWithValue(data, start, count, mask);
    writeStrings(vector, bytesOfDigits(stringsOf(data, start, count), count, valid, column), count, valid);
    writeValidity(vector, valid, count);
  };
}

function bytesOfDigits(digits: Strings, count: number, valid: Bitmap | null, column: string): Strings {
  const source = Buffer.from(digits.bytes.buffer, digits.bytes.byteOffset, digits.bytes.byteLength);
  const joined = new GrowingBuffer();
  const begins = new Float64Array(count);
  const ends = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    begins[row] = joined.length;
    if (valid === null || isSet(valid, row)) {
      const bytes = bitBytes(source.toString("latin1", digits.begins[row], digits.ends[row]));
      if (bytes === undefined) throw unmovableValue(column, "a value is not written in the digits 0 and 1");
      joined.append(bytes);
    }
    ends[row] = joined.length;
  }
  return { bytes: joined.take(), begins, ends };
}
