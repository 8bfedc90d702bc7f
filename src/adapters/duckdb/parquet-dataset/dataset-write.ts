import { join } from "node:path";
import type { CommitReceipt } from "../../../model/write-mode.js";
import type { WriteRequest } from "../../../ports/job-destination.js";
import type { FilesToWrite } from "./copy-statement.js";
import type { DataFile, LogEntry, Manifest } from "./manifest.js";
import type { Author, MakeNext } from "./manifest-log.js";
import { alreadySettled, nextVersion, planWrite, type PlannedWrite, type TableLayout } from "./planned-write.js";
import { syncFiles } from "./staged-files.js";
import type { TableFolder } from "./table-folder.js";

/** Writes all rows into files of a folder that nobody knows of yet. */
export type FillFolder = (files: FilesToWrite) => Promise<StagedRows>;

export interface StagedRows {
  readonly rows: number;
  /** At least one, also where there are no rows. */
  readonly staged: readonly DataFile[];
}

/** One write into a table, from the look at what is there to the publication of one manifest, which is the commit. */
export class DatasetWrite {
  private constructor(
    private readonly table: TableFolder,
    private readonly request: WriteRequest,
    private readonly plan: PlannedWrite,
    private readonly author: Author,
    /** The newest version before the folder was made: what stands against the write later comes behind it. */
    private readonly base: Manifest | null,
  ) {}

  /** @throws JobError for what cannot be written. */
  static async begin(table: TableFolder, request: WriteRequest, layout: TableLayout): Promise<DatasetWrite> {
    const base = await table.log.newest();
    const settled = await table.log.settled(base, request.commitId);
    if (settled !== undefined) throw alreadySettled(request.commitId, settled.rows !== null);
    const plan = planWrite(base, request, layout);
    if (base === null) await table.make();
    const write = new DatasetWrite(table, request, plan, await table.author(), base);
    if (base === null) await write.checkLinks();
    return write;
  }

  async commit(fill: FillFolder, permit: WriteRequest["permit"]): Promise<CommitReceipt> {
    const { table, author, base, plan } = this;
    const { rows, staged } = await fill({ ...plan, folder: author.folder });
    await syncFiles(table, author, staged);
    const write = { ...plan, rows, staged, state: this.request.state?.() };
    const next: MakeNext = (newest, since) => nextVersion(write, author.name, newest, since);
    await this.refuseEarly(next);
    const granted = await permit({ rowsStaged: rows });
    const { version, files } = await table.log.publish(author, base, next);
    // A file without rows is named only where there is no other.
    author.mayBeNamed = staged.some(({ path }) => files.some((file) => file.path === path));
    return granted.committed({ snapshotId: String(version) });
  }

  /** To be called once, whatever became of the commit. Nothing of it matters to who reads the log. */
  async end(): Promise<void> {
    const { table, author } = this;
    const { disk } = table;
    try {
      await table.showCurrent(author);
      if (!author.mayBeNamed) return await disk.remove(author.folder);
      for (const name of (await disk.list(author.folder)) ?? []) {
        if (name.endsWith(".json")) await disk.remove(join(author.folder, name));
      }
    } catch {
      // The commit is what it is, and what was left is swept one day.
    }
  }

  private async checkLinks(): Promise<void> {
    try {
      await this.table.checkLinks(this.author);
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  /** What stands against the commit by now is told before the permit: after it, the commit would have to be settled. */
  private async refuseEarly(next: MakeNext): Promise<void> {
    const { log } = this.table;
    const newest = await log.newest();
    const since: LogEntry[] = [];
    for (let version = (this.base?.version ?? 0) + 1; version <= (newest?.version ?? 0); version += 1) {
      const entry = await log.find(version);
      if (entry !== undefined) since.push(entry);
    }
    next(newest, since);
  }
}
