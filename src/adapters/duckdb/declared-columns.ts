import { JobError } from "../../model/job-error.js";
import type { Look } from "./duckdb-relation.js";

/** Columns with their types as DuckDB spells them: `{ id: "BIGINT", price: "DECIMAL(18,2)" }`. */
export type DeclaredColumns = Readonly<Record<string, string>>;

/** Columns in order: their names, and their types as DuckDB itself spells them. */
export type Columns = readonly (readonly [name: string, type: string])[];

/** @throws JobError `invalid_definition`, with `field`, for what is no record of type names. */
export function checkColumns(kind: string, columns: DeclaredColumns): void {
  const names = Object.keys(columns);
  if (names.length === 0) throw invalidColumns(kind, "columns", "names no column");
  for (const [name, type] of Object.entries(columns)) {
    if (typeof type !== "string" || !/^[\w\s(),[\]"']+$/.test(type)) {
      throw invalidColumns(kind, `columns.${name}`, "is no type as DuckDB spells it");
    }
  }
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length) {
    throw invalidColumns(kind, "columns", "names one column twice; upper and lower case make no difference");
  }
}

/** What DuckDB finds out about a relation: its columns and their types. */
export async function describedColumns(look: Look, from: string): Promise<Columns> {
  const rows = await look(`describe from ${from}`);
  return rows.map((row) => [String(row["column_name"]), String(row["column_type"])]);
}

function invalidColumns(kind: string, field: string, reason: string): JobError<"invalid_definition"> {
  return new JobError("invalid_definition", {
    message: `${kind}() cannot be made: ${field} ${reason}.`,
    hint: 'For example columns: { id: "BIGINT", price: "DECIMAL(18,2)" }.',
    field,
  });
}
