import { type DataType, formatDataType } from "../../../model/data-type.js";
import { losslessStorage, type StorageAnswer } from "../../../model/lossless-storage.js";
import type { Column } from "../../../model/table-schema.js";

/**
 * What a column does to a value that is put into it. `any` leaves it alone; `integer` and `numeric` turn text that looks
 * like a number into one; `text` turns numbers into text; `real` turns integers into floats.
 * https://www.sqlite.org/datatype3.html#determination_of_column_affinity
 */
export type Affinity = "any" | "blob" | "integer" | "numeric" | "real" | "text";

export function affinityOf(column: Column): Affinity {
  // Untyped columns, and columns of type ANY in a STRICT table. Elsewhere ANY is a numeric column.
  if (column.type.kind === "any") return "any";
  const declared = (column.nativeType ?? "").toUpperCase();
  if (declared.includes("INT")) return "integer";
  if (/CHAR|CLOB|TEXT/.test(declared)) return "text";
  if (declared.includes("BLOB")) return "blob";
  if (/REAL|FLOA|DOUB/.test(declared)) return "real";
  return "numeric";
}

/** In the model's words, what a declared type holds: the types that this adapter declares, and what comes near. */
export function dataTypeOf(declared: string, strict: boolean): DataType {
  const name = declared.toUpperCase();
  if (name === "" || (strict && name === "ANY")) return { kind: "any" };
  switch (affinityOf({ name: "", type: { kind: "null" }, nullable: true, nativeType: name })) {
    case "integer":
      return { kind: "integer", bits: 64, signed: true };
    case "text":
      return { kind: "text" };
    case "blob":
      return { kind: "bytes" };
    case "real":
      return { kind: "float", bits: 64 };
    default:
      return numericType(name) ?? { kind: "opaque", name: declared };
  }
}

function numericType(name: string): DataType | undefined {
  const zoned = /TZ$|WITH TIME ZONE$/.test(name);
  if (/^BOOL(EAN)?$/.test(name)) return { kind: "boolean" };
  if (name === "DATE") return { kind: "date" };
  if (name === "TIME") return { kind: "time", unit: "us", zoned: false };
  if (/^(DATETIME|TIMESTAMP)/.test(name)) return { kind: "timestamp", unit: "us", zoned };
  if (name === "UUID") return { kind: "uuid" };
  if (name === "JSON") return { kind: "json" };
  const digits = /^(?:DECIMAL|NUMERIC)\((\d{1,2}),\s*(\d{1,2})\)$/.exec(name);
  return digits ? { kind: "decimal", precision: Number(digits[1]), scale: Number(digits[2]) } : undefined;
}

const STORED: StorageAnswer = { stored: true };
const INT64: DataType = { kind: "integer", bits: 64, signed: true };

function refused(reason: string): StorageAnswer {
  return { stored: false, reason };
}

/**
 * SQLite keeps integers of 64 bits, floats, text and bytes, and lets a column's declared type change what is put in.
 * So this rule asks what the column would do to the value, not what it is called.
 */
export function sqliteStorage(type: DataType, column: Column | null): StorageAnswer {
  return column === null ? newColumnStorage(type) : columnStorage(type, column);
}

/** The type with which a new column is declared, or undefined when SQLite has no fitting one. */
export function declaredType(type: DataType): string | undefined {
  switch (type.kind) {
    case "boolean":
      return "BOOLEAN";
    case "integer":
      return isInt64(type) ? "INTEGER" : undefined;
    case "float":
      return "REAL";
    case "decimal":
    case "text":
    case "json":
    case "enum":
      return "TEXT";
    case "bytes":
      return "BLOB";
    case "uuid":
      return "UUID";
    case "date":
      return "DATE";
    case "time":
      return type.zoned ? undefined : "TIME";
    case "timestamp":
      return type.zoned ? "TIMESTAMPTZ" : "TIMESTAMP";
    default:
      return undefined;
  }
}

function newColumnStorage(type: DataType): StorageAnswer {
  if (declaredType(type) !== undefined) return STORED;
  if (type.kind === "null") return refused("its type is unknown; cast it to the type that the new column shall have");
  return refused(noPlaceFor(type) ?? "SQLite's integers have 64 bits; cast it to BIGINT, or to VARCHAR");
}

function columnStorage(type: DataType, column: Column): StorageAnswer {
  const nowhere = noPlaceFor(type);
  if (nowhere !== undefined) return refused(nowhere);
  if (isKeptBy(type, column)) return STORED;
  const declared = column.nativeType === undefined || column.nativeType === "" ? "without a type" : column.nativeType;
  return refused(`the column is declared ${declared}, ${EFFECT[affinityOf(column)]}`);
}

const EFFECT: Readonly<Record<Affinity, string>> = {
  any: "which cannot keep it",
  blob: "which is for bytes",
  integer: "which is for integers of 64 bits",
  numeric: "which SQLite takes for numbers and may turn text into",
  real: "which keeps numbers as floats of 64 bits",
  text: "which is for text",
};

function isKeptBy(type: DataType, column: Column): boolean {
  const affinity = affinityOf(column);
  if (type.kind === "null") return true;
  switch (affinity) {
    case "any":
      return true;
    case "blob":
      return type.kind === "bytes";
    case "text":
      return isText(type) || isClockText(type) || type.kind === "uuid" || isExactText(type);
    case "real":
      return losslessStorage(type, { kind: "float", bits: 64 }).stored;
    case "integer":
      return type.kind === "boolean" || losslessStorage(type, INT64).stored;
    case "numeric":
      // Text of these kinds never looks like a number, so the column leaves it alone.
      if (isClockText(column.type) || column.type.kind === "uuid") return type.kind === column.type.kind;
      if (column.type.kind === "boolean") return type.kind === "boolean";
      return column.type.kind !== "json" && (type.kind === "float" || losslessStorage(type, INT64).stored);
  }
}

/** Why no column at all can keep the type. */
function noPlaceFor(type: DataType): string | undefined {
  switch (type.kind) {
    case "list":
    case "array":
    case "struct":
    case "map":
    case "union":
      return "SQLite has no nested types; wrap it in to_json()";
    case "interval":
    case "bit":
      return `SQLite has no ${formatDataType(type)}; cast it to VARCHAR`;
    case "time":
      return type.zoned ? "SQLite has no time with a zone; cast it to VARCHAR" : undefined;
    case "any":
    case "opaque":
      return "its type has no exact form; cast it to VARCHAR";
    default:
      return undefined;
  }
}

function isText({ kind }: DataType): boolean {
  return kind === "text" || kind === "json" || kind === "enum";
}

function isClockText({ kind }: DataType): boolean {
  return kind === "date" || kind === "time" || kind === "timestamp";
}

/** Numbers for which SQLite has no type: kept as their decimal digits. */
export function isExactText(type: DataType): boolean {
  return type.kind === "decimal" || type.kind === "bignum" || (type.kind === "integer" && !isInt64(type));
}

function isInt64(type: DataType): boolean {
  return losslessStorage(type, INT64).stored;
}
