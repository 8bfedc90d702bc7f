import type { Database } from "better-sqlite3";
import type { WantedRows } from "../../../ports/table-source.js";
import { type PushedFilters, pushedFilters, sqlText, type SqlText } from "../../sql/pushed-filters.js";
import { quotedName } from "../quoted-name.js";
import { conditionWords, type FilterConstant, sqlLiteral } from "./condition-words.js";
import { goneTable } from "./read-failures.js";
import { type ReadTable, readTable } from "./read-table.js";

/** The SQL function that SQLite calls before it tests a row, so that a search that finds nothing can be stopped. */
export const LOOK_UP = "millrace_look_up";

/** What a scan asks, with the row's number as `r` and the columns as `c0`, `c1` and so on. */
export interface ScanStatement {
  readonly sql: string;
  readonly values: readonly FilterConstant[];
}

export function scanStatement(table: ReadTable, wanted: WantedRows): ScanStatement {
  const columns = wanted.columns.map((name, index) => `${quotedName(name)} as c${index}`);
  const pushed = pushedFilters(wanted, conditionWords(table));
  const values: FilterConstant[] = [];
  const filtered = pushed.where && { ...pushed, where: [`${LOOK_UP}() and `, ...pushed.where] };
  const sql = sqlText(selection([`${table.rowId ?? "null"} as r`, ...columns], table, filtered ?? pushed), (value) => {
    values.push(value);
    return "?";
  });
  return { sql, values };
}

/** The statement as a person would write it. */
export function explainScan(database: Database | null, name: string, wanted: WantedRows): string {
  const table = database && readTable(database, name);
  if (table === null) throw goneTable(name);
  const pushed = pushedFilters(wanted, conditionWords(table));
  return sqlText(selection(wanted.columns.map(quotedName), table, pushed), sqlLiteral);
}

function selection(
  items: readonly string[],
  { name }: ReadTable,
  { where, limit }: PushedFilters<FilterConstant>,
): SqlText<FilterConstant> {
  return [
    `select ${items.join(", ")} from main.${quotedName(name)}`,
    ...(where ? [" where ", ...where] : []),
    ...(limit === undefined ? [] : [" limit ", { value: BigInt(limit) }]),
  ];
}
