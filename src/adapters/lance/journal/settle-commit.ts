import { causeChain } from "../../../model/job-error.js";
import type { CommitId } from "../../../model/write-mode.js";
import type { Settlement } from "../../../ports/job-destination.js";
import type { LockWait } from "../../file-lock/file-lock.js";
import type { LanceFolder } from "../lance-folder.js";
import type { CommitOutcome, CommitRecord } from "./commit-entry.js";
import { finishOpenEntry, isShown, outcomeOf } from "./commit-outcome.js";
import { TableJournal } from "./table-journal.js";

/**
 * What became of a commit. Under the table's lock, which a writer has from before its permit: nobody is at a commit here.
 * One of which nothing is known is fenced: its writer looks before it commits, and finds that it may not.
 */
export async function settleCommit(
  commitId: CommitId,
  folder: LanceFolder,
  table: string,
  wait: LockWait,
): Promise<Settlement> {
  wait.signal.throwIfAborted();
  try {
    // Neither is made here: the folder may be the place of a disk that is not mounted, and the commit on that.
    if (!(await folder.isThere())) return inDoubt(`the folder "${folder.path}" is not there`);
    if (!TableJournal.isThere(folder.path, table)) {
      return inDoubt(`"${folder.path}" has no journal of the table "${table}", which whoever commits makes first`);
    }
    const journal = await TableJournal.open(folder.path, table, wait);
    if (journal === undefined) return inDoubt(`a writer holds the lock of the Lance table "${table}"`);
    try {
      await finishOpenEntry(journal, folder, table);
      return settlement(commitId, await outcome(commitId, journal, folder, table));
    } finally {
      journal.release();
    }
  } catch (error) {
    wait.signal.throwIfAborted();
    return inDoubt(causeChain(error));
  }
}

async function outcome(
  commitId: CommitId,
  journal: TableJournal,
  folder: LanceFolder,
  table: string,
): Promise<CommitRecord | string> {
  const known = await journal.record(commitId);
  if (known === undefined) {
    if (await isShown(commitId, folder, table)) return "the table shows the commit, but the journal beside it is gone";
    await journal.plantFence(commitId);
    return { commitId, outcome: { state: "never" } };
  }
  const { entry } = known;
  if (known.outcome.state !== "in_doubt" || entry === undefined) return known;
  // What could not be read then may be readable now.
  const now: CommitOutcome = await outcomeOf(entry, folder, table);
  if (now.state !== "in_doubt") await journal.finish(entry, now);
  return { commitId, entry, outcome: now };
}

function settlement(commitId: CommitId, found: CommitRecord | string): Settlement {
  if (typeof found === "string") return inDoubt(found);
  const { outcome: ended, entry } = found;
  if (ended.state === "never") return { state: "never" };
  if (ended.state === "in_doubt") return inDoubt(ended.reason);
  const rowsWritten = entry?.rows ?? 0;
  return { state: "committed", receipt: { commitId, rowsWritten, snapshotId: String(ended.version) } };
}

function inDoubt(reason: string): Settlement {
  return { state: "in_doubt", reason };
}
