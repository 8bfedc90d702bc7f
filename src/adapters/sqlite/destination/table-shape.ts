import type { Database } from "better-sqlite3";
import { JobError } from "../../../model/job-error.js";
import type { Column, TableSchema } from "../../../model/table-schema.js";
import { dataTypeOf } from "./column-storage.js";

interface TableRow {
  readonly type: string;
  readonly strict: number;
}

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly dflt_value: string | null;
  /** The place in the primary key, from 1; 0 outside it. */
  readonly pk: number;
  /** 2 and 3 are generated columns. */
  readonly hidden: number;
}

/**
 * What the table of this name holds, or null when there is none. SQLite finds names ignoring the case of ASCII letters.
 *
 * @throws JobError `destination_resolution_failed` for a view or a virtual table, which cannot take rows all or nothing.
 */
export function readTableSchema(database: Database, table: string): TableSchema | null {
  const found = database
    .prepare<[string], TableRow>("select type, strict from pragma_table_list(?) where schema = 'main'")
    .get(table);
  if (found === undefined) return null;
  if (found.type !== "table") {
    throw new JobError("destination_resolution_failed", {
      message: `"${table}" is a ${found.type}${found.type === "virtual" ? " table" : ""}, not a plain table.`,
      hint: "Name a table that rows can be written to.",
      table,
    });
  }
  const columns = columnRows(database, table);
  const rowId = rowIdAlias(database, table, columns);
  return { columns: columns.map((column) => columnOf(column, found.strict === 1, column === rowId)) };
}

/** The column that is the row's own number, which SQLite fills where a row leaves it out. */
export function rowIdColumn(database: Database, table: string): string | undefined {
  return rowIdAlias(database, table, columnRows(database, table))?.name;
}

function columnRows(database: Database, table: string): readonly ColumnRow[] {
  return database
    .prepare<[string], ColumnRow>("select * from pragma_table_xinfo(?, 'main') where hidden <> 1 order by cid")
    .all(table);
}

function columnOf(row: ColumnRow, strict: boolean, isRowId: boolean): Column {
  const hasDefault = isRowId || (row.dflt_value !== null && row.dflt_value.toUpperCase() !== "NULL");
  return {
    name: row.name,
    type: dataTypeOf(row.type, strict),
    nullable: row.notnull === 0,
    ...(hasDefault && { hasDefault }),
    ...(row.hidden >= 2 && { generated: true }),
    nativeType: row.type,
  };
}

/** An INTEGER PRIMARY KEY is the row's own number and fills itself. Any other key has an index of its own. */
function rowIdAlias(database: Database, table: string, columns: readonly ColumnRow[]): ColumnRow | undefined {
  const [key, ...others] = columns.filter(({ pk }) => pk > 0);
  if (others.length > 0 || key?.type.toUpperCase() !== "INTEGER") return undefined;
  const ownIndex = database.prepare("select 1 from pragma_index_list(?, 'main') where origin = 'pk'").get(table);
  return ownIndex === undefined ? key : undefined;
}
