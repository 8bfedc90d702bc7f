import type { RecordBatch } from "apache-arrow";
import { batchRows, type PlainRow } from "../../model/batch-values.js";
import { JobError } from "../../model/job-error.js";
import { canonicalJson, type JsonValue } from "../../model/json.js";
import { frozenCopy } from "../../model/plain-copy.js";
import { refuseMisfit } from "../../model/table-misfit.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { CommitId, CommitReceipt } from "../../model/write-mode.js";
import { commitTaken, stateConflict } from "../../model/write-refusals.js";
import type { StateChange } from "../../ports/job-destination.js";
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
  /** For each row: 1 when another has replaced it. Absent: none was. */
  readonly dropped?: Uint8Array;
}

/** What a commit is for. */
export interface CommitTarget {
  readonly commitId: CommitId;
  readonly table: string;
  readonly schema: TableSchema;
  readonly createIfMissing: boolean;
  readonly state?: StateChange | null;
}

/** What a commit brings. */
export interface StagedCommit extends CommitTarget {
  readonly staged: StagedRows;
}

/** Rows that wait for their commit. */
export interface StagedRows {
  onto(before: readonly TablePart[]): TableContent;
}

/** What a table holds once a run's rows have met its content, and how many of these are in it. */
export interface TableContent {
  readonly parts: readonly TablePart[];
  readonly rowsWritten: number;
}

/** The tables of one `memory()`, and what became of every commit. Kept apart, so that an overwrite erases no proof. */
export class MemoryTables {
  private readonly versions = new Map<string, TableVersion>();
  private readonly states = new Map<string, ReadonlyMap<string, JsonValue>>();
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
    return version.parts.flatMap(({ batch, schema, dropped }) => {
      const rows = batchRows(batch, schema).map((row) => ({ ...empty, ...row }));
      return dropped ? rows.filter((_, row) => dropped[row] === 0) : rows;
    });
  }

  state(table: string, key: string): JsonValue | null {
    return this.states.get(table)?.get(key) ?? null;
  }

  /** Refuses what {@link commit} would refuse. A write asks before it reads any rows. */
  check({ commitId, table, schema, createIfMissing, state }: CommitTarget): void {
    const settled = this.commits.get(commitId);
    if (settled !== undefined) throw commitTaken(commitId, settled === "never" ? settled : "committed");
    const existing = this.versions.get(table)?.schema ?? null;
    refuseMisfit(table, { produced: schema, existing, storage: memoryStorage, createIfMissing });
    if (!state) return;
    if (canonicalJson(state.from) !== canonicalJson(this.state(table, state.key)))
      throw stateConflict(table, state.key);
  }

  /** One act: nothing can come between the check, the new version and its proof. @returns how many rows were written. */
  commit(commit: StagedCommit): number {
    this.check(commit);
    const { commitId, table, schema, staged, state } = commit;
    const before = this.versions.get(table);
    const { parts, rowsWritten } = staged.onto(before?.parts ?? []);
    this.versions.set(table, { schema: before?.schema ?? schema, parts });
    if (state) this.states.set(table, new Map(this.states.get(table)).set(state.key, frozenCopy(state.to)));
    this.commits.set(commitId, { commitId, rowsWritten, snapshotId: null });
    return rowsWritten;
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
