import type { CommitId } from "../../../model/write-mode.js";
import { commitTaken } from "../../../model/write-refusals.js";
import type { Settlement } from "../../../ports/job-destination.js";
import type { PooledPostgresClient } from "../driver.js";
import { codeOf } from "./destination-failure.js";
import { makeOwnTables, type OwnTables } from "./own-tables.js";
import type { WriteSession } from "./write-session.js";

/** A writer that lives holds its row for as long as its rows take; asking again later is the caller's business. */
const SETTLE_WAIT_MS = 2_000;
const ANSWER_MS = 4_000;
const LOCK_NOT_AVAILABLE = "55P03";

/** Inside a transaction that has just begun: the commit's own row, before anything else. */
export async function claimCommit(
  session: WriteSession,
  { commits }: OwnTables,
  commitId: CommitId,
  table: string,
): Promise<void> {
  const claim = `insert into ${commits} (commit_id, state, table_name) values ($1, 'committed', $2) on conflict do nothing`;
  if ((await session.execute(claim, commitId, table)) === 1) return;
  const [taken] = await session.query(`select state from ${commits} where commit_id = $1`, commitId);
  throw commitTaken(commitId, taken?.["state"] === "committed" ? "committed" : "never");
}

/** Inside the same transaction, when all rows are in. */
export async function completeCommit(
  session: WriteSession,
  { commits }: OwnTables,
  commitId: CommitId,
  rowsWritten: number,
): Promise<void> {
  await session.execute(`update ${commits} set rows_written = $2 where commit_id = $1`, commitId, rowsWritten);
}

/**
 * What became of a commit: its row, or a fence in its place. The insert waits for the transaction in flight, but not for
 * long. Rejects when the server cannot be asked.
 */
export async function settleCommit(
  client: PooledPostgresClient,
  tables: OwnTables,
  commitId: CommitId,
): Promise<Settlement> {
  const run = (text: string, ...values: unknown[]) => client.query({ text, values, query_timeout: ANSWER_MS });
  await makeOwnTables(client, tables, ["commits"]);
  await run("begin isolation level read committed");
  await run(`set local lock_timeout = ${SETTLE_WAIT_MS}`);
  await run("set local synchronous_commit = on");
  try {
    const fence = `insert into ${tables.commits} (commit_id, state) values ($1, 'never') on conflict do nothing`;
    await run(fence, commitId);
  } catch (error) {
    if (codeOf(error) !== LOCK_NOT_AVAILABLE) throw error;
    await run("rollback");
    return { state: "in_doubt", reason: "the transaction of this commit is still open at the server" };
  }
  const { rows } = await run(`select state, rows_written::text from ${tables.commits} where commit_id = $1`, commitId);
  const [row] = rows as { readonly state: string; readonly rows_written: string }[];
  const { command } = await run("commit");
  if (command !== "COMMIT" || row === undefined) throw new Error("the fence was not stored");
  if (row.state === "never") return { state: "never" };
  return { state: "committed", receipt: { commitId, rowsWritten: Number(row.rows_written), snapshotId: null } };
}
