import { causeChain } from "../../../model/job-error.js";
import type { CommitId } from "../../../model/write-mode.js";
import type { Settlement } from "../../../ports/job-destination.js";
import type { LogEntry, Manifest, SettledCommit } from "./manifest.js";
import { type NextVersion, settledBy } from "./manifest-log.js";
import type { TableFolder } from "./table-folder.js";

/**
 * What became of a commit, by the log. Where the log does not know of it, a version is published that says so: a writer
 * that comes later finds it before it can publish.
 */
export async function settleCommit(table: TableFolder, commitId: CommitId, signal: AbortSignal): Promise<Settlement> {
  signal.throwIfAborted();
  try {
    return settlementOf(await settled(table, commitId));
  } catch (error) {
    signal.throwIfAborted();
    return { state: "in_doubt", reason: causeChain(error) };
  }
}

async function settled(table: TableFolder, commitId: CommitId): Promise<SettledCommit> {
  // A writer makes the folders before it asks for its permit. Where they are gone, so may a disk be.
  if (!(await table.isInDataset())) throw new Error(`there is no dataset around ${table.path}: is its disk mounted?`);
  const newest = await table.log.newest();
  const found = await table.log.settled(newest, commitId);
  if (found !== undefined) {
    await table.log.sync();
    return found;
  }
  return plantTombstone(table, commitId, newest);
}

async function plantTombstone(table: TableFolder, commitId: CommitId, base: Manifest | null): Promise<SettledCommit> {
  if (base === null) await table.make();
  const author = await table.author();
  let landed: SettledCommit | undefined;
  const next = (newest: Manifest | null, since: readonly LogEntry[]): NextVersion => {
    landed = since.flatMap(settledBy).find((commit) => commit.commitId === commitId);
    if (landed !== undefined) throw new Error("settled meanwhile");
    return { ...contentOf(newest), act: { kind: "never", commitId } };
  };
  try {
    const { version } = await table.log.publish(author, base, next);
    await table.showCurrent(author).catch(() => undefined);
    return { commitId, version, rows: null };
  } catch (error) {
    if (landed === undefined) throw error;
    await table.log.sync();
    return landed;
  } finally {
    // Holds nothing but drafts.
    await table.disk.remove(author.folder).catch(() => undefined);
  }
}

/** What a version shows that changes nothing of it. */
export function contentOf(newest: Manifest | null): Omit<NextVersion, "act"> {
  const { columns = null, partitionBy = [], files = [], states = {} } = newest ?? {};
  return { columns, partitionBy, files, states };
}

function settlementOf({ commitId, version, rows }: SettledCommit): Settlement {
  if (rows === null) return { state: "never" };
  return { state: "committed", receipt: { commitId, rowsWritten: rows, snapshotId: String(version) } };
}
