import { JobError } from "../../../model/job-error.js";
import type { WantedRows } from "../../../ports/table-source.js";
import { pushedFilters, sqlText } from "../../sql/pushed-filters.js";
import { conditionWords } from "./condition-words.js";
import { quotedLiteral } from "./quoted-literal.js";
import type { ReadableTable } from "./readable-table.js";
import type { WireColumn } from "./wire-column.js";

/** A statement, and the columns of its rows in their order. */
export interface RowSelection {
  readonly text: string;
  readonly columns: readonly WireColumn[];
}

/** The statement that gives the wanted rows, and perhaps more: only what Postgres means as the engine does is left to it. */
export function selectRows(table: ReadableTable, wanted: WantedRows, label: string): RowSelection {
  const byName = new Map(table.columns.map((column) => [column.name, column]));
  const columns = wanted.columns.flatMap((name) => byName.get(name) ?? []);
  if (columns.length < wanted.columns.length) {
    const lost = wanted.columns.filter((name) => !byName.has(name));
    throw new JobError("query_failed", {
      message: `The table ${label} no longer has the columns ${lost.map((name) => `"${name}"`).join(", ")}.`,
      hint: "Somebody changed the table while the query was planned; run it again.",
      table: label,
      columns: lost,
    });
  }
  const { where, limit } = pushedFilters(wanted, conditionWords(table));
  const condition = where === undefined ? "" : ` where ${sqlText(where, quotedLiteral)}`;
  const list = columns.map(({ expression }) => expression).join(", ");
  return {
    text: `select ${list} from ${table.name}${condition}${limit === undefined ? "" : ` limit ${limit}`}`,
    columns,
  };
}
