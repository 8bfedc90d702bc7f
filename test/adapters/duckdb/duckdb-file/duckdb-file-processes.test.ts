import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { duckdb } from "../../../../src/adapters/duckdb/entry.js";
import { FileLock } from "../../../../src/adapters/file-lock/file-lock.js";
import { sampleRows, write } from "../../../../src/testing/destination/destination-fixture.js";
import { seededRandom } from "../../../crash/seeded-random.js";
import { bundledProcess } from "../../../support/bundled-process.js";
import { duckdbFile, sqlInDuckDBFile } from "../../../support/duckdb-file.js";
import type { WriterPlan, WriterReport } from "./file-writer-child.js";

const NEVER_ABORTED = new AbortController().signal;
const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1_000_000);
const KILLS = 5;

const writer = await bundledProcess(new URL("./file-writer-child.ts", import.meta.url));
afterAll(() => writer[Symbol.asyncDispose]());

let folder = "";
let path = "";
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-"));
  path = join(folder, "out.duckdb");
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await rm(folder, { recursive: true });
});

interface Writer {
  readonly child: ChildProcess;
  readonly reports: WriterReport[];
  /** Resolves with the first report that has this key. */
  first(key: string): Promise<void>;
  readonly ended: Promise<void>;
}

function startWriter(plan: Partial<WriterPlan>): Writer {
  const child = writer.start({ folder, name: "w", commits: 1, rows: 10, lockWaitMs: 20_000, ...plan });
  children.push(child);
  const reports: WriterReport[] = [];
  child.on("message", (report) => reports.push(report as WriterReport));
  return {
    child,
    reports,
    first: async (key) => {
      while (!reports.some((report) => key in report)) await once(child, "message");
    },
    ended: new Promise((resolve) => child.once("exit", () => resolve())),
  };
}

function commitsOf(reports: readonly WriterReport[], key: "begun" | "landed" | "failed"): readonly string[] {
  return reports.flatMap((report) => (key in report ? [String(Reflect.get(report, key))] : []));
}

async function counts(): Promise<ReadonlyMap<string, number>> {
  const there = await sqlInDuckDBFile(path, "from duckdb_tables() where table_name = 't'");
  if (there.length === 0) return new Map();
  const rows = await sqlInDuckDBFile(path, "select tag, count(*)::int as n from t group by tag");
  return new Map(rows.map(({ tag, n }) => [String(tag as string), Number(n)]));
}

