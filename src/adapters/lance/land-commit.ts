import type { Schema } from "apache-arrow";
import { JobError } from "../../model/job-error.js";
import { isKeyed } from "../../model/write-mode.js";
import type { StateChange, WriteRequest } from "../../ports/job-destination.js";
import type { LanceTable } from "./driver.js";
import { emptyIpcFile } from "./encoding/empty-ipc-file.js";
import type { CommitEntry, CommitProof } from "./journal/commit-entry.js";
import { outcomeOf } from "./journal/commit-outcome.js";
import type { TableJournal } from "./journal/table-journal.js";
import { commitFailure } from "./lance-failure.js";
import type { LanceFolder } from "./lance-folder.js";
import type { StagedRows } from "./staged-rows.js";
import { hasCommitColumn } from "./table-shape.js";

/** A write whose permit was granted. */
export interface ReadyCommit {
  /** At its newest version; undefined when it is to be made. */
  readonly table: LanceTable | undefined;
  readonly name: string;
  readonly target: Schema;
  readonly staged: StagedRows;
  readonly request: WriteRequest;
  readonly state?: StateChange;
}

export interface LandedCommit {
  /** The newest version before it; 0 when there was no table. */
  readonly base: number;
  readonly version: number;
}

/** Commits, under the table's lock, and writes down before and after what somebody else needs to find out whether it landed. */
export async function landCommit(
  journal: TableJournal,
  folder: LanceFolder,
  commit: ReadyCommit,
): Promise<LandedCommit> {
  const base = (await commit.table?.version()) ?? null;
  const entry: CommitEntry = {
    commitId: commit.request.commitId,
    mode: commit.request.mode.kind,
    base,
    rows: commit.staged.rowsKept,
    proof: proofOf(commit),
    ...(commit.state && { state: commit.state }),
  };
  await journal.begin(entry).catch((error: unknown) => {
    throw commitFailure(commit.name, error);
  });
  const version = await put(folder, commit, base).catch((error: unknown) =>
    landedAfterAll(journal, folder, commit.name, entry, error),
  );
  // The commit is there: what could not be written down now is found out by the next holder of the lock.
  await journal.finish(entry, { state: "committed", version }).catch(() => undefined);
  return { base: base ?? 0, version };
}

function proofOf({ table, target, staged, request }: ReadyCommit): CommitProof {
  if (table === undefined || request.mode.kind === "overwrite") return "schema";
  if (staged.ipcFile === undefined) return "none";
  return hasCommitColumn(target) ? "column" : "version";
}

async function put(folder: LanceFolder, { table, name, target, staged, request }: ReadyCommit, base: number | null) {
  const { ipcFile } = staged;
  const { mode } = request;
  if (table === undefined || (mode.kind === "overwrite" && ipcFile === undefined)) {
    const how = table === undefined ? "create" : "overwrite";
    const database = await folder.database();
    const made = await (ipcFile === undefined
      ? database.createEmptyTable(name, emptyIpcFile(target), how, [])
      : database.createTable(name, ipcFile, how, []));
    return made.version();
  }
  // Lance takes no table without rows.
  if (ipcFile === undefined) return base ?? 0;
  if (mode.kind === "upsert") {
    const merge = table
      .mergeInsert([...mode.keys])
      .whenMatchedUpdateAll()
      .whenNotMatchedInsertAll();
    return (await merge.execute(ipcFile)).version;
  }
  if (isKeyed(mode)) throw new TypeError(`${mode.kind} was let through`);
  return (await table.add(ipcFile, mode.kind)).version;
}

async function landedAfterAll(
  journal: TableJournal,
  folder: LanceFolder,
  name: string,
  entry: CommitEntry,
  error: unknown,
): Promise<number> {
  const outcome = await outcomeOf(entry, folder, name);
  if (outcome.state === "committed") return outcome.version;
  await journal.finish(entry, outcome);
  if (outcome.state === "never") throw commitFailure(name, error);
  throw new JobError("destination_failed", {
    message: `It is not known whether the commit to the Lance table "${name}" landed: ${outcome.reason}.`,
    hint: "Look into the table; the run stays committing until that can be known.",
    table: name,
    cause: error,
  });
}
