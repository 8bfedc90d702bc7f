import type { DataType, StructField } from "../../model/data-type.js";
import { formatDataType, sameDataType } from "../../model/data-type.js";
import { isPlainObject, RowProblem } from "./row-problem.js";

const BIGINT: DataType = { kind: "integer", bits: 64, signed: true };
const HUGEINT: DataType = { kind: "integer", bits: 128, signed: true };
const DOUBLE: DataType = { kind: "float", bits: 64 };
const NOTHING: DataType = { kind: "null" };

/** The type that a value shows by itself; `null` for null and undefined. */
export function typeOfValue(value: unknown): DataType {
  switch (typeof value) {
    case "undefined":
      return NOTHING;
    case "boolean":
      return { kind: "boolean" };
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? BIGINT : DOUBLE;
    case "bigint":
      return BigInt.asIntN(64, value) === value ? BIGINT : HUGEINT;
    case "string":
      return { kind: "text" };
    case "object":
      return typeOfObject(value);
    default:
      throw new RowProblem(`is a ${typeof value}, which no column holds`);
  }
}

/** The type that holds the values of both. */
export function joinedType(left: DataType, right: DataType): DataType {
  if (left.kind === "null" || sameDataType(left, right)) return right;
  if (right.kind === "null") return left;
  if (left.kind === "integer" && right.kind === "integer") return HUGEINT;
  if (isBigintOrDouble(left) && isBigintOrDouble(right)) return DOUBLE;
  if (left.kind === "list" && right.kind === "list") return { kind: "list", item: joinedType(left.item, right.item) };
  if (left.kind === "struct" && right.kind === "struct") return joinedStruct(left.fields, right.fields);
  throw new RowProblem(`is ${formatDataType(right)} where the rows before hold ${formatDataType(left)}`);
}

/** Whether every part of the type is known. */
export function isWhole(type: DataType): boolean {
  if (type.kind === "list") return isWhole(type.item);
  if (type.kind === "struct") return type.fields.every((field) => isWhole(field.type));
  return type.kind !== "null";
}

/**
 * The type of this name, as DuckDB spells it, of those that rows can be declared as.
 *
 * @returns undefined for any other.
 */
export function namedType(text: string): DataType | undefined {
  const name = text.trim().toUpperCase().replace(/\s+/g, " ");
  if (name.endsWith("[]")) {
    const item = namedType(name.slice(0, -2));
    return item && { kind: "list", item };
  }
  const decimal = /^(?:DECIMAL|NUMERIC)\((\d+), ?(\d+)\)$/.exec(name);
  if (decimal !== null) {
    const [precision, scale] = [Number(decimal[1]), Number(decimal[2])];
    return precision >= 1 && precision <= 38 && scale <= precision ? { kind: "decimal", precision, scale } : undefined;
  }
  return NAMED[name];
}

const NAMED: Readonly<Record<string, DataType>> = {
  BOOLEAN: { kind: "boolean" },
  TINYINT: { kind: "integer", bits: 8, signed: true },
  SMALLINT: { kind: "integer", bits: 16, signed: true },
  INTEGER: { kind: "integer", bits: 32, signed: true },
  BIGINT,
  HUGEINT,
  UTINYINT: { kind: "integer", bits: 8, signed: false },
  USMALLINT: { kind: "integer", bits: 16, signed: false },
  UINTEGER: { kind: "integer", bits: 32, signed: false },
  UBIGINT: { kind: "integer", bits: 64, signed: false },
  FLOAT: { kind: "float", bits: 32 },
  DOUBLE,
  VARCHAR: { kind: "text" },
  TEXT: { kind: "text" },
  JSON: { kind: "json" },
  BLOB: { kind: "bytes" },
  UUID: { kind: "uuid" },
  DATE: { kind: "date" },
  TIMESTAMP: { kind: "timestamp", unit: "us", zoned: false },
  "TIMESTAMP WITH TIME ZONE": { kind: "timestamp", unit: "us", zoned: true },
  TIMESTAMPTZ: { kind: "timestamp", unit: "us", zoned: true },
};

function typeOfObject(value: object | null): DataType {
  if (value === null) return NOTHING;
  if (value instanceof Date) return { kind: "timestamp", unit: "us", zoned: true };
  if (value instanceof Uint8Array) return { kind: "bytes" };
  if (Array.isArray(value)) return { kind: "list", item: value.map(typeOfValue).reduce(joinedType, NOTHING) };
  if (!isPlainObject(value)) throw new RowProblem("is an instance of a class, which no column holds");
  const fields = Object.entries(value).map(([name, part]) => ({ name, type: typeOfValue(part) }));
  if (fields.length === 0) throw new RowProblem("is an object without keys, which no column holds");
  return { kind: "struct", fields };
}

function isBigintOrDouble(type: DataType): boolean {
  return type.kind === "float" || (type.kind === "integer" && type.bits === 64);
}

function joinedStruct(left: readonly StructField[], right: readonly StructField[]): DataType {
  const types = new Map(left.map(({ name, type }) => [name, type]));
  for (const { name, type } of right) types.set(name, joinedType(types.get(name) ?? NOTHING, type));
  return { kind: "struct", fields: [...types].map(([name, type]) => ({ name, type })) };
}
