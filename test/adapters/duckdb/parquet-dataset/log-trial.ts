import { strict as assert } from "node:assert";
import { setImmediate as turn } from "node:timers/promises";
import { DatasetWrite } from "../../../../src/adapters/duckdb/parquet-dataset/dataset-write.js";
import {
  type DataFile,
  isWhole,
  type LogEntry,
  type Manifest,
} from "../../../../src/adapters/duckdb/parquet-dataset/manifest.js";
import { stateIn } from "../../../../src/adapters/duckdb/parquet-dataset/planned-write.js";
import { pruneTable } from "../../../../src/adapters/duckdb/parquet-dataset/prune-table.js";
import { settleCommit } from "../../../../src/adapters/duckdb/parquet-dataset/settle-commit.js";
import { TableFolder } from "../../../../src/adapters/duckdb/parquet-dataset/table-folder.js";
import { isJobError } from "../../../../src/model/job-error.js";
import type { TableSchema } from "../../../../src/model/table-schema.js";
import type { Settlement, WriteRequest } from "../../../../src/ports/job-destination.js";
import { seededRandom } from "../../../crash/seeded-random.js";
import { MemoryDisk, steppedDisk } from "./memory-disk.js";

const TABLE = "/lake/t";
const SCHEMA: TableSchema = {
  columns: [
    { name: "p", type: { kind: "text" }, nullable: true },
    { name: "id", type: { kind: "text" }, nullable: true },
  ],
};
const NEVER_ABORTED = new AbortController().signal;

class Killed extends Error {}

/** A process that takes its steps when the trial lets it, and dies before or behind the one that is its last. */
interface Process {
  readonly waiting: (() => void)[];
  stepsLeft: number;
  isDead: boolean;
  isStopped: boolean;
}

/** What a commit wrote, as the trial knows it. */
interface Attempted {
  readonly commitId: string;
  readonly mode: "append" | "overwrite";
  readonly partitions: readonly string[];
  receipt?: { readonly rowsWritten: number; readonly snapshotId: string | null };
}

/** What happened in a trial, for a test that all of it does. */
export interface TrialSummary {
  readonly landed: number;
  readonly never: number;
  readonly killed: number;
  readonly powerCuts: number;
  readonly stopped: number;
  readonly pruned: number;
}

/**
 * Several processes write, settle, read and prune one table, one step of the file system after another in an order that the
 * seed decides; some die or stop at a step, and now and then the power is cut. Then all is settled, the stopped ones go on,
 * and the log, the files and what everybody was told must agree.
 *
 * @throws AssertionError when they do not.
 */
export async function logTrial(seed: number): Promise<TrialSummary> {
  return new LogTrial(seed).run();
}

