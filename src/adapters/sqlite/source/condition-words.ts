import type { DataType } from "../../../model/data-type.js";
import type { FilterValue } from "../../../model/row-filter.js";
import { dateText } from "../../../model/value-text.js";
import type { ComparisonOperator, Condition, ConditionWords } from "../../sql/pushed-filters.js";
import { quotedName } from "../quoted-name.js";
import { dayOf } from "./clock-text.js";
import type { ReadTable } from "./read-table.js";

/** What better-sqlite3 binds without changing it. */
export type FilterConstant = bigint | number | string | Uint8Array;

/**
 * SQLite compares by storage class and then by the column's collation. A comparison is asked of it where the values that
 * a column is read from (value-readers.ts) compare in SQLite as in the engine, or where a wider one can be asked.
 */
export function conditionWords(table: ReadTable): ConditionWords<FilterConstant> {
  const find = (name: string) => table.columns.find((column) => column.name === name);
  return {
    nameOf: (name) => find(name) && quotedName(name),
    compare(name, operator, value) {
      const column = find(name);
      if (column === undefined || column.isFree) return undefined;
      return comparison(quotedName(name), column.type, operator, value, table.isUtf8);
    },
  };
}

type Words = Condition<FilterConstant> | undefined;

function comparison(
  name: string,
  type: DataType,
  operator: ComparisonOperator,
  { type: given, value }: FilterValue,
  isUtf8: boolean,
): Words {
  if (given.kind !== type.kind) return undefined;
  // Numbers and booleans aside, constants are texts.
  const text = typeof value === "string" ? value : "";
  switch (type.kind) {
    case "integer": {
      const whole = BigInt(value as number | string);
      return whole === BigInt.asIntN(64, whole) ? exactly(name, operator, whole) : undefined;
    }
    case "float": {
      const number = Number(value);
      return Number.isNaN(number) ? undefined : exactly(name, operator, number);
    }
    case "boolean":
      return exactly(name, operator, value === true ? 1n : 0n);
    case "bytes":
      return exactly(name, operator, Buffer.from(text, "base64"));
    case "text":
      // Texts of UTF-16 are equal when they are equal, but have another order.
      if (!isUtf8 && operator !== "=" && operator !== "<>") return undefined;
      return exactly(`${name} collate binary`, operator, text);
    case "uuid":
      return operator === "=" || operator === "<>" ? exactly(`${name} collate nocase`, operator, text) : undefined;
    case "date":
      return SORTED_DATE.test(text) ? exactly(`${name} collate binary`, operator, text) : undefined;
    case "time":
      return widely(name, operator, text.slice(0, MINUTES), text.slice(0, MINUTES));
    case "timestamp": {
      const day = dayOf(text.slice(0, DATE));
      if (day === undefined || given.kind !== "timestamp" || given.zoned !== type.zoned) return undefined;
      // A text may have any offset, and then its own day is the one before or behind.
      const around = type.zoned ? 1 : 0;
      const [from, to] = [dateText(day - around), dateText(day + around)];
      return SORTED_DATE.test(from) && SORTED_DATE.test(to) ? widely(name, operator, from, to) : undefined;
    }
    default:
      return undefined;
  }
}

const MINUTES = "HH:MM".length;
const DATE = "YYYY-MM-DD".length;
const SORTED_DATE = /^\d{4}-\d\d-\d\d$/;

function exactly(name: string, operator: ComparisonOperator, value: FilterConstant): Condition<FilterConstant> {
  return { sql: [`${name} ${operator} `, { value }], exact: true };
}

/**
 * By the texts with which the values begin, since what follows them may be written in several ways.
 *
 * @param from what the text of an equal value begins with, at least. @param to at most.
 */
function widely(name: string, operator: ComparisonOperator, from: string, to: string): Words {
  const text = `${name} collate binary`;
  const atLeast = [`${text} >= `, { value: from }];
  // Sorts behind everything that begins so.
  const atMost = [`${text} < `, { value: `${to}~` }];
  switch (operator) {
    case "=":
      return { sql: ["(", ...atLeast, " and ", ...atMost, ")"], exact: false };
    case ">":
    case ">=":
      return { sql: atLeast, exact: false };
    case "<":
    case "<=":
      return { sql: atMost, exact: false };
    case "<>":
      return undefined;
  }
}

/** A value as SQLite writes it: for people, never for a statement that is run. */
export function sqlLiteral(value: FilterConstant): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : `${value < 0 ? "-" : ""}9e999`;
  if (typeof value !== "string") return `x'${Buffer.from(value).toString("hex")}'`;
  return `'${value.replaceAll("'", "''")}'`;
}
