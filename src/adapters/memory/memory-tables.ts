import type { RecordBatch } from "apache-arrow";
import { batchRows, type PlainRow } from "../../model/batch-values.js";
import { JobError } from "../../model/job-error.js";
import { describeFindings, schemaDifference } from "../../model/schema-difference.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { CommitId, CommitReceipt, WriteModeKind } from "../../model/write-mode.js";
import { memoryStorage } from "./memory-storage.js";

/** A table as one commit left it. A commit makes a new version and never changes one, so readers need no lock. */
export interface TableVersion {
  readonly schema: TableSchema;
  readonly parts: readonly TablePart[];
}

/** Rows that came together. A part may lack columns of the table: they are null in its rows. */
export interface TablePart {
  readonly batch: RecordBatch;
  readonly schema: TableSchema;
}

/** What a commit brings. */
export interface StagedCommit {
  readonly commitId: CommitId;
  readonly table: string;
  readonly mode: WriteModeKind;
  readonly schema: TableSchema;
  readonly createIfMissing: boolean;
  readonly batches: readonly RecordBatch[];
  readonly rowCount: number;
}

/** The tables of one `memory()`, and what became of every commit. Kept apart, so that an overwrite erases no proof. */
export class MemoryTables {
  private readonly versions = new Map<string, TableVersion>();
  private readonly commits = new Map<CommitId, CommitReceipt | "never">();

  /** In order of their names. */
  names(): readonly string[] {
    return [...this.versions.keys()].sort();
  }

  version(table: string): TableVersion | undefined {
    return this.versions.get(table);
  }

  rows(table: string): readonly PlainRow[] {
    const version = this.versions.get(table);
    if (version === undefined) throw missing(table, "Run a job that writes it first; tables() lists what is there.");
    const empty = Object.fromEntries(version.schema.columns.map(({ name }) => [name, null]));
    return version.parts.flatMap(({ batch, schema }) => {
      return batchRows(batch, schema).map((row) => ({ ...empty, ...row }));
    });
  }

  /** Refuses what {@link commit} would refuse. A write asks before it reads any rows. */
  check(staged: Omit<StagedCommit, "batches" | "rowCount" | "mode">): void {
    const settled = this.commits.get(staged.commitId);
    if (settled !== undefined) throw fenced(staged.commitId, settled === "never");
    const existing = this.versions.get(staged.table)?.schema ?? null;
    if (existing === null && !staged.createIfMissing) {
      throw missing(staged.table, "Set createIfMissing on the job's destination.");
    }
    const findings = schemaDifference({ produced: staged.schema, existing, storage: memoryStorage });
    if (findings.length === 0) return;
    throw new JobError("schema_mismatch", {
      message: `The query's columns do not fit "${staged.table}": ${describeFindings(findings)}.`,
      hint: "Rename, cast or leave out the named columns in the query.",
      table: staged.table,
      columns: findings.map(({ column }) => column),
    });
  }

  /** One act: nothing can come between the check, the new version and its proof. */
  commit(staged: StagedCommit): void {
    this.check(staged);
    const { commitId, table, mode, batches, rowCount } = staged;
    const before = this.versions.get(table);
    const added = batches.map((batch) => ({ batch, schema: staged.schema }));
    const parts = mode === "append" && before ? [...before.parts, ...added] : added;
    this.versions.set(table, { schema: before?.schema ?? staged.schema, parts });
    this.commits.set(commitId, { commitId, rowsWritten: rowCount, snapshotId: null });
  }

  /** What became of the commit; one that has not landed never will. */
  settle(commitId: CommitId): CommitReceipt | "never" {
    const settled = this.commits.get(commitId) ?? "never";
    this.commits.set(commitId, settled);
    return settled;
  }
}

function missing(table: string, hint: string): JobError {
  return new JobError("destination_missing", { message: `There is no table "${table}" in memory().`, hint, table });
}

function fenced(commitId: CommitId, givenUp: boolean): JobError {
  return new JobError("destination_failed", {
    message: givenUp
      ? `Commit ${commitId} was given up and may not land any more.`
      : `Commit ${commitId} has landed already.`,
    hint: "Write again under a new commit id.",
    retryable: false,
  });
}
