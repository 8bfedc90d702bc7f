import type { Database } from "better-sqlite3";
import { JobError } from "../../../model/job-error.js";
import { quotedName } from "../quoted-name.js";

/** Whether triggers see each row of a table. */
export function hasTriggers(database: Database, table: string): boolean {
  const trigger = "select 1 from main.sqlite_schema where type = 'trigger' and tbl_name = ? collate nocase";
  return database.prepare(trigger).get(table) !== undefined;
}

/**
 * Looks for rows that were to be deleted and are there: a trigger may call a deletion off without a word.
 *
 * @param doomed a condition on the table's rows.
 * @throws JobError `destination_failed` when there are any.
 */
export function refuseKeptRows(database: Database, table: string, doomed: string): void {
  if (!hasTriggers(database, table)) return;
  const kept = database.prepare(`select 1 from main.${quotedName(table)} where ${doomed} limit 1`).get();
  if (kept === undefined) return;
  throw new JobError("destination_failed", {
    message: `A trigger of "${table}" kept rows from being deleted.`,
    hint: "Change the trigger, or use a mode that deletes nothing.",
    retryable: false,
    table,
  });
}
