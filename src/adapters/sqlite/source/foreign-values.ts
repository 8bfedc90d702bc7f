import type { Database } from "better-sqlite3";
import type { DataType } from "../../../model/data-type.js";
import type { RowFilter } from "../../../model/row-filter.js";
import { quotedName } from "../quoted-name.js";
import { unreadableValue } from "./read-failures.js";
import { LOOK_UP } from "./scan-statement.js";
import type { ScanPlan } from "./table-reading.js";

/**
 * Refuses a column that SQLite is to compare when it has values that it is not read from, and that stand elsewhere in
 * SQLite's order than what they might mean: a filter would leave their rows out unseen. To SQLite every number is less than
 * every text, and every text less than every BLOB; the text `2024-1-5` stands behind `2024-02-01`. Of storage classes an
 * index tells at once; the shape of texts is asked of each row, which takes about as long as the filter without an index.
 */
export function refuseForeignValues(database: Database, { table, wanted }: ScanPlan): void {
  const compared = new Set(wanted.filters?.flatMap(comparedColumns));
  for (const column of table.columns) {
    const foreign = column.isFree || !compared.has(column.name) ? undefined : FOREIGN[column.type.kind];
    if (foreign === undefined) continue;
    const name = quotedName(column.name);
    const test = foreign.map((bound) => `${name} ${bound.replace("#", () => name)}`).join(" or ");
    const found = database
      .prepare<[], { readonly r: bigint | null; readonly kept: string }>(
        `select ${table.rowId ?? "null"} as r, typeof(${name}) as kept from main.${quotedName(table.name)}
         where ${LOOK_UP}() and (${test}) limit 1`,
      )
      .safeIntegers()
      .get();
    if (found === undefined) continue;
    const row = found.r === null ? "a row" : `the row of rowid ${found.r}`;
    const what =
      found.kept === "text" && SHAPED.has(column.type.kind)
        ? "a text of another form"
        : `a value of class ${found.kept.toUpperCase()}`;
    throw unreadableValue(table, column, row, `${what}, and a filter compares it`);
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
const DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]";
const FINITE = "not in ('infinity', '-infinity') and";
/** Of these, the text's form decides where it stands. */
const SHAPED: ReadonlySet<DataType["kind"]> = new Set(["date", "time", "timestamp", "uuid"]);

/** What is true of other values: `#` is the column. */
const FOREIGN: Readonly<Partial<Record<DataType["kind"], readonly string[]>>> = {
  boolean: ["< 0", "> 1"],
  integer: [">= ''"],
  float: [">= ''"],
  text: NO_TEXT,
  bytes: ["< x''"],
  date: [...NO_TEXT, `${FINITE} # not glob '${DAY}'`],
  time: [...NO_TEXT, "not glob '[0-9][0-9]:[0-9][0-9]*'"],
  timestamp: [...NO_TEXT, `${FINITE} # not glob '${DAY}*'`],
  uuid: [...NO_TEXT, "not like '________-____-____-____-____________'"],
};
