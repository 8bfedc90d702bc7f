import type { FilterValue } from "../../../model/row-filter.js";
import type { ComparisonOperator, Condition, ConditionWords } from "../../sql/pushed-filters.js";
import { filterConstant } from "./filter-constant.js";
import type { ReadableTable } from "./readable-table.js";
import type { WireColumn } from "./wire-column.js";

/** What comparisons of a table's columns are in Postgres. Constants are texts, which what they are compared with, or a cast, gives a type. */
export function conditionWords({ columns, isUtf8 }: ReadableTable): ConditionWords<string> {
  const byName = new Map(columns.map((column) => [column.name, column]));
  return {
    nameOf: (name) => byName.get(name)?.expression,
    compare: (name, operator, value) => {
      const column = byName.get(name);
      return column && comparison(column, operator, value, isUtf8);
    },
  };
}

function comparison(
  column: WireColumn,
  operator: ComparisonOperator,
  value: FilterValue,
  isUtf8: boolean,
): Condition<string> | undefined {
  const constant = filterConstant(value, column, isUtf8);
  if (constant === undefined) return undefined;
  const { expression, type, isDeterministic } = column;
  const isText = type.kind === "text";
  // By the column's own collation, so that an index serves; one that is not deterministic takes more for equal.
  if (!isText || operator === "=") {
    return { sql: [`${expression} ${operator} `, ...constant], exact: !isText || isDeterministic };
  }
  // The engine compares bytes.
  if (!isUtf8 && operator !== "<>") return undefined;
  return { sql: [`${expression} collate "C" ${operator} `, ...constant], exact: true };
}
