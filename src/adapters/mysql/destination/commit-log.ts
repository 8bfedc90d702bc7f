import type { CommitId } from "../../../model/write-mode.js";
import { commitTaken } from "../../../model/write-refusals.js";
import type { Settlement } from "../../../ports/job-destination.js";
import type { MysqlClient } from "../mysql-client.js";
import { numberOf, ServerError } from "./destination-failure.js";
import { makeOwnTables, type OwnTables } from "./own-tables.js";
import type { WriteSession } from "./write-session.js";

/** A writer that lives holds its row for as long as its rows take; asking again later is the caller's business. */
const SETTLE_WAIT_SECONDS = 2;
const ANSWER_MS = 4_000;

/** Begins the transaction with the commit's own row. */
export async function claimCommit(
  session: WriteSession,
  { commits }: OwnTables,
  commitId: CommitId,
  table: string,
): Promise<void> {
  const claim = `insert into ${commits} (commit_id, state, table_name) values (?, 'committed', ?)`;
  if (await session.beginWith(claim, commitId, table)) return;
  const [taken] = await session.query(`select state from ${commits} where commit_id = ?`, commitId);
  throw commitTaken(commitId, taken?.["state"] === "committed" ? "committed" : "never");
}

/** Inside the same transaction, when all rows are in. */
export async function completeCommit(
  session: WriteSession,
  { commits }: OwnTables,
  commitId: CommitId,
  rowsWritten: number,
): Promise<void> {
  await session.execute(`update ${commits} set rows_written = ? where commit_id = ?`, String(rowsWritten), commitId);
}

/**
 * What became of a commit: its row, or a fence in its place. The insert waits for the transaction in flight, but not for
 * long. Rejects when the server cannot be asked.
 */
export async function settleCommit(client: MysqlClient, tables: OwnTables, commitId: CommitId): Promise<Settlement> {
  const run = (text: string, ...values: string[]) => client.ask(text, { values, timeoutMs: ANSWER_MS });
  await makeOwnTables(client, tables, ["commits"]);
  await run(
    `set session autocommit = 1, innodb_lock_wait_timeout = ${SETTLE_WAIT_SECONDS}, lock_wait_timeout = ${SETTLE_WAIT_SECONDS}`,
  );
  try {
    await run(`insert into ${tables.commits} (commit_id, state) values (?, 'never')`, commitId);
  } catch (error) {
    const number = numberOf(error);
    if (number === ServerError.lockWait) {
      return { state: "in_doubt", reason: "the transaction of this commit is still open at the server" };
    }
    if (number !== ServerError.duplicate) throw error;
  }
  const select = `select state, cast(rows_written as char) as written from ${tables.commits} where commit_id = ?`;
  const { rows } = await run(select, commitId);
  const [row] = rows as { readonly state: string; readonly written: string }[];
  if (row === undefined) throw new Error("the fence was not stored");
  if (row.state === "never") return { state: "never" };
  return { state: "committed", receipt: { commitId, rowsWritten: Number(row.written), snapshotId: null } };
}
