import { type DataType, formatDataType, sameDataType, type StructField } from "./data-type.js";

/** Whether a type can be kept without loss, and if not, why: a clause that ends a sentence. */
export type StorageAnswer = { readonly stored: true } | { readonly stored: false; readonly reason: string };

/**
 * The rule for destinations that have none of their own: a column takes a type when both are the same or when every
 * value of the one is a value of the other.
 *
 * Text takes enums and JSON, which are text; it takes no numbers, dates or UUIDs, whose spelling is a choice that the
 * query must make.
 */
export function losslessStorage(from: DataType, to: DataType): StorageAnswer {
  if (isSubset(from, to)) return { stored: true };
  return { stored: false, reason: `not every ${formatDataType(from)} is a ${formatDataType(to)}` };
}

function isSubset(from: DataType, to: DataType): boolean {
  if (sameDataType(from, to) || from.kind === "null" || to.kind === "any") return true;
  switch (to.kind) {
    case "integer":
    case "decimal":
    case "bignum":
    case "float":
      return isNumberSubset(from, to);
    case "text":
      return from.kind === "enum" || from.kind === "json";
    case "enum":
      return from.kind === "enum" && from.values.every((value) => to.values.includes(value));
    case "time":
      return from.kind === "time" && !from.zoned && !to.zoned && from.unit === "us";
    case "timestamp":
      // Seconds to microseconds reach equally far; nanoseconds end in the year 2262.
      return from.kind === "timestamp" && from.zoned === to.zoned && from.unit !== "ns" && isFiner(to.unit, from.unit);
    case "list":
      return (from.kind === "list" || from.kind === "array") && isSubset(from.item, to.item);
    case "array":
      return from.kind === "array" && from.length === to.length && isSubset(from.item, to.item);
    case "map":
      return from.kind === "map" && isSubset(from.key, to.key) && isSubset(from.value, to.value);
    case "struct":
      return from.kind === "struct" && areFieldsSubset(from.fields, to.fields);
    default:
      return false;
  }
}

type NumberType = Extract<DataType, { kind: "integer" | "decimal" | "bignum" | "float" }>;

function isNumberSubset(from: DataType, to: NumberType): boolean {
  if (from.kind === "float") return to.kind === "float" && from.bits <= to.bits;
  if (from.kind === "decimal" && to.kind === "decimal") {
    return to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale;
  }
  const range = integerRange(from);
  if (range === undefined) return false;
  const target = to.kind === "bignum" ? range : integersWithin(to);
  return target.min <= range.min && range.max <= target.max;
}

interface IntegerRange {
  readonly min: bigint;
  readonly max: bigint;
}

/** The values of a type that has only integers of limited length. */
function integerRange(type: DataType): IntegerRange | undefined {
  if (type.kind === "integer" || (type.kind === "decimal" && type.scale === 0)) return integersWithin(type);
  return undefined;
}

/** The widest range of integers of which the type holds every one exactly. */
function integersWithin(type: Exclude<NumberType, { kind: "bignum" }>): IntegerRange {
  if (type.kind === "integer") {
    const half = 1n << BigInt(type.bits - 1);
    return type.signed ? { min: -half, max: half - 1n } : { min: 0n, max: 2n * half - 1n };
  }
  const max = type.kind === "decimal" ? 10n ** BigInt(type.precision - type.scale) - 1n : FLOAT_INTEGERS[type.bits];
  return { min: -max, max };
}

/** Up to here a float holds every integer. */
const FLOAT_INTEGERS = { 32: 1n << 24n, 64: 1n << 53n } as const;

const FINENESS = ["s", "ms", "us"];

function isFiner(finer: string, coarser: string): boolean {
  return FINENESS.indexOf(finer) >= FINENESS.indexOf(coarser);
}

function areFieldsSubset(from: readonly StructField[], to: readonly StructField[]): boolean {
  if (from.length !== to.length) return false;
  return from.every((field, index) => {
    const match = to[index];
    return match?.name === field.name && isSubset(field.type, match.type);
  });
}
