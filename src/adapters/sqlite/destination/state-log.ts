import type { Database } from "better-sqlite3";
import { canonicalJson, type JsonValue } from "../../../model/json.js";
import { stateConflict } from "../../../model/write-refusals.js";
import type { StateChange } from "../../../ports/job-destination.js";
import { readTableSchema } from "./table-shape.js";

/** What each job remembers of each table that it writes, as JSON: stored by the transaction that stored the rows. */
export const STATE_TABLE = "_millrace_state";

/** Null where nothing is stored, and where the table itself is not there. */
export function readState(database: Database, table: string, key: string): JsonValue | null {
  if (!hasStates(database) || readTableSchema(database, table) === null) return null;
  const found = database
    .prepare<[string, string], { readonly value: string }>(
      `select value from main.${STATE_TABLE} where table_name = ? and key = ?`,
    )
    .get(table, key);
  return found === undefined ? null : (JSON.parse(found.value) as JsonValue);
}

/**
 * Inside the transaction that commits the rows, which holds the write lock.
 *
 * @throws JobError `state_conflict` when what is stored is not what the change comes from.
 */
export function changeState(database: Database, table: string, commitId: string, { key, from, to }: StateChange): void {
  if (canonicalJson(readState(database, table, key)) !== canonicalJson(from)) throw stateConflict(table, key);
  database.exec(`create table if not exists main.${STATE_TABLE} (
    table_name text not null collate nocase,
    key text not null,
    value text not null check (json_valid(value)),
    commit_id text not null,
    primary key (table_name, key)
  ) without rowid`);
  database
    .prepare(`insert or replace into main.${STATE_TABLE} (table_name, key, value, commit_id) values (?, ?, ?, ?)`)
    .run(table, key, JSON.stringify(to), commitId);
}

/** What jobs remembered of a table that is not there any more: one that is made anew begins without. */
export function forgetStates(database: Database, table: string): void {
  if (hasStates(database)) database.prepare(`delete from main.${STATE_TABLE} where table_name = ?`).run(table);
}

function hasStates(database: Database): boolean {
  return database.prepare("select 1 from main.sqlite_schema where name = ?").get(STATE_TABLE) !== undefined;
}
