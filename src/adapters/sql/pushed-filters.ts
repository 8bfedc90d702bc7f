import type { FilterValue, RowFilter } from "../../model/row-filter.js";
import type { WantedRows } from "../../ports/table-source.js";

/** Text of a statement, with the values that are to be bound where they stand. */
export type SqlText<V> = readonly (string | { readonly value: V })[];

/** What a system is asked in place of a filter. */
export interface Condition<V> {
  readonly sql: SqlText<V>;
  /** Whether it holds for the same rows. Otherwise it holds for more. */
  readonly exact: boolean;
}

export type ComparisonOperator = (RowFilter & { readonly kind: "compare" })["operator"];

/** How one table's columns are compared in the words of its system. */
export interface ConditionWords<V> {
  /** Undefined where the system might leave out a row for which the comparison holds in the engine. */
  compare(column: string, operator: ComparisonOperator, value: FilterValue): Condition<V> | undefined;
  /** The column's name, quoted; undefined: it has no such column. */
  nameOf(column: string): string | undefined;
}

/** Of one list. More would only make long statements. */
const MOST_VALUES = 100;
/** Of one statement: SQLite refuses expressions of a depth of 1,000, and a chain of conditions is as deep as it is long. */
const MOST_CONDITIONS = 300;
/** So many letters of a constant count as a condition: servers refuse statements of some megabytes. */
const LETTERS_PER_CONDITION = 1_000;

/** What of the wanted rows a system can be asked for. */
export interface PushedFilters<V> {
  /** Undefined: every row. */
  readonly where: SqlText<V> | undefined;
  /** Only where the rows that it counts are those that the engine would. */
  readonly limit: number | undefined;
}

export function pushedFilters<V>(
  { filters = [], limit }: Pick<WantedRows, "filters" | "limit">,
  words: ConditionWords<V>,
): PushedFilters<V> {
  let left = MOST_CONDITIONS;
  const few = filters.filter((filter) => {
    const size = sizeOf(filter);
    if (size > left) return false;
    left -= size;
    return true;
  });
  const { condition, complete } = allOf(few, words);
  const exact = complete && few.length === filters.length && condition?.exact !== false;
  return { where: condition?.sql, limit: exact ? limit : undefined };
}

/** As conditions of the statement. */
function sizeOf(filter: RowFilter): number {
  switch (filter.kind) {
    case "compare":
      return sizeOfConstant(filter.value);
    case "in":
      return sum(filter.values.map(sizeOfConstant));
    case "is_null":
    case "is_not_null":
      return 1;
    case "and":
    case "or":
      return sum(filter.parts.map(sizeOf));
  }
}

function sizeOfConstant({ value }: FilterValue): number {
  return 1 + (typeof value === "string" ? Math.floor(value.length / LETTERS_PER_CONDITION) : 0);
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}

function conditionOf<V>(filter: RowFilter, words: ConditionWords<V>): Condition<V> | undefined {
  switch (filter.kind) {
    case "compare":
      return words.compare(filter.column, filter.operator, filter.value);
    case "in": {
      if (filter.values.length > MOST_VALUES) return undefined;
      return anyOf(filter.values.map((value) => words.compare(filter.column, "=", value)));
    }
    case "is_null":
    case "is_not_null": {
      const name = words.nameOf(filter.column);
      return name === undefined
        ? undefined
        : { sql: [`${name} is ${filter.kind === "is_null" ? "" : "not "}null`], exact: true };
    }
    case "and": {
      const { condition, complete } = allOf(filter.parts, words);
      return condition && { sql: condition.sql, exact: condition.exact && complete };
    }
    case "or":
      return anyOf(filter.parts.map((part) => conditionOf(part, words)));
  }
}

/** Every part that can be asked for; without the others there are only more rows. */
function allOf<V>(
  filters: readonly RowFilter[],
  words: ConditionWords<V>,
): { readonly condition: Condition<V> | undefined; readonly complete: boolean } {
  const parts = filters.map((filter) => conditionOf(filter, words));
  const known = parts.filter((part) => part !== undefined);
  return { condition: joined(known, " and "), complete: known.length === parts.length };
}

function anyOf<V>(parts: readonly (Condition<V> | undefined)[]): Condition<V> | undefined {
  const known = parts.filter((part) => part !== undefined);
  return known.length === parts.length ? joined(known, " or ") : undefined;
}

function joined<V>(parts: readonly Condition<V>[], word: string): Condition<V> | undefined {
  if (parts.length <= 1) return parts[0];
  const sql = parts.flatMap((part, index) => [index === 0 ? "(" : word, ...part.sql]);
  return { sql: [...sql, ")"], exact: parts.every(({ exact }) => exact) };
}

/** The statement's text. @param place what stands where a value is: a placeholder, or the value as a literal. */
export function sqlText<V>(text: SqlText<V>, place: (value: V) => string): string {
  return text.map((part) => (typeof part === "string" ? part : place(part.value))).join("");
}
