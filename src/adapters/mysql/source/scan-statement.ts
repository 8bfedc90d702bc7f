import type { WantedRows } from "../../../ports/table-source.js";
import { pushedFilters, sqlText } from "../../sql/pushed-filters.js";
import { quotedName } from "../quoted-name.js";
import type { TableName } from "../table-shape.js";
import { conditionWords, type FilterConstant, sqlLiteral } from "./condition-words.js";
import type { ReadTable } from "./read-table.js";

export interface ScanStatement {
  readonly text: string;
  readonly values: readonly FilterConstant[];
}

export function scanStatement(name: TableName, table: ReadTable, wanted: WantedRows): ScanStatement {
  const values: FilterConstant[] = [];
  const text = statement(name, table, wanted, (value) => {
    values.push(value);
    return "?";
  });
  return { text, values };
}

/** The statement as a person would write it. */
export function explainScan(name: TableName, table: ReadTable, wanted: WantedRows): string {
  return statement(name, table, wanted, sqlLiteral);
}

function statement(
  { database, table }: TableName,
  read: ReadTable,
  wanted: WantedRows,
  place: (value: FilterConstant) => string,
): string {
  const { where, limit } = pushedFilters(wanted, conditionWords(read));
  const from = `${quotedName(database)}.${quotedName(table)}`;
  return [
    `select ${wanted.columns.map(quotedName).join(", ")} from ${from}`,
    ...(where ? [`where ${sqlText(where, place)}`] : []),
    ...(limit === undefined ? [] : [`limit ${BigInt(limit)}`]),
  ].join(" ");
}
