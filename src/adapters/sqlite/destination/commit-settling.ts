import type { Database } from "better-sqlite3";
import { isJobError } from "../../../model/job-error.js";
import type { CommitId } from "../../../model/write-mode.js";
import type { Settlement } from "../../../ports/job-destination.js";
import { findOrFence } from "./commit-log.js";
import { isLocked, whenUnlocked } from "../thread/lock-wait.js";
import type { StopFlag } from "../thread/stop-flag.js";

/** A writer that lives holds the lock for as long as its rows take; asking again later is the caller's business. */
const LOCK_WAIT_MS = 500;

/**
 * What became of a commit. Under the write lock no writer is in flight: its row is there, or it never will be, since the
 * fence is planted on the same key. Whatever stands in the way of that lock leaves the commit in doubt.
 */
export function settleUnderLock(database: Database, commitId: CommitId, stop: StopFlag): Settlement {
  try {
    whenUnlocked(stop, () => database.pragma("synchronous = full"), LOCK_WAIT_MS);
    whenUnlocked(stop, () => database.exec("begin immediate"), LOCK_WAIT_MS);
    const { state, rows_written: rowsWritten } = findOrFence(database, commitId);
    whenUnlocked(stop, () => database.exec("commit"), LOCK_WAIT_MS);
    return state === "never" ? { state } : { state, receipt: { commitId, rowsWritten, snapshotId: null } };
  } catch (error) {
    if (isJobError(error, "aborted")) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const reason = isLocked(error)
      ? "another connection holds the file's lock, perhaps the writer of this very commit"
      : `the file cannot be asked: ${message}`;
    return { state: "in_doubt", reason };
  }
}
