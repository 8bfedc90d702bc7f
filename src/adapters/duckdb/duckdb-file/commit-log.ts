import type { CommitId } from "../../../model/write-mode.js";
import { commitTaken } from "../../../model/write-refusals.js";
import { quoteText } from "../quote.js";

/**
 * What became of each commit, in a table beside the data: a row in it was stored by the transaction that stored the rows.
 * A `never` row is a fence: a writer of that commit that comes later fails on the same key. Rows are kept for good, since
 * one that is gone can prove nothing.
 */
export const COMMIT_TABLE = "_millrace_commits";

/** Runs statements and gives the rows of the last. */
export type Run = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

export interface CommitRow {
  readonly state: "committed" | "never";
  readonly rowsWritten: number;
}

/** By itself, before any transaction of a write: two that make one table at once would stand in each other's way. */
export function makeCommitTable(catalog: string): string {
  return `create table if not exists ${catalog}.main.${COMMIT_TABLE} (
    commit_id varchar primary key,
    state varchar not null check (state in ('committed', 'never')),
    table_name varchar,
    rows_written bigint not null default 0,
    "at" timestamp with time zone not null default now())`;
}

/** Inside a transaction that has just begun: the commit's own row, before anything else. */
export async function claimCommit(run: Run, catalog: string, commitId: CommitId, table: string): Promise<void> {
  const taken = await findCommit(run, catalog, commitId);
  if (taken !== undefined) throw commitTaken(commitId, taken.state);
  await insertCommit(run, catalog, commitId, "committed", table);
}

/** Inside the same transaction, when all rows are in. */
export async function completeCommit(run: Run, catalog: string, commitId: CommitId, rows: number): Promise<void> {
  const key = quoteText(commitId);
  await run(`update ${catalog}.main.${COMMIT_TABLE} set rows_written = ${rows} where commit_id = ${key}`);
}

/**
 * Plants the fence when the commit is not there. A writer in flight has a row with the same key in its transaction: of the
 * two commits only the first succeeds.
 */
export async function findOrFence(run: Run, catalog: string, commitId: CommitId): Promise<CommitRow> {
  const found = await findCommit(run, catalog, commitId);
  if (found !== undefined) return found;
  try {
    await insertCommit(run, catalog, commitId, "never", null);
    return { state: "never", rowsWritten: 0 };
  } catch (error) {
    const landed = await findCommit(run, catalog, commitId);
    if (landed === undefined) throw error;
    return landed;
  }
}

export async function findCommit(run: Run, catalog: string, commitId: CommitId): Promise<CommitRow | undefined> {
  const [row] = await run(
    `select state, rows_written from ${catalog}.main.${COMMIT_TABLE} where commit_id = ${quoteText(commitId)}`,
  );
  if (row === undefined) return undefined;
  return { state: row["state"] === "never" ? "never" : "committed", rowsWritten: Number(row["rows_written"]) };
}

async function insertCommit(
  run: Run,
  catalog: string,
  commitId: CommitId,
  state: CommitRow["state"],
  table: string | null,
): Promise<void> {
  const values = [commitId, state, table].map((text) => (text === null ? "null" : quoteText(text)));
  await run(`insert into ${catalog}.main.${COMMIT_TABLE} (commit_id, state, table_name) values (${values.join(", ")})`);
}
