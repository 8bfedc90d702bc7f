import { type DataType, formatDataType } from "../../../model/data-type.js";
import { losslessStorage, type StorageAnswer } from "../../../model/lossless-storage.js";
import type { Column } from "../../../model/table-schema.js";
import { type NativeType, parseNativeType } from "../native-type.js";

const STORED: StorageAnswer = { stored: true };

function refused(reason: string): StorageAnswer {
  return { stored: false, reason };
}

/** Whether a column, or a new one when there is none, keeps every value of the type exactly. */
export function postgresStorage(type: DataType, column: Column | null): StorageAnswer {
  const nowhere = noPlaceFor(type);
  if (nowhere !== undefined) return refused(nowhere);
  if (column === null) return type.kind === "null" ? refused(UNTYPED) : STORED;
  if (type.kind === "null") return STORED;
  const native = parseNativeType(column.nativeType ?? "");
  return isKeptBy(type, native, column.type)
    ? STORED
    : refused(`a column of type ${column.nativeType ?? formatDataType(column.type)} does not keep every value of it`);
}

/** The type of a new column, or undefined when Postgres has no fitting one. */
export function declaredType(type: DataType): string | undefined {
  switch (type.kind) {
    case "integer":
      return type.bits === 128 ? "numeric(39,0)" : (type.signed ? SIGNED : UNSIGNED)[type.bits];
    case "float":
      return type.bits === 32 ? "real" : "double precision";
    case "decimal":
      return `numeric(${type.precision},${type.scale})`;
    case "time":
      return type.unit === "ns" ? undefined : `time ${type.zoned ? "with" : "without"} time zone`;
    case "timestamp":
      return type.unit === "ns" ? undefined : `timestamp ${type.zoned ? "with" : "without"} time zone`;
    case "list":
    case "array": {
      const item = isList(type.item) ? undefined : declaredType(type.item);
      return item && `${item}[]`;
    }
    case "null":
    case "struct":
    case "map":
    case "union":
    case "any":
    case "opaque":
      return undefined;
    default:
      return PLAIN[type.kind];
  }
}

const SIGNED = { 8: "smallint", 16: "smallint", 32: "integer", 64: "bigint" } as const;
const UNSIGNED = { 8: "smallint", 16: "integer", 32: "bigint", 64: "numeric(20,0)" } as const;

const PLAIN = {
  boolean: "boolean",
  bignum: "numeric",
  text: "text",
  json: "json",
  enum: "text",
  bytes: "bytea",
  bit: "bit varying",
  uuid: "uuid",
  date: "date",
  interval: "interval",
} as const;

const UNTYPED = "its type is unknown; cast it to the type that the new column shall have";

/** Why no column at all can keep the type. */
function noPlaceFor(type: DataType): string | undefined {
  switch (type.kind) {
    case "struct":
    case "map":
    case "union":
      return "it is nested; wrap it in to_json()";
    case "list":
    case "array":
      if (isList(type.item))
        return "Postgres' arrays of arrays are rectangles and know no null among them; wrap it in to_json()";
      return type.item.kind === "null" ? UNTYPED : noPlaceFor(type.item);
    case "time":
    case "timestamp":
      return type.unit === "ns" ? `Postgres keeps microseconds; cast it to ${type.kind.toUpperCase()}` : undefined;
    case "any":
    case "opaque":
      return "its type has no exact form; cast it to VARCHAR";
    default:
      return undefined;
  }
}

function isKeptBy(type: DataType, native: NativeType, held: DataType): boolean {
  if (isList(type))
    return native.isArray && held.kind === "list" && isKeptBy(type.item, { ...native, isArray: false }, held.item);
  if (native.isArray) return false;
  // Of all that the model has no word for, numbers alone have a rule.
  if (native.name === "numeric") return isKeptByNumeric(type, native.modifiers);
  return held.kind !== "opaque" && losslessStorage(type, held).stored;
}

/** @param modifiers how many digits, and how many of them are decimals; without: as many as there are. */
function isKeptByNumeric(type: DataType, [precision, scale = 0]: readonly number[]): boolean {
  if (type.kind === "bignum") return precision === undefined;
  const digits = digitsOf(type);
  if (digits === undefined) return false;
  return precision === undefined || (digits.scale <= scale && digits.whole <= precision - scale);
}

function digitsOf(type: DataType): { readonly whole: number; readonly scale: number } | undefined {
  if (type.kind === "decimal") return { whole: type.precision - type.scale, scale: type.scale };
  return type.kind === "integer" ? { whole: INTEGER_DIGITS[type.bits], scale: 0 } : undefined;
}

const INTEGER_DIGITS = { 8: 3, 16: 5, 32: 10, 64: 20, 128: 39 } as const;

function isList(type: DataType): type is Extract<DataType, { kind: "list" | "array" }> {
  return type.kind === "list" || type.kind === "array";
}
