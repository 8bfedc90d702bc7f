import { BufferType, Data, type DataType as ArrowType, Utf8 } from "apache-arrow";
import { type DataType, sameDataType } from "../../../model/data-type.js";
import { emptyValues, hasLongOffsets, nullBooleans, nullData } from "./null-data.js";

/** Its message is a clause whose subject is the column. */
export class TimeOutOfRange extends RangeError {}

/**
 * A column of one type as the layout of another that holds all its values: what `lanceStorage` lets pass. Column by
 * column, and nothing is copied where both layouts are the same.
 *
 * @throws TimeOutOfRange for a time beyond what the finer unit of its column reaches.
 */
export function convertData(data: Data, from: DataType, to: DataType, type: ArrowType): Data {
  if (from.kind === "null") return nullData(type, data.length);
  const converted = convertValues(data, from, to, type);
  return hasLongOffsets(type) ? withLongOffsets(converted, type) : converted;
}

function convertValues(data: Data, from: DataType, to: DataType, type: ArrowType): Data {
  if (from.kind === "enum") return dictionaryTexts(data);
  switch (to.kind) {
    case "integer":
      return from.kind === "integer" && from.bits < to.bits ? widened(data, from.signed, to.bits, type) : data;
    case "float":
      return sameDataType(from, to) ? data : withValues(data, type, (values) => floats(values, to.bits));
    case "boolean":
      return data.nullCount >= data.length ? nullBooleans(data.length) : data;
    case "time":
    case "timestamp":
      return from.kind === to.kind && from.unit !== to.unit
        ? finer(data, type, TICKS[to.unit] / TICKS[from.unit])
        : data;
    case "list":
      if (from.kind === "array") return asList(data, from, to, type);
      return from.kind === "list" ? convertedList(data, from.item, to.item, type) : data;
    case "array":
      return from.kind === "array"
        ? withItems(data, [convertData(child(data, 0), from.item, to.item, itemType(type))])
        : data;
    case "struct": {
      if (from.kind !== "struct") return data;
      const parts = from.fields.map((field, index) => {
        return convertData(
          child(data, index),
          field.type,
          to.fields[index]!.type,
          type.children[index]!.type as ArrowType,
        );
      });
      return withItems(data, parts);
    }
    default:
      return data;
  }
}

const TICKS = { s: 1n, ms: 1_000n, us: 1_000_000n, ns: 1_000_000_000n } as const;

/** Stands for infinity in dates and times. */
const INFINITE = 9_223_372_036_854_775_807n;

type Numbers = ArrayLike<number>;

function floats(values: Numbers, bits: 32 | 64): Float32Array | Float64Array {
  return bits === 32 ? Float32Array.from(values) : Float64Array.from(values);
}

function widened(data: Data, signed: boolean, bits: number, type: ArrowType): Data {
  return withValues(data, type, (values) => {
    if (bits < 64) {
      const wider = emptyValues(type, data.length) as Int32Array;
      wider.set(values);
      return wider;
    }
    return longIntegers(values, data.length, signed);
  });
}

/** As two halves of 32 bits: a bigint for each value would take ten times as long. */
function longIntegers(values: Numbers, length: number, signed: boolean): BigInt64Array {
  const halves = new Int32Array(2 * length);
  for (let index = 0; index < length; index++) {
    const value = values[index]!;
    halves[2 * index] = value;
    if (signed && value < 0) halves[2 * index + 1] = -1;
  }
  return new BigInt64Array(halves.buffer);
}

function withLongOffsets(data: Data, type: ArrowType): Data {
  const offsets = data.valueOffsets as Int32Array;
  const first = offsets[0] ?? 0;
  const own = offsets.subarray(0, data.length + 1).map((offset) => offset - first);
  return new Data(type, data.offset, data.length, data.nullCount, {
    [BufferType.VALIDITY]: data.nullBitmap,
    [BufferType.OFFSET]: longIntegers(own, own.length, false),
    [BufferType.DATA]: (data.values as Uint8Array).subarray(first),
  });
}