class LogTrial {
  private readonly random: () => number;
  private readonly memory = new MemoryDisk();
  private readonly processes: Process[] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly attempted = new Map<string, Attempted>();
  private readonly told = new Map<string, Settlement["state"]>();
  private readonly partitioned: boolean;
  private readonly failures: unknown[] = [];
  private counts = { killed: 0, powerCuts: 0, stopped: 0, pruned: 0 };

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.partitioned = this.random() < 0.5;
    // What holds the dataset's folder is there.
    this.memory.makeFolder("/lake");
    this.memory.sync("/");
  }

  async run(): Promise<TrialSummary> {
    const rounds = 1 + this.below(3);
    for (let round = 0; round < rounds; round += 1) {
      const isMortal = this.random() < 0.7;
      for (let index = 0; index < 2 + this.below(3); index += 1) this.start(round, index, isMortal);
      await this.untilQuiet(this.random() < 0.3 ? 1 + this.below(150) : Infinity);
    }
    await this.settleAll();
    this.wake();
    await this.untilQuiet(Infinity, false);
    assert.equal(this.running.size, 0);
    await this.check();
    if (this.failures.length > 0) throw this.failures[0];
    const states = [...this.told.values()];
    const { length: landed } = states.filter((state) => state === "committed");
    return { landed, never: states.length - landed, ...this.counts };
  }

  private below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  private start(round: number, index: number, isMortal: boolean): void {
    const lives = isMortal && this.random() < 0.6 ? this.below(120) : Infinity;
    const process: Process = { waiting: [], stepsLeft: lives, isDead: false, isStopped: false };
    this.processes.push(process);
    const life = this.live(process, `${round}-${index}`)
      .catch((error: unknown) => {
        if (!(error instanceof Killed)) this.failures.push(error);
      })
      .finally(() => this.running.delete(life));
    this.running.add(life);
  }

  private async live(process: Process, name: string): Promise<void> {
    const table = this.tableOf(process);
    for (let act = 0; act < 1 + this.below(4); act += 1) {
      const dice = this.random();
      if (dice < 0.6) await this.write(table, `${name}-${act}`);
      else if (dice < 0.75) await this.settleOne(table);
      else if (dice < 0.9) await this.prune(table);
      else await this.read(table);
      if (process.isDead) throw new Killed();
    }
  }

  private tableOf(process: Process): TableFolder {
    const disk = steppedDisk(this.memory, async (at) => {
      if (process.isDead) throw new Killed();
      if (at === "before") await new Promise<void>((resolve) => process.waiting.push(resolve));
      if (process.isDead) throw new Killed();
      process.stepsLeft -= 0.5;
      if (process.stepsLeft > 0) return;
      process.isDead = true;
      this.counts.killed += 1;
      throw new Killed();
    });
    return new TableFolder(disk, TABLE);
  }

  private async write(table: TableFolder, commitId: string): Promise<void> {
    const mode = this.random() < 0.7 ? "append" : "overwrite";
    const partitions = [...new Set(Array.from({ length: this.below(4) }, () => "abc"[this.below(3)] ?? "a"))];
    const attempt: Attempted = { commitId, mode, partitions };
    const withState = this.random() < 0.3;
    try {
      const from = withState ? stateIn(await table.log.newest(), "job") : null;
      const request: WriteRequest = {
        commitId,
        mode: { kind: mode },
        schema: SCHEMA,
        createIfMissing: true,
        signal: NEVER_ABORTED,
        onProgress: () => undefined,
        ...(withState && { state: () => ({ key: "job", from, to: commitId }) }),
        permit: async ({ rowsStaged }) => {
          // From here on its fate is asked for.
          this.attempted.set(commitId, attempt);
          return {
            committed: ({ snapshotId = null } = {}) => {
              attempt.receipt = { rowsWritten: rowsStaged, snapshotId };
              return { commitId, ...attempt.receipt };
            },
          };
        },
      };
      const partitionBy = this.partitioned ? ["p"] : [];
      const write = await DatasetWrite.begin(table, request, { table: "t", overwrite: "partitions", partitionBy });
      try {
        await write.commit(async ({ folder }) => this.fill(folder, attempt), request.permit);
      } finally {
        await write.end();
      }
    } catch (error) {
      // A writer may be refused, fenced or swept, but it never stumbles.
      if (!(error instanceof Killed) && !isJobError(error) && !isGone(error)) throw error;
    }
  }

  /** A file for each partition, each with its commit in it. */
  private fill(folder: string, { commitId, partitions }: Attempted): { rows: number; staged: readonly DataFile[] } {
    const names = this.partitioned ? partitions.map((partition) => `p=${partition}/x.parquet`) : ["data_0.parquet"];
    const rows = this.partitioned ? 1 : partitions.length;
    const staged = (names.length === 0 ? ["empty.parquet"] : names).map((name, index) => {
      this.memory.put(`${folder}/${name}`, `${commitId} ${name}`);
      const path = `${folder}/${name}`.slice(TABLE.length + 1);
      const partition = this.partitioned ? [partitions[index] ?? null] : [];
      return { path, rows: names.length === 0 ? 0 : rows, bytes: 1, partition };
    });
    return { rows: staged.reduce((sum, file) => sum + file.rows, 0), staged };
  }

  private async settleOne(table: TableFolder): Promise<void> {
    const ids = [...this.attempted.keys()];
    const commitId = ids[this.below(ids.length)];
    if (commitId !== undefined) await this.settle(table, commitId);
  }

  private async settle(table: TableFolder, commitId: string): Promise<Settlement> {
    const settled = await settleCommit(table, commitId, NEVER_ABORTED);
    if (settled.state === "in_doubt") return settled;
    const before = this.told.get(commitId);
    assert.equal(before ?? settled.state, settled.state, `${commitId} was ${before} and is ${settled.state}`);
    this.told.set(commitId, settled.state);
    const { receipt } = this.attempted.get(commitId) ?? {};
    if (receipt !== undefined) assert.deepEqual(settled, { state: "committed", receipt: { commitId, ...receipt } });
    return settled;
  }

  private async prune(table: TableFolder): Promise<void> {
    const options = { keep: 1 + this.below(3), abandonedAfterMs: this.below(200) };
    const report = await pruneTable(table, options).catch((error: unknown) => {
      if (error instanceof Killed || isGone(error)) return undefined;
      throw error;
    });
    this.counts.pruned += (report?.snapshots ?? 0) + (report?.abandonedWrites ?? 0);
  }

  private async read(table: TableFolder): Promise<void> {
    const manifest = await table.log.newest();
    for (const file of manifest?.files ?? []) await this.readFile(table, manifest!, file);
  }

  private async readFile(table: TableFolder, { version }: Manifest, { path }: DataFile): Promise<void> {
    const text = await table.disk.read(`${TABLE}/${path}`);
    if (text !== undefined) return assert.ok(text.endsWith(path.split("/").slice(2).join("/")), `${path}: ${text}`);
    const now = await table.log.find(version);
    assert.ok(now !== undefined && !isWhole(now), `${path} of the whole version ${version} is gone`);
  }

  /** Lets the processes take their steps until none can, or the power is cut. */
  private async untilQuiet(steps: number, mayStop = true): Promise<void> {
    for (let step = 0; ; step += 1) {
      await turn();
      if (this.failures.length > 0) throw this.failures[0];
      if (step >= steps && this.running.size > 0) return this.cutPower();
      const ready = this.processes.filter(({ waiting, isStopped }) => waiting.length > 0 && !isStopped);
      const process = ready[this.below(ready.length)];
      if (process === undefined) return;
      if (mayStop && this.random() < 0.002) {
        process.isStopped = true;
        this.counts.stopped += 1;
        continue;
      }
      process.waiting.splice(this.below(process.waiting.length), 1)[0]?.();
    }
  }

  private async cutPower(): Promise<void> {
    this.counts.powerCuts += 1;
    for (const process of this.processes) {
      process.isDead = true;
      process.isStopped = false;
      for (const resolve of process.waiting.splice(0)) resolve();
    }
    while (this.running.size > 0) await turn();
    this.memory.powerCut(this.random);
  }

  private wake(): void {
    for (const process of this.processes) process.isStopped = false;
  }

  private immortal(): TableFolder {
    return new TableFolder(
      steppedDisk(this.memory, () => Promise.resolve()),
      TABLE,
    );
  }

  private async settleAll(): Promise<void> {
    const table = this.immortal();
    for (const commitId of this.attempted.keys()) {
      const settled = await this.settle(table, commitId);
      assert.notEqual(settled.state, "in_doubt", JSON.stringify(settled));
    }
  }

  private async check(): Promise<void> {
    const table = this.immortal();
    // Those that were stopped at their first step wrote after all was settled.
    await this.settleAll();
    for (const { commitId, receipt } of this.attempted.values()) {
      if (receipt !== undefined) assert.equal(this.told.get(commitId), "committed", `${commitId} had a receipt`);
    }
    const newest = await table.log.newest();
    if (newest === null) return assert.equal(this.attempted.size, 0);
    // Who died may not have come to it.
    if (this.counts.killed + this.counts.powerCuts === 0) await this.checkCurrent(table, newest);
    await this.checkLog(table, newest);
    await this.checkSweep(table, newest);
  }

  /** The log has no gap, names each commit once, and its acts in order give what it shows. */
  private async checkLog(table: TableFolder, newest: Manifest): Promise<void> {
    let content: readonly { readonly partition: string; readonly text: string }[] = [];
    const landed = new Set<string>();
    for (let version = 1; version <= newest.version; version += 1) {
      const entry: LogEntry | undefined = await table.log.find(version);
      assert.ok(entry !== undefined, `version ${version} is missing`);
      if (entry.act.kind === "commit") {
        const attempt = this.attempted.get(entry.act.commitId);
        assert.ok(attempt !== undefined && !landed.has(attempt.commitId));
        landed.add(attempt.commitId);
        content = this.applied(content, attempt);
      }
      if (isWhole(entry)) await this.checkFiles(table, entry, content);
    }
    for (const [commitId, state] of this.told) assert.equal(landed.has(commitId), state === "committed", commitId);
  }

  private applied(
    content: readonly { readonly partition: string; readonly text: string }[],
    { commitId, mode, partitions }: Attempted,
  ): readonly { readonly partition: string; readonly text: string }[] {
    const isEmpty = partitions.length === 0;
    const added = this.partitioned
      ? partitions.map((partition) => ({ partition, text: `${commitId} p=${partition}/x.parquet` }))
      : isEmpty
        ? []
        : [{ partition: "", text: `${commitId} data_0.parquet` }];
    if (mode === "append") return [...content, ...added];
    const kept = this.partitioned ? content.filter(({ partition }) => !partitions.includes(partition)) : [];
    return [...kept, ...added];
  }

  private async checkFiles(
    table: TableFolder,
    { version, files, columns }: Manifest,
    content: readonly { readonly text: string }[],
  ): Promise<void> {
    if (columns !== null) assert.ok(files.length > 0, `version ${version} names no file`);
    const texts = await Promise.all(files.map(({ path }) => table.disk.read(`${TABLE}/${path}`)));
    assert.ok(!texts.includes(undefined), `version ${version} names a file that is gone`);
    const full = texts.filter((_, index) => files[index]?.rows !== 0);
    assert.deepEqual(full.toSorted(), content.map(({ text }) => text).toSorted(), `version ${version}`);
  }

  /** With nobody at work, pruning leaves what the newest snapshot needs and nothing else. */
  private async checkSweep(table: TableFolder, newest: Manifest): Promise<void> {
    await pruneTable(table, { keep: 1, abandonedAfterMs: 0 });
    const folders = new Set(newest.files.map(({ path }) => path.split("/")[1]));
    assert.deepEqual(new Set(await table.disk.list(`${TABLE}/data`)), folders);
    const after = await table.log.newest();
    assert.deepEqual(after?.files, newest.files);
    await this.checkFiles(table, after, await this.contentOf(table, newest));
    await this.checkCurrent(table, after);
  }

  private async checkCurrent({ disk, log }: TableFolder, { version, columns }: Manifest): Promise<void> {
    const shown = columns === null ? undefined : await disk.read(log.path(version));
    assert.equal(await disk.read(`${TABLE}/_current.json`), shown, "_current.json does not show the newest version");
  }

  private async contentOf(table: TableFolder, { files }: Manifest): Promise<readonly { readonly text: string }[]> {
    const texts = await Promise.all(files.map(({ path }) => table.disk.read(`${TABLE}/${path}`)));
    return texts.flatMap((text, index) => (files[index]?.rows === 0 ? [] : [{ text: text ?? "" }]));
  }
}

/** What a writer meets whose folder was swept away under it. */
function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
