import { JobError } from "../../../model/job-error.js";
import type { ReadColumn, ReadTable } from "./read-table.js";

export function goneTable(table: string): JobError<"query_failed"> {
  return new JobError("query_failed", {
    message: `The SQLite file has no table and no view "${table}".`,
    hint: "It may have been dropped since the query was planned.",
    table,
  });
}

export function goneColumns(table: string, columns: readonly string[]): JobError<"query_failed"> {
  return new JobError("query_failed", {
    message: `The SQLite table "${table}" has no columns ${columns.map((name) => `"${name}"`).join(", ")}.`,
    hint: "Somebody changed the table while the query was planned; run it again.",
    table,
    columns,
  });
}

/**
 * The value itself is not named: it may be a secret.
 *
 * @param row the row in words.
 */
export function unreadableValue(
  { name: table }: ReadTable,
  { name: column, nativeType }: ReadColumn,
  row: string,
  reason: string,
): JobError<"query_failed"> {
  const kind = nativeType ? `declared ${nativeType}` : "without a type";
  return new JobError("query_failed", {
    message: `Column "${column}" of "${table}", ${kind}, cannot be read: ${row} has ${reason}.`,
    hint: `Correct the value, or query a view that gives the column as text: cast("${column}" as text).`,
    retryable: false,
    columns: [column],
    table,
  });
}

export function lostRows(table: string, counted: number, taken: number): JobError<"stream_incomplete"> {
  return new JobError("stream_incomplete", {
    message: `SQLite counted ${counted} rows of the table "${table}", and ${taken} came.`,
    hint: "Run the query again.",
    table,
  });
}
