import type { Database } from "better-sqlite3";
import { rowIdColumn } from "./table-shape.js";

/** A column, and how the constraint compares its values. */
export interface UniqueColumn {
  readonly name: string;
  readonly collation: string;
}

interface IndexPart {
  /** Null for an expression. */
  readonly name: string | null;
  readonly collation: string;
}

/** The constraint or index that keeps exactly these columns unique together, in whatever order; undefined: there is none. */
export function uniqueColumns(
  database: Database,
  table: string,
  names: readonly string[],
): readonly UniqueColumn[] | undefined {
  const isSame = (parts: IndexPart[]): parts is (IndexPart & UniqueColumn)[] =>
    parts.length === names.length && parts.every(({ name }) => name !== null && names.includes(name));
  const rowId = rowIdColumn(database, table);
  if (rowId !== undefined && names.length === 1 && names[0] === rowId) return [{ name: rowId, collation: "BINARY" }];
  const parts = database.prepare<[string], IndexPart>(
    "select name, coll as collation from pragma_index_xinfo(?, 'main') where key = 1",
  );
  return database
    .prepare<[string], { readonly name: string }>(
      `select name from pragma_index_list(?, 'main') where "unique" = 1 and partial = 0`,
    )
    .all(table)
    .map(({ name }) => parts.all(name))
    .find(isSame);
}
