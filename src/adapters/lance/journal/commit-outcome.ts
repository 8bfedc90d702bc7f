import type { LanceTable } from "../driver.js";
import type { LanceFolder } from "../lance-folder.js";
import { COMMIT_COLUMN, hasCommitColumn, listedCommits, schemaOf } from "../table-shape.js";
import type { CommitEntry, CommitOutcome } from "./commit-entry.js";
import type { TableJournal } from "./table-journal.js";

/** Finds out what became of the commit that the last holder of the lock did not finish. */
export async function finishOpenEntry(journal: TableJournal, folder: LanceFolder, table: string): Promise<void> {
  const entry = await journal.openEntry();
  if (entry === undefined) return;
  const known = await journal.record(entry.commitId);
  await journal.finish(entry, known?.outcome ?? (await outcomeOf(entry, folder, table)));
}

/**
 * What became of a commit whose writer can no longer be at it: the caller holds the lock. A guess is never made: where a
 * version that may be the commit's cannot be read, or a table has no place for its id, it is in doubt.
 */
export async function outcomeOf(entry: CommitEntry, folder: LanceFolder, name: string): Promise<CommitOutcome> {
  if (entry.proof === "none") return { state: "committed", version: entry.base ?? 0 };
  const table = await folder.open(name);
  if (table === undefined) {
    if (entry.base === null) return { state: "never" };
    return inDoubt(`the table "${name}" was there before the commit and is gone`);
  }
  const latest = await table.version();
  const base = entry.base ?? 0;
  if (latest === base) return { state: "never" };
  if (latest < base) return inDoubt(`the table "${name}" was replaced by another one`);
  if (entry.proof === "version") {
    return inDoubt(`"${name}" has a newer version, and no column ${COMMIT_COLUMN} that would say whose it is`);
  }
  // Not from a list of all versions, which takes seconds and a gigabyte for a few thousand of them.
  for (let version = base + 1; version <= latest; version++) {
    const found = await carries(table, version, entry);
    if (found === undefined) return inDoubt(`version ${version} of "${name}" is gone, and may have been the commit`);
    if (found) return { state: "committed", version };
  }
  return { state: "never" };
}

/** Whether the newest version shows the commit, for which there is no entry. */
export async function isShown(commitId: string, folder: LanceFolder, name: string): Promise<boolean> {
  const table = await folder.open(name);
  if (table === undefined) return false;
  const schema = schemaOf(await table.schema());
  return listedCommits(schema).includes(commitId) || (hasCommitColumn(schema) && (await hasRow(table, commitId)));
}

/** Undefined when the version cannot be read. */
async function carries(
  table: LanceTable,
  version: number,
  { proof, commitId }: CommitEntry,
): Promise<boolean | undefined> {
  try {
    await table.checkout(version);
  } catch {
    return undefined;
  }
  const schema = schemaOf(await table.schema());
  if (proof === "schema") return listedCommits(schema).includes(commitId);
  return hasCommitColumn(schema) && hasRow(table, commitId);
}

async function hasRow(table: LanceTable, commitId: string): Promise<boolean> {
  return (await table.countRows(`${COMMIT_COLUMN} = '${commitId.replaceAll("'", "''")}'`)) > 0;
}

function inDoubt(reason: string): CommitOutcome {
  return { state: "in_doubt", reason };
}
