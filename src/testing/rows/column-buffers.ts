import {
  type DataType as ArrowType,
  Binary,
  Bool,
  DateDay,
  Decimal,
  Dictionary,
  FixedSizeBinary,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  Null,
  TimeMicrosecond,
  TimeNanosecond,
  Timestamp,
  TimeUnit,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
  type Vector,
  vectorFromArray,
} from "apache-arrow";
import { type DataType, formatDataType } from "../../model/data-type.js";

/**
 * A value as it goes into a batch, untouched: integers as number or bigint, decimals as their unscaled bigint, dates as
 * days since 1970, times and timestamps as ticks of their unit, UUIDs as text.
 */
export type SampleValue = null | boolean | number | bigint | string | Uint8Array;

/** One column in the form that engines use between themselves and destinations. */
export interface ColumnBuffers {
  readonly type: ArrowType;
  readonly values?: ArrayBufferView;
  readonly offsets?: Int32Array;
  readonly dictionary?: Vector;
}

export function columnBuffers(type: DataType, values: readonly SampleValue[]): ColumnBuffers {
  switch (type.kind) {
    case "null":
      return { type: new Null() };
    case "boolean":
      return { type: new Bool(), values: bitmap(values.map((value) => value === true)) };
    case "integer":
      if (type.bits === 128) return { type: new FixedSizeBinary(16), values: words(values, 16) };
      return { type: integerType(type.bits, type.signed), values: words(values, type.bits / 8, type.signed) };
    case "float": {
      const numbers = values.map((value) => Number(value ?? 0));
      return type.bits === 32
        ? { type: new Float32(), values: Float32Array.from(numbers) }
        : { type: new Float64(), values: Float64Array.from(numbers) };
    }
    case "decimal":
      return { type: new Decimal(type.scale, type.precision, 128), values: new Uint32Array(words(values, 16).buffer) };
    case "text":
    case "json":
    case "bit":
      return { type: new Utf8(), ...strings(values) };
    case "bytes":
      return { type: new Binary(), ...strings(values) };
    case "bignum":
      return {
        type: new Binary(),
        ...strings(values.map((value) => (value === null ? null : bignumBytes(BigInt(value as bigint))))),
      };
    case "enum": {
      const keys = values.map((value) => Math.max(0, type.values.indexOf(String(value))));
      const dictionary = vectorFromArray(type.values, new Utf8());
      return { type: new Dictionary(new Utf8(), new Uint32(), 0), values: Uint32Array.from(keys), dictionary };
    }
    case "uuid":
      return { type: new FixedSizeBinary(16), values: uuidBytes(values) };
    case "date":
      return { type: new DateDay(), values: words(values, 4) };
    case "time":
      if (type.zoned) return { type: new Uint64(), values: words(values, 8, false) };
      return { type: type.unit === "ns" ? new TimeNanosecond() : new TimeMicrosecond(), values: words(values, 8) };
    case "timestamp":
      return { type: new Timestamp(UNITS[type.unit], type.zoned ? "UTC" : null), values: words(values, 8) };
    default:
      throw new TypeError(`recordBatch() makes no column of type ${formatDataType(type)}.`);
  }
}

/** Bits in bytes, the first one lowest. */
export function bitmap(bits: readonly boolean[]): Uint8Array {
  const bytes = new Uint8Array((bits.length + 7) >> 3);
  bits.forEach((bit, index) => {
    if (bit) bytes[index >> 3]! |= 1 << (index & 7);
  });
  return bytes;
}

const UNITS = {
  s: TimeUnit.SECOND,
  ms: TimeUnit.MILLISECOND,
  us: TimeUnit.MICROSECOND,
  ns: TimeUnit.NANOSECOND,
} as const;

function integerType(bits: 8 | 16 | 32 | 64, signed: boolean): ArrowType {
  const [plain, unsigned] = INTEGER_TYPES[bits];
  return signed ? new plain() : new unsigned();
}

const INTEGER_TYPES = {
  8: [Int8, Uint8],
  16: [Int16, Uint16],
  32: [Int32, Uint32],
  64: [Int64, Uint64],
} as const;

const ARRAYS = {
  1: [Int8Array, Uint8Array],
  2: [Int16Array, Uint16Array],
  4: [Int32Array, Uint32Array],
  8: [BigInt64Array, BigUint64Array],
  16: [Uint8Array, Uint8Array],
} as const;

/** Little-endian integers of so many bytes each; 0 where there is none. */
function words(values: readonly SampleValue[], width: number, signed = true): ArrayBufferView {
  const bytes = new Uint8Array(values.length * width);
  values.forEach((value, index) => {
    let left = BigInt.asUintN(width * 8, typeof value === "number" || typeof value === "bigint" ? BigInt(value) : 0n);
    for (let byte = 0; byte < width; byte++, left >>= 8n) bytes[index * width + byte] = Number(left & 0xffn);
  });
  const array = ARRAYS[width as keyof typeof ARRAYS][signed ? 0 : 1];
  return new array(bytes.buffer);
}

function strings(values: readonly SampleValue[]): { values: Uint8Array; offsets: Int32Array } {
  const parts = values.map((value) => (value instanceof Uint8Array ? value : Buffer.from(String(value ?? ""))));
  const offsets = new Int32Array(values.length + 1);
  parts.forEach((part, index) => (offsets[index + 1] = offsets[index]! + part.length));
  return { values: Uint8Array.from(Buffer.concat(parts)), offsets };
}

function uuidBytes(values: readonly SampleValue[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [...Buffer.from(String(value ?? NIL).replaceAll("-", ""), "hex")]));
}

/** Three bytes of sign and length, then the magnitude; all inverted when negative. */
function bignumBytes(value: bigint): Uint8Array {
  const digits = (value < 0n ? -value : value).toString(16);
  const magnitude = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
  const header = Buffer.alloc(3);
  header.writeUIntBE(0x80_0000 | magnitude.length, 0, 3);
  return Buffer.concat([header, magnitude]).map((byte) => (value < 0n ? ~byte : byte));
}

const NIL = "0".repeat(32);