function finer(data: Data, type: ArrowType, factor: bigint): Data {
  const { buffer, byteOffset } = data.values as ArrayBufferView;
  const ticks = new BigInt64Array(buffer, byteOffset, data.length);
  const scaled = ticks.map((tick, row) => {
    if (tick === INFINITE || tick === -INFINITE) return tick;
    const scaledTick = tick * factor;
    // The array would wrap it. Under a null lies anything.
    if (BigInt.asIntN(64, scaledTick) !== scaledTick && data.getValid(row)) {
      throw new TimeOutOfRange("reaches less far than a time that the query yields");
    }
    return scaledTick;
  });
  return withValues(data, type, () => scaled);
}

function withValues(data: Data, type: ArrowType, make: (values: Numbers) => ArrayBufferView): Data {
  return new Data(type, data.offset, data.length, data.nullCount, {
    [BufferType.VALIDITY]: data.nullBitmap,
    [BufferType.DATA]: make(data.values as Numbers),
  });
}

function convertedList(data: Data, from: DataType, to: DataType, type: ArrowType): Data {
  const offsets = data.valueOffsets as Int32Array;
  const first = offsets[0] ?? 0;
  const last = offsets[data.length] ?? 0;
  const items = child(data, 0);
  // Of a slice only its own items: those around it must not decide whether all are null.
  const own = first === 0 && last === items.length ? items : items.slice(first, last - first);
  const converted = convertData(own, from, to, itemType(type));
  return new Data(
    data.type,
    data.offset,
    data.length,
    data.nullCount,
    {
      [BufferType.VALIDITY]: data.nullBitmap,
      [BufferType.OFFSET]: first === 0 ? offsets : offsets.map((offset) => offset - first),
    },
    [converted],
  );
}

function asList(
  data: Data,
  from: DataType & { readonly kind: "array" },
  to: DataType & { readonly kind: "list" },
  type: ArrowType,
): Data {
  const offsets = Int32Array.from({ length: data.length + 1 }, (_, row) => row * from.length);
  const item = convertData(child(data, 0), from.item, to.item, itemType(type));
  const buffers = { [BufferType.VALIDITY]: data.nullBitmap, [BufferType.OFFSET]: offsets };
  return new Data(type, data.offset, data.length, data.nullCount, buffers, [item]);
}

function withItems(data: Data, children: Data[]): Data {
  if (children.every((part, index) => part === child(data, index))) return data;
  return new Data(
    data.type,
    data.offset,
    data.length,
    data.nullCount,
    { [BufferType.VALIDITY]: data.nullBitmap },
    children,
  );
}

/** The texts that the keys of a dictionary stand for. */
function dictionaryTexts(data: Data): Data {
  const keys = data.values as Numbers;
  const words = Array.from(data.dictionary ?? [], (word) => Buffer.from(String(word)));
  const offsets = new Int32Array(data.length + 1);
  // A null row has some key or none at all.
  for (let row = 0; row < data.length; row++) offsets[row + 1] = offsets[row]! + (words[keys[row]!]?.length ?? 0);
  const texts = new Uint8Array(offsets[data.length]!);
  for (let row = 0; row < data.length; row++) {
    const word = words[keys[row]!];
    if (word !== undefined) texts.set(word, offsets[row]);
  }
  return new Data(new Utf8(), data.offset, data.length, data.nullCount, {
    [BufferType.VALIDITY]: data.nullBitmap,
    [BufferType.OFFSET]: offsets,
    [BufferType.DATA]: texts,
  });
}

function itemType(type: ArrowType): ArrowType {
  return type.children[0]!.type as ArrowType;
}

function child(data: Data, index: number): Data {
  const found = (data.children as readonly (Data | undefined)[])[index];
  if (found === undefined) throw new TypeError(`A nested column lacks its part ${index}.`);
  return found;
}
