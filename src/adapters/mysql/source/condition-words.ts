import type { FilterValue } from "../../../model/row-filter.js";
import type { ComparisonOperator, Condition, ConditionWords } from "../../sql/pushed-filters.js";
import { quotedName } from "../quoted-name.js";
import type { ReadColumn, ReadTable } from "./read-table.js";

/** A number is bound as a float of 64 bits; everything else as text, which the statement says what to take for. */
export type FilterConstant = number | string;

/**
 * MySQL compares texts by a collation, for which more texts are equal than for the engine, and everything by what it turns
 * both sides into: so a constant says by a cast what it is.
 */
export function conditionWords({ columns }: ReadTable): ConditionWords<FilterConstant> {
  const find = (name: string) => columns.find((column) => column.name === name);
  return {
    nameOf(name) {
      const column = find(name);
      // What is read as null is none at the server.
      return column === undefined || column.zeroIsNull ? undefined : quotedName(name);
    },
    compare(name, operator, value) {
      const column = find(name);
      return column && comparison(quotedName(name), column, operator, value);
    },
  };
}

type Words = Condition<FilterConstant> | undefined;

function comparison(name: string, column: ReadColumn, operator: ComparisonOperator, given: FilterValue): Words {
  const { type, native, zeroIsNull } = column;
  const { value } = given;
  if (given.type.kind !== type.kind) return undefined;
  // Numbers and booleans aside, constants are texts.
  const text = typeof value === "string" ? value : "";
  switch (type.kind) {
    case "boolean":
      // What is no boolean is asked for too, so that it is refused when it is read, and not left out unseen.
      return { sql: [`(${name} ${operator} ${value === true ? 1 : 0} or ${name} not in (0, 1))`], exact: true };
    case "integer": {
      // A year of two digits would be one of this century.
      if (native.name === "year") return undefined;
      const whole = BigInt(value as number | string);
      if (whole < -(2n ** 63n) || whole >= 2n ** 64n) return undefined;
      return cast(name, operator, whole.toString(), whole < 2n ** 63n ? "signed" : "unsigned");
    }
    case "float": {
      const number = Number(value);
      return Number.isFinite(number) ? { sql: [`${name} ${operator} `, { value: number }], exact: true } : undefined;
    }
    case "decimal":
      if (given.type.kind !== "decimal") return undefined;
      return cast(name, operator, text, `decimal(${given.type.precision},${given.type.scale})`);
    case "date":
      return CALENDAR_DATE.test(text) ? cast(name, operator, text, "date", !zeroIsNull) : undefined;
    case "time":
      return MICROSECONDS.test(text) ? cast(name, operator, text, "time(6)") : undefined;
    case "timestamp": {
      if (given.type.kind !== "timestamp" || given.type.zoned !== type.zoned) return undefined;
      // The session's zone is UTC, as the constant's.
      const moment = text.replace("T", " ").replace(/Z$/, "");
      if (!CALENDAR_DATE.test(moment.slice(0, 10)) || !MICROSECONDS.test(moment)) return undefined;
      return cast(name, operator, moment, "datetime(6)", !zeroIsNull);
    }
    case "text":
      return textComparison(name, column, operator, text);
    case "enum":
      return operator === "=" && isAscii(text) ? equal(name, column, text) : undefined;
    default:
      return undefined;
  }
}

/** MySQL's calendar begins with the year 1, and what it makes of a year before 1000 is as it should be. */
const CALENDAR_DATE = /^(?!0000)\d{4}-\d\d-\d\d$/;
/** No finer than a microsecond. */
const MICROSECONDS = /\d\d:\d\d:\d\d(\.\d{1,6})?$/;

function cast(
  name: string,
  operator: ComparisonOperator,
  value: string,
  type: string,
  exact = true,
): Condition<FilterConstant> {
  return { sql: [`${name} ${operator} cast(`, { value }, ` as ${type})`], exact };
}

/** Texts of UTF-8 can be compared by their bytes, which an index does not help with. */
function textComparison(name: string, column: ReadColumn, operator: ComparisonOperator, text: string): Words {
  const { charset, native } = column;
  const isUtf8 = charset === "utf8mb4" && native.name !== "set";
  const bytes = [`cast(${name} as binary) ${operator} cast(`, { value: text }, " as binary)"];
  if (operator !== "=") return isUtf8 ? { sql: bytes, exact: true } : undefined;
  // What a character set does not have cannot be compared with it.
  const wide = isUtf8 || isAscii(text) ? equal(name, column, text) : undefined;
  return wide && isUtf8 ? { sql: ["(", ...wide.sql, " and ", ...bytes, ")"], exact: true } : wide;
}

/**
 * By the column's own collation, so that an index serves, and said so: what a view computes has no collation that would win
 * over a constant's. Not for numbers and addresses that are read as text: the server would make such of any text, and warn.
 */
function equal(name: string, { charset, collation }: ReadColumn, text: string): Words {
  if (charset === null || collation === null) return undefined;
  const sql = [
    `${name} = convert(`,
    { value: text },
    ` using ${quotedName(charset)}) collate ${quotedName(collation)}`,
  ];
  return { sql, exact: false };
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

/** A value as MySQL writes it: for people, never for a statement that is run. */
export function sqlLiteral(value: FilterConstant): string {
  if (typeof value === "number") return String(value);
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''").replaceAll("\0", "\\0")}'`;
}
