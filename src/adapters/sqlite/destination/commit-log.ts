import type { Database } from "better-sqlite3";
import type { CommitId } from "../../../model/write-mode.js";
import { commitTaken } from "../../../model/write-refusals.js";

/**
 * What became of each commit, in a table beside the data: a row in it was stored by the transaction that stored the rows.
 * A `never` row is a fence: a writer of that commit that comes later fails on the same key. Rows are kept for good, since
 * one that is gone can prove nothing.
 */
export const COMMIT_TABLE = "_millrace_commits";

interface CommitRow {
  readonly state: "committed" | "never";
  readonly rows_written: number;
}

/** Inside a transaction that has just begun: the commit's own row, before anything else. */
export function claimCommit(database: Database, commitId: CommitId, table: string): void {
  makeCommitTable(database);
  const taken = findCommit(database, commitId);
  if (taken !== undefined) throw commitTaken(commitId, taken.state);
  insertCommit(database, commitId, "committed", table);
}

/** Inside the same transaction, when all rows are in. */
export function completeCommit(database: Database, commitId: CommitId, rowsWritten: number): void {
  database
    .prepare(`update ${COMMIT_TABLE} set rows_written = ? where commit_id = ?`)
    .run(BigInt(rowsWritten), commitId);
}

/** Inside a transaction that holds the write lock. Plants the fence when the commit is not there. */
export function findOrFence(database: Database, commitId: CommitId): CommitRow {
  makeCommitTable(database);
  const found = findCommit(database, commitId);
  if (found !== undefined) return found;
  insertCommit(database, commitId, "never", null);
  return { state: "never", rows_written: 0 };
}

function makeCommitTable(database: Database): void {
  database.exec(`create table if not exists main.${COMMIT_TABLE} (
    commit_id text primary key not null,
    state text not null check (state in ('committed', 'never')),
    table_name text,
    rows_written integer not null default 0,
    at text not null default (strftime('%Y-%m-%d %H:%M:%f', 'now'))
  ) without rowid`);
}

function findCommit(database: Database, commitId: CommitId): CommitRow | undefined {
  return database
    .prepare<[string], CommitRow>(`select state, rows_written from main.${COMMIT_TABLE} where commit_id = ?`)
    .get(commitId);
}

function insertCommit(database: Database, commitId: CommitId, state: CommitRow["state"], table: string | null): void {
  database
    .prepare(`insert into main.${COMMIT_TABLE} (commit_id, state, table_name) values (?, ?, ?)`)
    .run(commitId, state, table);
}
