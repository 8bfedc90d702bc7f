import type { Database } from "better-sqlite3";
import type { DataType } from "../../../model/data-type.js";
import type { RowFilter } from "../../../model/row-filter.js";
import { quotedName } from "../quoted-name.js";
import { unreadableValue } from "./read-failures.js";
import { LOOK_UP } from "./scan-statement.js";
import type { ScanPlan } from "./table-reading.js";

/**
 * Refuses a column that SQLite is to compare when it has values of a storage class that it is not read from. To SQLite every
 * number is less than every text, and every text less than every BLOB: a filter would leave such rows out unseen, all of them
 * where a column declared DATE holds numbers. With an index on the column this takes no time; without, as long as the filter.
 */
export function refuseForeignValues(database: Database, { table, wanted }: ScanPlan): void {
  const compared = new Set(wanted.filters?.flatMap(comparedColumns));
  for (const column of table.columns) {
    const foreign = column.isFree || !compared.has(column.name) ? undefined : FOREIGN[column.type.kind];
    if (foreign === undefined) continue;
    const name = quotedName(column.name);
    const test = foreign.map((bound) => `${name} ${bound}`).join(" or ");
    const found = database
      .prepare<[], { readonly r: bigint | null; readonly kept: string }>(
        `select ${table.rowId ?? "null"} as r, typeof(${name}) as kept from main.${quotedName(table.name)}
         where ${LOOK_UP}() and (${test}) limit 1`,
      )
      .safeIntegers()
      .get();
    if (found === undefined) continue;
    const row = found.r === null ? "a row" : `the row of rowid ${found.r}`;
    throw unreadableValue(table, column, row, `a value of class ${found.kept.toUpperCase()}, and a filter compares it`);
  }
}

function comparedColumns(filter: RowFilter): readonly string[] {
  switch (filter.kind) {
    case "compare":
    case "in":
      return [filter.column];
    case "and":
    case "or":
      return filter.parts.flatMap(comparedColumns);
    default:
      return [];
  }
}

const NO_TEXT = ["< ''", ">= x''"];

/** What is true of values of other classes. */
const FOREIGN: Readonly<Partial<Record<DataType["kind"], readonly string[]>>> = {
  boolean: ["< 0", "> 1"],
  integer: [">= ''"],
  float: [">= ''"],
  text: NO_TEXT,
  bytes: ["< x''"],
  date: NO_TEXT,
  time: NO_TEXT,
  timestamp: NO_TEXT,
  uuid: NO_TEXT,
};
