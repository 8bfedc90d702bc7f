import { type DataType, formatDataType } from "../../model/data-type.js";
import { isPlainObject, RowProblem } from "./row-problem.js";

/**
 * A value as it goes into an Arrow buffer: integers of 64 and more bits, decimals (unscaled) and timestamps
 * (microseconds since 1970) as bigint, dates as days since 1970, UUIDs as their bytes.
 */
export type StoredValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly StoredValue[]
  | { readonly [name: string]: StoredValue };

/** Brings a value into the form in which it is kept, exactly. @throws RowProblem when the type cannot hold it. */
export function storedValue(type: DataType, value: unknown): StoredValue {
  if (value === null || value === undefined) return null;
  const stored = store(type, value);
  if (stored === undefined) throw new RowProblem(`is no ${formatDataType(type)}`);
  return stored;
}

function store(type: DataType, value: unknown): StoredValue | undefined {
  switch (type.kind) {
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "integer":
      return storeInteger(type.bits, type.signed, value);
    case "float":
      if (typeof value !== "number") return undefined;
      return type.bits === 64 || Object.is(Math.fround(value), value) || Number.isNaN(value) ? value : undefined;
    case "decimal":
      return storeDecimal(type.precision, type.scale, value);
    case "text":
      return typeof value === "string" && isWhole(value) ? value : undefined;
    case "json":
      return storeJson(value);
    case "bytes":
      return value instanceof Uint8Array ? value.slice() : undefined;
    case "uuid":
      return typeof value === "string" && UUID.test(value) ? Buffer.from(value.replaceAll("-", ""), "hex") : undefined;
    case "date":
      return storeDate(value);
    case "timestamp":
      return storeTimestamp(type.zoned, value);
    case "list":
      return Array.isArray(value) ? value.map((item) => storedValue(type.item, item)) : undefined;
    case "struct":
      if (!isPlainObject(value)) return undefined;
      return Object.fromEntries(type.fields.map(({ name, type: part }) => [name, storedValue(part, value[name])]));
    default:
      return undefined;
  }
}

function storeInteger(bits: number, signed: boolean, value: unknown): StoredValue | undefined {
  const isInteger = typeof value === "bigint" || Number.isSafeInteger(value);
  if (!isInteger) return undefined;
  const integer = BigInt(value as number | bigint);
  if ((signed ? BigInt.asIntN(bits, integer) : BigInt.asUintN(bits, integer)) !== integer) return undefined;
  return bits > 32 ? integer : Number(integer);
}

function storeDecimal(precision: number, scale: number, value: unknown): bigint | undefined {
  if (!["string", "number", "bigint"].includes(typeof value)) return undefined;
  const parts = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(String(value));
  if (parts === null) return undefined;
  const [, sign = "", whole = "", fraction = ""] = parts;
  if (fraction.slice(scale).replaceAll("0", "") !== "") return undefined;
  const unscaled = BigInt(whole + fraction.slice(0, scale).padEnd(scale, "0"));
  if (unscaled >= 10n ** BigInt(precision)) return undefined;
  return sign === "-" ? -unscaled : unscaled;
}

function storeJson(value: unknown): string | undefined {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  try {
    JSON.parse(text);
    return isWhole(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DAY_MS = 86_400_000;

function storeDate(value: unknown): number | undefined {
  const instant = value instanceof Date ? value.getTime() : isDay(value) ? Date.parse(value) : Number.NaN;
  return instant % DAY_MS === 0 ? instant / DAY_MS : undefined;
}

function storeTimestamp(zoned: boolean, value: unknown): bigint | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : BigInt(value.getTime()) * 1_000n;
  if (typeof value !== "string") return undefined;
  const parts = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)?$/.exec(value);
  const [, day, clock, fraction = "", zone] = parts ?? [];
  if (!isDay(day) || clock === undefined || zoned !== (zone !== undefined)) return undefined;
  const instant = Date.parse(`${day}T${clock}${zone ?? "Z"}`);
  return Number.isNaN(instant) ? undefined : BigInt(instant) * 1_000n + BigInt(fraction.padEnd(6, "0"));
}

/** Half a surrogate pair has no place in UTF-8. */
function isWhole(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

// Date.parse takes 31 February for 3 March in some forms.
function isDay(value: unknown): value is string {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const instant = Date.parse(value);
  return !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(value);
}
