import type { Schema } from "apache-arrow";
import { JobError } from "../../model/job-error.js";
import { stateConflict } from "../../model/write-refusals.js";
import { canonicalJson, type JsonValue } from "../../model/json.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { CommitId, CommitReceipt } from "../../model/write-mode.js";
import type { Settlement, StateChange, WriteRequest } from "../../ports/job-destination.js";
import type { RowStream } from "../../ports/row-stream.js";
import { abortable } from "./abortable.js";
import type { LanceTable } from "./driver.js";
import { finishOpenEntry } from "./journal/commit-outcome.js";
import { settleCommit } from "./journal/settle-commit.js";
import { TableJournal } from "./journal/table-journal.js";
import { landCommit } from "./land-commit.js";
import type { LanceLimits } from "./lance-destination.js";
import { type LanceFolder, unavailable } from "./lance-folder.js";
import type { Maintenance } from "./maintenance.js";
import { readSchema } from "./scan-table.js";
import { type StagedRows, stageRows } from "./staged-rows.js";
import { newSchema, refuse, sameShape, schemaOf, withCommit } from "./table-shape.js";

/** What the rows of a write are brought into. */
interface WriteTarget {
  /** The table's own, or that of the table that will be made. */
  readonly schema: Schema;
  readonly existed: boolean;
}

/** A run that is settled is asked about again, so there is no use in waiting long. */
const SETTLE_WAIT_MS = 1_000;

/**
 * Writes one table of a folder. A write stages its rows as bytes, and takes the table's lock only then: from before the
 * permit until the outcome is written down.
 */
export class TableWriter {
  constructor(
    private readonly folder: LanceFolder,
    private readonly table: string,
    private readonly limits: LanceLimits,
    private readonly maintenance: Maintenance,
  ) {}

  schema(signal: AbortSignal): Promise<TableSchema | null> {
    return readSchema(this.folder, this.table, signal);
  }

  async readState(key: string, signal: AbortSignal): Promise<JsonValue> {
    if (!(await this.folder.isThere())) return null;
    const settled = await TableJournal.settledState(this.folder.path, this.table, key);
    if (settled !== undefined) return settled;
    const journal = await this.locked(signal);
    try {
      await finishOpenEntry(journal, this.folder, this.table);
      return await journal.state(key);
    } finally {
      journal.release();
    }
  }

  async write(rows: RowStream, request: WriteRequest): Promise<CommitReceipt> {
    const { signal } = request;
    signal.throwIfAborted();
    const target = await abortable(this.targetOf(request), signal);
    const staged = await stageRows(rows, {
      request,
      target: target.schema,
      table: this.table,
      maxBytes: this.limits.maxCommitBytes,
    });
    try {
      return await this.commit(staged, target, request);
    } finally {
      // Lance has copied what it was given, and answered.
      staged.release();
    }
  }

  async settleCommit(commitId: CommitId, signal: AbortSignal): Promise<Settlement> {
    const waitMs = Math.min(SETTLE_WAIT_MS, this.limits.lockWaitMs);
    return settleCommit(commitId, this.folder, this.table, { signal, waitMs });
  }

  private async commit(staged: StagedRows, target: WriteTarget, request: WriteRequest): Promise<CommitReceipt> {
    const { signal } = request;
    await this.folder.make();
    const journal = await this.locked(signal);
    let isReleased = false;
    try {
      await finishOpenEntry(journal, this.folder, this.table);
      await this.refuseSettled(journal, request.commitId);
      await this.current(target);
      const state = request.state?.();
      if (state !== undefined) await this.refuseOtherState(journal, state);
      signal.throwIfAborted();
      const permit = await request.permit({ rowsStaged: staged.rowsTaken });
      // Opened again: a commit through a table that somebody deleted meanwhile would make a broken one.
      const table = await this.current(target);
      const commit = { table, name: this.table, target: target.schema, staged, request, ...(state && { state }) };
      const { base, version } = await landCommit(journal, this.folder, commit);
      isReleased = this.maintenance.after(base, version, this.table, journal);
      const snapshotId = String(version);
      return permit.committed({
        snapshotId,
        ...(staged.rowsKept !== staged.rowsTaken && { rowsWritten: staged.rowsKept }),
      });
    } finally {
      if (!isReleased) journal.release();
    }
  }

  private async targetOf({ schema, mode, createIfMissing, commitId }: WriteRequest): Promise<WriteTarget> {
    const table = await this.folder.open(this.table);
    if (table === undefined) {
      if (!createIfMissing) throw this.missing();
      const made = newSchema(schema, mode.kind === "upsert" ? mode.keys : [], this.table);
      return { schema: withCommit(made, commitId), existed: false };
    }
    const existing = schemaOf(await table.schema());
    refuse(schema, existing, this.table);
    return { schema: withCommit(existing, commitId), existed: true };
  }

  /** The table at its newest version, if it is still what the rows were staged for. */
  private async current(target: WriteTarget): Promise<LanceTable | undefined> {
    const table = await this.folder.open(this.table);
    const schema = table && schemaOf(await table.schema());
    if (schema === undefined ? !target.existed : sameShape(schema, target.schema)) return table;
    throw new JobError("destination_failed", {
      message: `The Lance table "${this.table}" was ${schema === undefined ? "deleted" : "made or changed"} by somebody else while the rows were read; nothing was written.`,
      hint: "Run the job again.",
      table: this.table,
    });
  }

  private async locked(signal: AbortSignal): Promise<TableJournal> {
    const wait = { signal, waitMs: this.limits.lockWaitMs };
    const journal = await TableJournal.open(this.folder.path, this.table, wait).catch((error: unknown) => {
      signal.throwIfAborted();
      throw unavailable(this.folder.path, error);
    });
    if (journal !== undefined) return journal;
    throw new JobError("connection_unavailable", {
      message: `Another writer held the lock of the Lance table "${this.table}" in "${this.folder.path}" for ${wait.waitMs} ms.`,
      hint: "Wait for that writer, look whether its process is stopped, or raise lockWaitMs.",
      table: this.table,
    });
  }

  private async refuseSettled(journal: TableJournal, commitId: CommitId): Promise<void> {
    const known = await journal.record(commitId);
    if (known === undefined) return;
    throw new JobError("destination_failed", {
      message: `The commit ${commitId} was settled before as ${known.outcome.state}, and cannot be tried again.`,
      hint: "A retry commits under an id of its own.",
      retryable: false,
      table: this.table,
    });
  }

  private async refuseOtherState(journal: TableJournal, { key, from }: StateChange): Promise<void> {
    if (canonicalJson(await journal.state(key)) === canonicalJson(from)) return;
    throw stateConflict(this.table, key);
  }

  private missing(): JobError {
    return new JobError("destination_missing", {
      message: `The Lance table "${this.table}" is not in "${this.folder.path}".`,
      hint: "Make it, or let the job make it: destination.createIfMissing.",
      table: this.table,
    });
  }
}
