import { type DataType, formatDataType } from "../../../model/data-type.js";
import { losslessStorage, type StorageAnswer } from "../../../model/lossless-storage.js";
import type { Column } from "../../../model/table-schema.js";
import { INTEGER_BITS, type NativeType, parseNativeType, unitOf } from "../native-type.js";

const STORED: StorageAnswer = { stored: true };

function refused(reason: string): StorageAnswer {
  return { stored: false, reason };
}

/** Whether a column, or a new one when there is none, keeps every value of the type exactly. */
export function mysqlStorage(type: DataType, column: Column | null): StorageAnswer {
  const nowhere = noPlaceFor(type);
  if (nowhere !== undefined) return refused(nowhere);
  if (column === null) {
    if (type.kind === "null") return refused(UNTYPED);
    return declaredType(type) === undefined ? refused(noNewColumn(type)) : STORED;
  }
  if (type.kind === "null" || isKeptBy(type, parseNativeType(column.nativeType ?? ""))) return STORED;
  return refused(
    `a column of type ${column.nativeType ?? formatDataType(column.type)} does not keep every value of it`,
  );
}

/** The type of a new column, or undefined when MySQL has no fitting one. */
export function declaredType(type: DataType): string | undefined {
  switch (type.kind) {
    case "integer":
      if (type.bits === 128) return "decimal(39,0)";
      return `${INTEGERS[type.bits]}${type.signed ? "" : " unsigned"}`;
    case "float":
      return type.bits === 32 ? "float" : "double";
    case "decimal":
      return type.scale > MOST_DECIMALS ? undefined : `decimal(${type.precision},${type.scale})`;
    case "time":
      return type.zoned || type.unit === "ns" ? undefined : "time(6)";
    case "timestamp":
      if (type.unit === "ns") return undefined;
      // Else a first column of this kind would, on older servers, set itself at every update.
      return type.zoned ? `timestamp${DIGITS[type.unit]} null default null` : `datetime${DIGITS[type.unit]}`;
    default:
      return PLAIN[type.kind];
  }
}

const INTEGERS = { 8: "tinyint", 16: "smallint", 32: "int", 64: "bigint" } as const;
const DIGITS = { s: "", ms: "(3)", us: "(6)" } as const;
const MOST_DECIMALS = 30;

const PLAIN: Readonly<Partial<Record<DataType["kind"], string>>> = {
  boolean: "boolean",
  text: "longtext",
  json: "json",
  enum: "longtext",
  bytes: "longblob",
  uuid: "char(36)",
  date: "date",
};

const UNTYPED = "its type is unknown; cast it to the type that the new column shall have";

function noNewColumn(type: DataType): string {
  return type.kind === "bit"
    ? "the length of its values is not known, and MySQL's bits have one; cast it to VARCHAR, or make a column bit(n)"
    : `MySQL's decimals have at most ${MOST_DECIMALS} digits behind the point; cast it`;
}

/** Why no column at all can keep the type. */
function noPlaceFor(type: DataType): string | undefined {
  switch (type.kind) {
    case "list":
    case "array":
    case "struct":
    case "map":
    case "union":
      return "MySQL has no nested types; wrap it in to_json()";
    case "bignum":
      return "MySQL's decimals have at most 65 digits; cast it to DECIMAL, HUGEINT or VARCHAR";
    case "interval":
      return "MySQL has no intervals; cast it to VARCHAR, or to the number that is meant";
    case "time":
      if (type.zoned) return "MySQL has no time with a zone; cast it to VARCHAR";
      return type.unit === "ns" ? "MySQL keeps microseconds; cast it to TIME" : undefined;
    case "timestamp":
      return type.unit === "ns" ? "MySQL keeps microseconds; cast it to TIMESTAMP" : undefined;
    case "any":
    case "opaque":
      return "its type has no exact form; cast it to VARCHAR";
    default:
      return undefined;
  }
}

function isKeptBy(type: DataType, native: NativeType): boolean {
  const { name, modifiers } = native;
  const [first] = modifiers;
  switch (type.kind) {
    case "boolean":
      return name === "tinyint" && first === 1;
    case "integer":
    case "decimal":
      return isKeptByNumber(type, native);
    case "float":
      // With modifiers they round, and without a sign they refuse.
      if (modifiers.length > 0 || native.unsigned) return false;
      return name === "double" || (name === "float" && type.bits === 32);
    case "text":
      return isText(name);
    case "json":
      return name === "json" || isText(name);
    case "enum":
      return isText(name) || (name === "enum" && type.values.every((value) => native.labels.includes(value)));
    case "bytes":
      return name === "binary" || name === "varbinary" || name.endsWith("blob");
    case "uuid":
      return name === "uuid" || (name === "char" && first === 36);
    case "bit":
    case "date":
      return name === type.kind;
    case "time":
      return name === "time" && first === 6;
    case "timestamp": {
      const held: DataType = { kind: "timestamp", unit: unitOf(first ?? 0), zoned: name === "timestamp" };
      return (name === "datetime" || name === "timestamp") && losslessStorage(type, held).stored;
    }
    default:
      return false;
  }
}

function isText(name: string): boolean {
  return name === "char" || name === "varchar" || name.endsWith("text");
}

type WholeOrDecimal = Extract<DataType, { kind: "integer" | "decimal" }>;

function isKeptByNumber(type: WholeOrDecimal, { name, modifiers, unsigned }: NativeType): boolean {
  const [precision = 10, scale = 0] = modifiers;
  if (name === "decimal") {
    const { whole, decimals } = digitsOf(type);
    return decimals <= scale && whole <= precision - scale && (!unsigned || !isSigned(type));
  }
  const bits = INTEGER_BITS[name];
  if (bits !== undefined) return isWithin(type, bits, unsigned);
  if (unsigned || modifiers.length > 0) return false;
  if (name !== "float" && name !== "double") return false;
  return losslessStorage(type, { kind: "float", bits: name === "float" ? 32 : 64 }).stored;
}

function digitsOf(type: WholeOrDecimal): { readonly whole: number; readonly decimals: number } {
  if (type.kind === "decimal") return { whole: type.precision - type.scale, decimals: type.scale };
  return { whole: INTEGER_DIGITS[type.bits], decimals: 0 };
}

const INTEGER_DIGITS = { 8: 3, 16: 5, 32: 10, 64: 20, 128: 39 } as const;

function isSigned(type: WholeOrDecimal): boolean {
  return type.kind === "decimal" || type.signed;
}

/** Whether integers of so many bits have every value of the type. */
function isWithin(type: WholeOrDecimal, bits: number, unsigned: boolean): boolean {
  if (unsigned) return type.kind === "integer" && !type.signed && type.bits <= bits;
  if (type.kind === "decimal") return type.scale === 0 && 10n ** BigInt(type.precision) <= 1n << BigInt(bits - 1);
  return type.signed ? type.bits <= bits : type.bits < bits;
}
