import { type Data, RecordBatch, Struct } from "apache-arrow";
import type { DataType } from "../../model/data-type.js";
import type { TableSchema } from "../../model/table-schema.js";
import { arrowSchema } from "../arrow/arrow-fields.js";
import { arrowData, type DataParts } from "../arrow/arrow-data.js";
import type { StoredValue } from "./row-values.js";

/** Columns of stored values as one Arrow batch. */
export function rowBatch(
  schema: TableSchema,
  columns: readonly (readonly StoredValue[])[],
  length: number,
): RecordBatch {
  const arrow = arrowSchema(schema);
  const children = schema.columns.map(({ type }, index) =>
    column(type, arrow.fields[index]!.type as ArrowType, columns[index] ?? []),
  );
  return new RecordBatch(arrow, arrowData(new Struct(arrow.fields), { length, nullCount: 0 }, { children }));
}

type ArrowType = Data["type"];

function column(type: DataType, arrowType: ArrowType, values: readonly StoredValue[]): Data {
  const nullCount = values.filter((value) => value === null).length;
  const nullBitmap = nullCount === 0 ? undefined : bitmap(values.map((value) => value !== null));
  return arrowData(arrowType, { length: values.length, nullCount, nullBitmap }, parts(type, arrowType, values));
}

function parts(type: DataType, arrowType: ArrowType, values: readonly StoredValue[]): DataParts {
  switch (type.kind) {
    case "boolean":
      return { values: bitmap(values.map((value) => value === true)) };
    case "integer":
      return { values: type.bits === 128 ? sixteenBytes(values) : integers(type.bits, type.signed, values) };
    case "float":
      return {
        values: new (type.bits === 32 ? Float32Array : Float64Array)(values.map((value) => Number(value ?? 0))),
      };
    case "decimal":
      return { values: new Uint32Array(sixteenBytes(values).buffer) };
    case "date":
      return { values: Int32Array.from(values, (value) => Number(value ?? 0)) };
    case "timestamp":
      return { values: BigInt64Array.from(values, (value) => (value ?? 0n) as bigint) };
    case "uuid":
      return { values: Buffer.concat(values.map((value) => (value as Uint8Array | null) ?? new Uint8Array(16))) };
    case "text":
    case "json":
      return joined(values.map((value) => Buffer.from((value as string | null) ?? "")));
    case "bytes":
      return joined(values.map((value) => (value as Uint8Array | null) ?? new Uint8Array(0)));
    case "list": {
      const lists = values.map((value) => (value as readonly StoredValue[] | null) ?? []);
      const item = column(type.item, arrowType.children[0]!.type as ArrowType, lists.flat());
      return { offsets: offsets(lists.map((list) => list.length)), children: [item] };
    }
    case "struct": {
      const rows = values as readonly (Readonly<Record<string, StoredValue>> | null)[];
      const children = type.fields.map((field, index) => {
        const ofField = rows.map((row) => row?.[field.name] ?? null);
        return column(field.type, arrowType.children[index]!.type as ArrowType, ofField);
      });
      return { children };
    }
    default:
      throw new TypeError(`Rows hold no ${type.kind}.`);
  }
}

function integers(bits: 8 | 16 | 32 | 64, signed: boolean, values: readonly StoredValue[]): ArrayBufferView {
  if (bits === 64) return new (signed ? BigInt64Array : BigUint64Array)(values.map((value) => (value ?? 0n) as bigint));
  const arrays = { 8: [Int8Array, Uint8Array], 16: [Int16Array, Uint16Array], 32: [Int32Array, Uint32Array] } as const;
  return new arrays[bits][signed ? 0 : 1](values.map((value) => Number(value ?? 0)));
}

function sixteenBytes(values: readonly StoredValue[]): BigInt64Array {
  const words = new BigInt64Array(values.length * 2);
  values.forEach((value, row) => {
    words[row * 2] = BigInt.asIntN(64, (value ?? 0n) as bigint);
    words[row * 2 + 1] = BigInt.asIntN(64, ((value ?? 0n) as bigint) >> 64n);
  });
  return words;
}

function joined(texts: readonly Uint8Array[]): DataParts {
  return { offsets: offsets(texts.map((text) => text.length)), values: Buffer.concat(texts) };
}

function offsets(lengths: readonly number[]): Int32Array {
  const sums = new Int32Array(lengths.length + 1);
  lengths.forEach((length, index) => {
    sums[index + 1] = sums[index]! + length;
  });
  return sums;
}

function bitmap(bits: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits.length / 64) * 8);
  bits.forEach((bit, index) => {
    if (bit) bytes[index >> 3]! |= 1 << (index & 7);
  });
  return bytes;
}
