import type { DataType } from "../model/data-type.js";
import { sameDataType } from "../model/data-type.js";
import { fitsBits } from "./fit-number.js";
import { kindOf, type PlainValue } from "./plain-value.js";
import { ValueProblem } from "./value-problem.js";

const INTEGER: DataType = { kind: "integer", bits: 32, signed: true };
const BIGINT: DataType = { kind: "integer", bits: 64, signed: true };
const HUGEINT: DataType = { kind: "integer", bits: 128, signed: true };
const DOUBLE: DataType = { kind: "float", bits: 64 };

/**
 * The type of a value whose parameter has none. Null: the place where the parameter stands decides; for strings and
 * nulls only. Whole numbers have the type of the same literal in DuckDB, so that `round(x, {n})` works.
 *
 * @throws ValueProblem for what has no one type; `docs/parameters.md` has the table.
 */
export function inferDataType(value: PlainValue): DataType | null {
  return typeof value === "string" ? null : inferItem(value, "");
}

function inferItem(value: PlainValue, path: string): DataType | null {
  switch (typeof value) {
    case "boolean":
      return { kind: "boolean" };
    case "string":
      return { kind: "text" };
    case "number":
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) return DOUBLE;
      return fitsBits(BigInt(value), 32, true) ? INTEGER : BIGINT;
    case "bigint":
      if (fitsBits(value, 64, true)) return BIGINT;
      if (fitsBits(value, 128, true)) return HUGEINT;
      throw new ValueProblem("is a bigint beyond 128 bits: declare its type", path);
    default:
  }
  if (value === null) return null;
  if (value instanceof Date) return { kind: "timestamp", unit: "us", zoned: true };
  if (value instanceof Uint8Array) return { kind: "bytes" };
  if (Array.isArray(value)) return { kind: "list", item: itemType(value, path) };
  throw new ValueProblem(`is ${kindOf(value)}: declare its type`, path);
}

function itemType(items: readonly PlainValue[], path: string): DataType {
  let type: DataType | null = null;
  items.forEach((item, i) => {
    const next = inferItem(item, `${path}[${i}]`);
    if (next !== null) type = type === null ? next : widest(type, next, `${path}[${i}]`);
  });
  if (type === null) throw new ValueProblem("is an array without a value that shows its type: declare it", path);
  return type;
}

/** The type that holds the values of both, exactly. */
function widest(left: DataType, right: DataType, path: string): DataType {
  if (left.kind === "integer" && right.kind === "integer") return left.bits >= right.bits ? left : right;
  if (left.kind === "list" && right.kind === "list") return { kind: "list", item: widest(left.item, right.item, path) };
  // A bigint that no DOUBLE holds is found when the values are fitted.
  if (isNumeric(left) && isNumeric(right)) return DOUBLE;
  if (sameDataType(left, right)) return left;
  throw new ValueProblem("is of another kind than the items before it: declare the type", path);
}

function isNumeric(type: DataType): boolean {
  return type.kind === "integer" || type.kind === "float";
}
