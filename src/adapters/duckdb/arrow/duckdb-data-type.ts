import {
  ARRAY,
  BIGINT,
  BIGNUM,
  BIT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  type DuckDBType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTypeId,
  DuckDBUnionType,
  DuckDBVarCharType,
  ENUM,
  FLOAT,
  HUGEINT,
  INTEGER,
  INTERVAL,
  LIST,
  SMALLINT,
  SQLNULL,
  TIME,
  TIMESTAMP,
  TIMESTAMPTZ,
  TIMESTAMP_MS,
  TIMESTAMP_NS,
  TIMESTAMP_S,
  TIMETZ,
  TIME_NS,
  TINYINT,
  UBIGINT,
  UHUGEINT,
  UINTEGER,
  USMALLINT,
  UTINYINT,
  UUID,
  VARCHAR,
} from "@duckdb/node-api";
import type { DataType, StructField } from "../../../model/data-type.js";

/** The alias by which DuckDB tells a JSON text from any other VARCHAR. */
const JSON_ALIAS = "JSON";

/** A DuckDB type in the model's words. VARIANT, GEOMETRY and whatever else has none becomes `opaque`. */
export function dataTypeOfDuckDB(type: DuckDBType): DataType {
  switch (type.typeId) {
    case DuckDBTypeId.SQLNULL:
      return { kind: "null" };
    case DuckDBTypeId.BOOLEAN:
      return { kind: "boolean" };
    case DuckDBTypeId.TINYINT:
      return { kind: "integer", bits: 8, signed: true };
    case DuckDBTypeId.SMALLINT:
      return { kind: "integer", bits: 16, signed: true };
    case DuckDBTypeId.INTEGER:
      return { kind: "integer", bits: 32, signed: true };
    case DuckDBTypeId.BIGINT:
      return { kind: "integer", bits: 64, signed: true };
    case DuckDBTypeId.HUGEINT:
      return { kind: "integer", bits: 128, signed: true };
    case DuckDBTypeId.UTINYINT:
      return { kind: "integer", bits: 8, signed: false };
    case DuckDBTypeId.USMALLINT:
      return { kind: "integer", bits: 16, signed: false };
    case DuckDBTypeId.UINTEGER:
      return { kind: "integer", bits: 32, signed: false };
    case DuckDBTypeId.UBIGINT:
      return { kind: "integer", bits: 64, signed: false };
    case DuckDBTypeId.UHUGEINT:
      return { kind: "integer", bits: 128, signed: false };
    case DuckDBTypeId.BIGNUM:
      return { kind: "bignum" };
    case DuckDBTypeId.FLOAT:
      return { kind: "float", bits: 32 };
    case DuckDBTypeId.DOUBLE:
      return { kind: "float", bits: 64 };
    case DuckDBTypeId.DECIMAL:
      return { kind: "decimal", precision: type.width, scale: type.scale };
    case DuckDBTypeId.VARCHAR:
      return { kind: type.alias === JSON_ALIAS ? "json" : "text" };
    case DuckDBTypeId.ENUM:
      return { kind: "enum", values: type.values };
    case DuckDBTypeId.BLOB:
      return { kind: "bytes" };
    case DuckDBTypeId.BIT:
      return { kind: "bit" };
    case DuckDBTypeId.UUID:
      return { kind: "uuid" };
    case DuckDBTypeId.DATE:
      return { kind: "date" };
    case DuckDBTypeId.TIME:
      return { kind: "time", unit: "us", zoned: false };
    case DuckDBTypeId.TIME_NS:
      return { kind: "time", unit: "ns", zoned: false };
    case DuckDBTypeId.TIME_TZ:
      return { kind: "time", unit: "us", zoned: true };
    case DuckDBTypeId.TIMESTAMP_S:
      return { kind: "timestamp", unit: "s", zoned: false };
    case DuckDBTypeId.TIMESTAMP_MS:
      return { kind: "timestamp", unit: "ms", zoned: false };
    case DuckDBTypeId.TIMESTAMP:
      return { kind: "timestamp", unit: "us", zoned: false };
    case DuckDBTypeId.TIMESTAMP_NS:
      return { kind: "timestamp", unit: "ns", zoned: false };
    case DuckDBTypeId.TIMESTAMP_TZ:
      return { kind: "timestamp", unit: "us", zoned: true };
    case DuckDBTypeId.INTERVAL:
      return { kind: "interval" };
    case DuckDBTypeId.LIST:
      return { kind: "list", item: dataTypeOfDuckDB(type.valueType) };
    case DuckDBTypeId.ARRAY:
      return { kind: "array", item: dataTypeOfDuckDB(type.valueType), length: type.length };
    case DuckDBTypeId.STRUCT:
      return { kind: "struct", fields: structFields(type.entryNames, type.entryTypes) };
    case DuckDBTypeId.MAP:
      return { kind: "map", key: dataTypeOfDuckDB(type.keyType), value: dataTypeOfDuckDB(type.valueType) };
    case DuckDBTypeId.UNION:
      return { kind: "union", members: structFields(type.memberTags, type.memberTypes) };
    default:
      return { kind: "opaque", name: String(type) };
  }
}

