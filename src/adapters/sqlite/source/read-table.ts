import type { Database } from "better-sqlite3";
import type { DataType } from "../../../model/data-type.js";
import type { Column, TableSchema } from "../../../model/table-schema.js";
import type { TableListing } from "../../../ports/connection.js";
import { dataTypeOf } from "../destination/column-storage.js";

/** A table or a view as it is read. */
export interface ReadTable {
  readonly name: string;
  readonly columns: readonly ReadColumn[];
  /** The name by which a row's own number can be asked for, quoted by nobody: it is one of SQLite's own words. */
  readonly rowId: string | undefined;
  /** The file keeps text as UTF-8, so that comparing it compares bytes of UTF-8. */
  readonly isUtf8: boolean;
}

export interface ReadColumn extends Column {
  /** Its declaration does not say what it holds: whatever it has is read as text. */
  readonly isFree: boolean;
}

interface TableRow {
  readonly type: "table" | "view" | "virtual" | "shadow";
  /** 1: WITHOUT ROWID. */
  readonly wr: number;
  readonly strict: number;
}

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  /** 1: a hidden column of a virtual table. 2 and 3: generated. */
  readonly hidden: number;
}

/** Without what SQLite or a virtual table keeps for itself. */
export function listTables(database: Database): readonly TableListing[] {
  const rows = database
    .prepare<[], Pick<TableRow, "type"> & { readonly name: string }>(
      "select name, type from pragma_table_list where schema = 'main' and type <> 'shadow' order by name",
    )
    .all();
  return rows.map(({ name, type }) => ({ name, kind: type === "view" ? "view" : "table" }));
}

export function readColumns(database: Database, name: string): TableSchema | null {
  const table = readTable(database, name);
  return table && { columns: table.columns.map(({ isFree: _, ...column }) => column) };
}

/** Null when the file has no table and no view of exactly this name. */
export function readTable(database: Database, name: string): ReadTable | null {
  const found = database
    .prepare<[string, string], TableRow>(
      "select type, wr, strict from pragma_table_list(?) where schema = 'main' and name = ?",
    )
    .get(name, name);
  if (found === undefined) return null;
  const rows = database
    .prepare<[string], ColumnRow>("select * from pragma_table_xinfo(?, 'main') where hidden <> 1 order by cid")
    .all(name);
  return {
    name,
    columns: rows.map((row) => readColumn(row, found.strict === 1)),
    rowId: found.type === "table" && found.wr === 0 ? rowIdName(rows) : undefined,
    isUtf8: database.pragma("encoding", { simple: true }) === "UTF-8",
  };
}

function readColumn({ name, type: nativeType, notnull, hidden }: ColumnRow, strict: boolean): ReadColumn {
  const declared = dataTypeOf(nativeType, strict);
  const isFree = !saysWhatItHolds(declared);
  return {
    name,
    type: isFree ? { kind: "text" } : declared,
    nullable: notnull === 0,
    ...(hidden >= 2 && { generated: true }),
    nativeType,
    isFree,
  };
}

function saysWhatItHolds(type: DataType): boolean {
  if (type.kind === "decimal") return type.precision >= 1 && type.precision <= 38 && type.scale <= type.precision;
  return type.kind !== "any" && type.kind !== "opaque";
}

/** A column may have taken a name of the row's number for itself. */
function rowIdName(columns: readonly ColumnRow[]): string | undefined {
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  return ["rowid", "_rowid_", "oid"].find((name) => !taken.has(name));
}
