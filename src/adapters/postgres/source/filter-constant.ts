import type { DataType } from "../../../model/data-type.js";
import type { FilterValue } from "../../../model/row-filter.js";
import type { SqlText } from "../../sql/pushed-filters.js";
import type { WireColumn } from "./wire-column.js";

/**
 * A filter's constant, or undefined where Postgres may compare it with the column otherwise than the engine
 * does: only types that mean the same in both, and spellings that Postgres reads alike.
 *
 * Numbers compare by value, with NaN equal to itself and above all else, and both zeros equal; dates and timestamps with
 * their infinities at both ends; bytes and UUIDs byte by byte; enums in the order of their labels. Both do that. Zoned times,
 * intervals, json, bits and lists are left to the engine.
 */
export function filterConstant(
  { type, value }: FilterValue,
  column: WireColumn,
  isUtf8: boolean,
): SqlText<string> | undefined {
  const held = column.type;
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text === "boolean") {
    return type.kind === "boolean" && held.kind === "boolean" ? cast(String(text), "bool") : undefined;
  }
  if (typeof text !== "string") return undefined;
  switch (held.kind) {
    case "integer":
    case "decimal":
      return isExactNumber(type) && NUMBER.test(text) ? cast(text, isBigint(text) ? "int8" : "numeric") : undefined;
    case "float":
      return type.kind === "float" && type.bits === held.bits && FLOAT.test(text)
        ? cast(text, `float${held.bits / 8}`)
        : undefined;
    case "text":
      return type.kind === "text" && isSendable(text, isUtf8) ? [{ value: text }] : undefined;
    case "enum":
      // Of the column's own type by the context. A text that is no label would be refused.
      if (type.kind !== "enum" || !sameLabels(type.values, held.values)) return undefined;
      return held.values.includes(text) && isSendable(text, isUtf8) ? [{ value: text }] : undefined;
    case "bytes":
      return type.kind === "bytes" ? cast(`\\x${Buffer.from(text, "base64").toString("hex")}`, "bytea") : undefined;
    case "uuid":
      return type.kind === "uuid" && UUID.test(text) ? cast(text, "uuid") : undefined;
    case "date":
      return type.kind === "date" && DATE.test(text) ? cast(text, "date") : undefined;
    case "time":
      return type.kind === "time" && !held.zoned && !type.zoned && TIME.test(text) ? cast(text, "time") : undefined;
    case "timestamp":
      if (type.kind !== "timestamp" || type.zoned !== held.zoned) return undefined;
      if (held.zoned) return INSTANT.test(text) ? cast(text, "timestamptz") : undefined;
      return TIMESTAMP.test(text) ? cast(text, "timestamp") : undefined;
    default:
      return undefined;
  }
}

function cast(value: string, type: string): SqlText<string> {
  return [{ value }, `::pg_catalog.${type}`];
}

const NUMBER = /^-?\d+(\.\d+)?$/;
const FLOAT = /^(-?\d+(\.\d+)?(e[+-]?\d+)?|NaN|-?Infinity)$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
// Years of four digits from 0001 on, which no setting reads otherwise.
const DATE = /^(?!0000)\d{4}-\d\d-\d\d$|^-?infinity$/;
const TIME = /^\d\d:\d\d:\d\d(\.\d{1,6})?$/;
const TIMESTAMP = /^(?!0000)\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?$|^-?infinity$/;
const INSTANT = /^(?!0000)\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d(:\d\d)?)$|^-?infinity$/;

function isExactNumber({ kind }: DataType): boolean {
  return kind === "integer" || kind === "decimal";
}

const MOST_BIGINT = 2n ** 63n;

/** An index of integers serves no numeric. */
function isBigint(text: string): boolean {
  return !text.includes(".") && -MOST_BIGINT <= BigInt(text) && BigInt(text) < MOST_BIGINT;
}

function sameLabels(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((label, index) => label === right[index]);
}

/** Postgres has no NUL, and a database in another encoding may lack any letter beyond ASCII. */
function isSendable(text: string, isUtf8: boolean): boolean {
  if (text.includes("\0")) return false;
  return isUtf8 ? Buffer.from(text).toString() === text : Buffer.byteLength(text) === text.length;
}