/**
 * The DuckDB type that holds every value of `type`, or undefined where there is none (`any`, `opaque`).
 *
 * DuckDB keeps instants in microseconds only: a zoned timestamp of another unit becomes TIMESTAMP WITH TIME ZONE, and
 * an instant that is no whole number of microseconds is refused when it is written.
 */
export function duckDBTypeOf(type: DataType): DuckDBType | undefined {
  switch (type.kind) {
    case "null":
      return SQLNULL;
    case "boolean":
      return BOOLEAN;
    case "integer":
      return (type.signed ? SIGNED : UNSIGNED)[type.bits];
    case "bignum":
      return BIGNUM;
    case "float":
      return type.bits === 32 ? FLOAT : DOUBLE;
    case "decimal":
      return DECIMAL(type.precision, type.scale);
    case "text":
      return VARCHAR;
    case "json":
      return DuckDBVarCharType.create(JSON_ALIAS);
    case "enum":
      return ENUM(type.values);
    case "bytes":
      return BLOB;
    case "bit":
      return BIT;
    case "uuid":
      return UUID;
    case "date":
      return DATE;
    case "time":
      return type.zoned ? TIMETZ : type.unit === "ns" ? TIME_NS : TIME;
    case "timestamp":
      return type.zoned ? TIMESTAMPTZ : TIMESTAMPS[type.unit];
    case "interval":
      return INTERVAL;
    case "list": {
      const item = duckDBTypeOf(type.item);
      return item && LIST(item);
    }
    case "array": {
      const item = duckDBTypeOf(type.item);
      return item && ARRAY(item, type.length);
    }
    case "map": {
      const key = duckDBTypeOf(type.key);
      const value = duckDBTypeOf(type.value);
      return key && value && new DuckDBMapType(key, value);
    }
    case "struct": {
      const types = allTypes(type.fields);
      return types && new DuckDBStructType(names(type.fields), types);
    }
    case "union": {
      const types = allTypes(type.members);
      return types && new DuckDBUnionType(names(type.members), types);
    }
    case "any":
    case "opaque":
      return undefined;
  }
}

const SIGNED = { 8: TINYINT, 16: SMALLINT, 32: INTEGER, 64: BIGINT, 128: HUGEINT } as const;
const UNSIGNED = { 8: UTINYINT, 16: USMALLINT, 32: UINTEGER, 64: UBIGINT, 128: UHUGEINT } as const;
const TIMESTAMPS = { s: TIMESTAMP_S, ms: TIMESTAMP_MS, us: TIMESTAMP, ns: TIMESTAMP_NS } as const;

function structFields(fieldNames: readonly string[], types: readonly DuckDBType[]): StructField[] {
  return types.map((type, index) => ({ name: fieldNames[index] ?? "", type: dataTypeOfDuckDB(type) }));
}

function names(fields: readonly StructField[]): string[] {
  return fields.map(({ name }) => name);
}

function allTypes(fields: readonly StructField[]): DuckDBType[] | undefined {
  const types: DuckDBType[] = [];
  for (const field of fields) {
    const type = duckDBTypeOf(field.type);
    if (type === undefined) return undefined;
    types.push(type);
  }
  return types;
}
