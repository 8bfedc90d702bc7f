/**
 * The type of a column or a parameter, in plain data.
 *
 * It is the one type language between engines, stores and destinations: an engine says what a query yields in it, a
 * destination says what its table holds in it, and the two are compared before the first row (law 5).
 */
export type DataType =
  | { readonly kind: "null" }
  | { readonly kind: "boolean" }
  /** Two's-complement when `signed`. 128 bits is DuckDB's HUGEINT and UHUGEINT. */
  | { readonly kind: "integer"; readonly bits: 8 | 16 | 32 | 64 | 128; readonly signed: boolean }
  /** An integer of any length: DuckDB's BIGNUM. */
  | { readonly kind: "bignum" }
  | { readonly kind: "float"; readonly bits: 32 | 64 }
  /** At most 38 digits, of which `scale` are behind the point. */
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number }
  | { readonly kind: "text" }
  | { readonly kind: "json" }
  | { readonly kind: "enum"; readonly values: readonly string[] }
  | { readonly kind: "bytes" }
  | { readonly kind: "bit" }
  | { readonly kind: "uuid" }
  | { readonly kind: "date" }
  | { readonly kind: "time"; readonly unit: "us" | "ns"; readonly zoned: boolean }
  /** `zoned`: an instant; otherwise a reading of a calendar and a clock with no zone. */
  | { readonly kind: "timestamp"; readonly unit: TimestampUnit; readonly zoned: boolean }
  | { readonly kind: "interval" }
  | { readonly kind: "list"; readonly item: DataType }
  | { readonly kind: "array"; readonly item: DataType; readonly length: number }
  | { readonly kind: "struct"; readonly fields: readonly StructField[] }
  | { readonly kind: "map"; readonly key: DataType; readonly value: DataType }
  | { readonly kind: "union"; readonly members: readonly StructField[] }
  /** A column that holds any value, as an untyped column of SQLite does. */
  | { readonly kind: "any" }
  /** A type this model has no word for; `name` is what the system calls it. It can be named in an error, not moved. */
  | { readonly kind: "opaque"; readonly name: string };

/** The resolution of a timestamp: seconds, milliseconds, microseconds or nanoseconds. */
export type TimestampUnit = "s" | "ms" | "us" | "ns";

/** A named part of a struct or a union. */
export interface StructField {
  readonly name: string;
  readonly type: DataType;
}

/** The type in SQL spelling (`DECIMAL(18,2)`, `STRUCT("a" INTEGER)`), for messages, previews and hashes. */
export function formatDataType(type: DataType): string {
  switch (type.kind) {
    case "integer":
      return (type.signed ? "" : "U") + INTEGER_NAMES[type.bits];
    case "float":
      return type.bits === 32 ? "FLOAT" : "DOUBLE";
    case "decimal":
      return `DECIMAL(${type.precision},${type.scale})`;
    case "enum":
      return `ENUM(${type.values.map((value) => `'${value.replaceAll("'", "''")}'`).join(", ")})`;
    case "time":
      return type.zoned ? "TIME WITH TIME ZONE" : type.unit === "ns" ? "TIME_NS" : "TIME";
    case "timestamp":
      return formatTimestamp(type.unit, type.zoned);
    case "list":
      return `${formatDataType(type.item)}[]`;
    case "array":
      return `${formatDataType(type.item)}[${type.length}]`;
    case "struct":
      return `STRUCT(${formatFields(type.fields)})`;
    case "union":
      return `UNION(${formatFields(type.members)})`;
    case "map":
      return `MAP(${formatDataType(type.key)}, ${formatDataType(type.value)})`;
    case "opaque":
      return type.name;
    default:
      return SIMPLE_NAMES[type.kind];
  }
}

/** Whether two types are the same type, nested parts included. */
export function sameDataType(left: DataType, right: DataType): boolean {
  return formatDataType(left) === formatDataType(right);
}

const INTEGER_NAMES = { 8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT", 128: "HUGEINT" } as const;

const SIMPLE_NAMES = {
  null: '"NULL"',
  boolean: "BOOLEAN",
  bignum: "BIGNUM",
  text: "VARCHAR",
  json: "JSON",
  bytes: "BLOB",
  bit: "BIT",
  uuid: "UUID",
  date: "DATE",
  interval: "INTERVAL",
  any: "ANY",
} as const;

function formatTimestamp(unit: TimestampUnit, zoned: boolean): string {
  const base = unit === "us" ? "TIMESTAMP" : `TIMESTAMP_${unit.toUpperCase()}`;
  return zoned ? `${base} WITH TIME ZONE` : base;
}

function formatFields(fields: readonly StructField[]): string {
  return fields.map(({ name, type }) => `"${name.replaceAll('"', '""')}" ${formatDataType(type)}`).join(", ");
}