describe("a file that another process holds", () => {
  it("is waited for, and then unavailable, with its name and holder; and free again when that process dies", async () => {
    const holder = startWriter({ commits: 0 });
    await holder.first("held");
    await using file = await duckdbFile({ folder, lockWaitMs: 100 });
    const refusal = {
      code: "connection_unavailable",
      retryable: true,
      message: expect.stringMatching(/out\.duckdb" was held by .* for 100 ms/) as string,
      hint: expect.stringContaining("lockWaitMs") as string,
    };
    await expect(file.destination("t").schema(NEVER_ABORTED)).rejects.toMatchObject(refusal);
    await expect(file.load("t", "select 1 as id", { createIfMissing: true })).rejects.toMatchObject(refusal);
    await expect(file.connection.check(NEVER_ABORTED)).rejects.toMatchObject(refusal);
    expect(await file.destination("t").settleCommit("a", NEVER_ABORTED)).toEqual({
      state: "in_doubt",
      reason: expect.stringContaining("another process holds the file") as string,
    });
    const reader = duckdb(path, { lockWaitMs: 100 });
    await expect(reader.check(NEVER_ABORTED)).rejects.toMatchObject(refusal);
    await reader.close();
    const waiting = new AbortController();
    const reason = new Error("cancelled");
    const schema = file.destination("t").schema(waiting.signal);
    waiting.abort(reason);
    await expect(schema).rejects.toBe(reason);

    holder.child.kill("SIGKILL");
    await holder.ended;
    await file.load("t", "select 1 as id", { createIfMissing: true });
    expect(await file.destination("t").settleCommit("a", NEVER_ABORTED)).toEqual({ state: "never" });
  });

  it("is waited for, and written when it is free", async () => {
    const holder = startWriter({ commits: 0 });
    await holder.first("held");
    await using file = await duckdbFile({ folder, lockWaitMs: 20_000 });
    const loading = file.load("t", "select 1 as id", { createIfMissing: true });
    const early = await Promise.race([loading, new Promise((resolve) => setImmediate(() => resolve("still waiting")))]);
    expect(early).toBe("still waiting");
    holder.child.kill("SIGKILL");
    expect((await loading).rowsWritten).toBe(1);
  });

  it("is not taken from a process by looking at it: a check keeps DuckDB's lock", async () => {
    await using file = await duckdbFile({ folder, sql: "create table t (id bigint, label varchar)" });
    const look = async () => {
      await file.connection.check(NEVER_ABORTED);
      await file.destination("t").schema(NEVER_ABORTED);
      const other = startWriter({ lockWaitMs: 0 });
      await other.ended;
      expect(commitsOf(other.reports, "failed")).toEqual(["w-0"]);
    };
    await write(file.destination("t"), { commitId: "a", steps: [sampleRows(1, 2)], atPermit: look });
  });

  it("by a program that knows nothing of our lock is waited for, too", async () => {
    await sqlInDuckDBFile(path, "create table t (id bigint, label varchar)");
    await using file = await duckdbFile({ folder, lockWaitMs: 100 });
    const instance = await DuckDBInstance.fromCache(":memory:");
    const other = await instance.connect();
    await other.run(`attach '${path}' as other (type duckdb)`);
    await expect(file.load("t", "select 1::bigint as id")).rejects.toMatchObject({
      code: "connection_unavailable",
      retryable: true,
    });
    await other.run("detach other");
    await file.load("t", "select 1::bigint as id");
    other.disconnectSync();
    instance.closeSync();
  });

  it("is locked beside the file while it is attached, which also another thread of this process sees", async () => {
    await using file = await duckdbFile({ folder });
    const lock = () => FileLock.acquire(`${path}.lock`, { signal: NEVER_ABORTED, waitMs: 0 });
    const atPermit = async () => expect(await lock()).toBeUndefined();
    await file.load("t", "select 1 as id", { createIfMissing: true, atPermit });
    const free = await lock();
    expect(free).toBeDefined();
    // A DuckDB that another thread loaded has a list of open files of its own: only our lock stands between the two.
    const code = `const { parentPort } = require("node:worker_threads");
      const Database = require("better-sqlite3");
      const database = new Database(${JSON.stringify(`${path}.lock`)}, { timeout: 0 });
      try { database.exec("begin exclusive"); parentPort.postMessage("taken"); } catch (error) { parentPort.postMessage(error.code); }`;
    const worker = new Worker(code, { eval: true });
    expect(await once(worker, "message")).toEqual(["SQLITE_BUSY"]);
    free?.release();
    await worker.terminate();
    expect((await readFile(`${path}.lock`)).length).toBe(0);
  });
});

describe("two processes that write one file", () => {
  it("take turns: every commit lands whole and once, whoever makes the table", async () => {
    const writers = ["a", "b"].map((name) => startWriter({ name, commits: 8, rows: 20_000 }));
    await Promise.all(writers.map(({ ended }) => ended));
    for (const { reports } of writers) expect(commitsOf(reports, "failed")).toEqual([]);
    const landed = writers.flatMap(({ reports }) => commitsOf(reports, "landed"));
    expect(landed).toHaveLength(16);
    expect(await counts()).toEqual(new Map(landed.map((tag) => [tag, 20_000])));
  }, 60_000);
});

describe(`a process killed while it writes (MILLRACE_SEED=${SEED})`, () => {
  it("leaves each commit whole or absent, and settled as what it is", async () => {
    const random = seededRandom(SEED);
    let outcomes = "";
    for (let kill = 0; kill < KILLS; kill += 1) {
      const rows = Math.floor(random() * 300_000);
      const { child, reports, first, ended } = startWriter({ name: `k${kill}`, commits: 1_000, rows });
      await first("begun");
      setTimeout(() => child.kill("SIGKILL"), random() * 400);
      await ended;
      await using file = await duckdbFile({ folder });
      const landed = commitsOf(reports, "landed");
      const last = commitsOf(reports, "begun").at(-1) ?? "";
      const states = new Map<string, string>();
      if (existsSync(path)) {
        for (const commitId of [...landed, last]) {
          states.set(commitId, (await file.destination("t").settleCommit(commitId, NEVER_ABORTED)).state);
        }
      }
      for (const commitId of landed) expect(states.get(commitId)).toBe("committed");
      outcomes += states.get(last)?.[0] ?? "-";
      const committed = [...states].flatMap(([commitId, state]) => (state === "committed" ? [commitId] : []));
      const found = existsSync(path) ? await counts() : new Map<string, number>();
      for (const tag of found.keys()) if (!tag.startsWith(`k${kill}-`)) (found as Map<string, number>).delete(tag);
      expect(found).toEqual(new Map(committed.map((tag) => [tag, rows])));
    }
    console.log(`outcomes of the last commits (committed, never): ${outcomes}`);
  }, 120_000);
});
