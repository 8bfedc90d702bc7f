import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, describe, expect, it } from "vitest";
import { sqlite } from "../../../src/adapters/sqlite/sqlite-connection.js";
import { sampleRows, write } from "../../../src/testing/destination/destination-fixture.js";
import { seededRandom } from "../../crash/seeded-random.js";
import { bundledProcess } from "../../support/bundled-process.js";
import { sqliteFile } from "../../support/sqlite-file.js";

const NEVER_ABORTED = new AbortController().signal;
const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1_000_000);
const KILLS = 5;
const ROWS = 20_000;

const bundle = await bundledProcess(new URL("./sqlite-writer-child.ts", import.meta.url));
afterAll(() => bundle[Symbol.asyncDispose]());

interface Report {
  readonly begun: string[];
  readonly landed: string[];
  readonly failures: { readonly code: string; readonly message: string }[];
}

function startWriter(
  path: string,
  rows: number,
  options: { readonly uid?: number } = {},
): { child: ChildProcess; report: Report; ended: Promise<void> } {
  const child = fork(bundle.path, [path, String(rows)], { execArgv: [], ...options });
  const report: Report = { begun: [], landed: [], failures: [] };
  child.on(
    "message",
    (message: { begun?: string; landed?: string; failed?: string; code: string; message: string }) => {
      if (message.begun !== undefined) report.begun.push(message.begun);
      if (message.landed !== undefined) report.landed.push(message.landed);
      if (message.failed !== undefined) report.failures.push(message);
    },
  );
  return { child, report, ended: new Promise((resolve) => child.once("exit", () => resolve())) };
}

describe(`a process killed while it writes (MILLRACE_SEED=${SEED})`, () => {
  for (const mode of ["delete", "wal"]) {
    it(`leaves each commit whole or absent, and settled as what it is, in journal mode ${mode}`, async () => {
      await using file = await sqliteFile();
      file.open().pragma(`journal_mode = ${mode}`);
      const random = seededRandom(SEED);
      let outcomes = "";
      for (let kill = 0; kill < KILLS; kill++) {
        const { child, report, ended } = startWriter(file.path, ROWS);
        await new Promise<void>((resolve) => child.once("message", () => resolve()));
        setTimeout(() => child.kill("SIGKILL"), random() * 400);
        await ended;
        const last = report.begun.at(-1) ?? "";
        const settled = await file.destination("t").settleCommit(last, NEVER_ABORTED);
        outcomes += settled.state[0];
        if (report.landed.includes(last)) expect(settled.state).toBe("committed");
        const landed = report.begun.length - (settled.state === "committed" ? 0 : 1);
        const database = file.open();
        const made = database.prepare("select 1 from sqlite_schema where name = 't'").get();
        expect(
          made ? database.prepare("select count(*) n, count(distinct id) d from t").get() : { n: 0n, d: 0n },
        ).toEqual({
          n: BigInt(landed * ROWS),
          d: BigInt(landed * ROWS),
        });
        expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
        database.exec("drop table if exists t; drop table if exists _millrace_commits");
        database.close();
      }
      console.log(`${mode}: outcomes of the last commits (committed, never): ${outcomes}`);
    }, 60_000);
  }
});

describe("a disk that is full", () => {
  // A limit on the size of a file stands for it where nothing may be mounted: the write fails with another code.
  it("fails the write, leaves nothing and can be written again: by a limit on the file's size", async () => {
    await using file = await sqliteFile("create table t (id integer, label text)");
    const command = `ulimit -f 512; exec "${process.execPath}" "${bundle.path}" "${file.path}" 50000`;
    spawnSync("bash", ["-c", command], { encoding: "utf8" });
    const count = file.open().prepare("select count(*) n from t").get() as { n: bigint };
    expect(count.n % 50_000n).toBe(0n);
    expect(file.open().pragma("integrity_check", { simple: true })).toBe("ok");
    await write(file.destination("t"), { commitId: "again", steps: [sampleRows(1, 10)] });
    expect(file.open().prepare("select count(*) n from t").get()).toEqual({ n: count.n + 10n });
  }, 30_000);

  const mounted = join(tmpdir(), `millrace-full-${process.pid}`);
  const mayMount = process.getuid?.() === 0 && process.platform === "linux";
  it.runIf(mayMount)("fails the write with SQLITE_FULL: by a small file system", async ({ skip }) => {
    await mkdir(mounted);
    const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", mounted]);
    if (mount.status !== 0) {
      await rm(mounted, { recursive: true });
      return skip("this machine does not let root mount");
    }
    try {
      const connection = sqlite(join(mounted, "out.db"), { access: "read_write" });
      const destination = connection.destination!("t")!;
      await write(destination, { commitId: "small", steps: [sampleRows(1, 10)], createIfMissing: true });
      const steps = [sampleRows(1, 100_000), sampleRows(1, 100_000)];
      await expect(write(destination, { commitId: "big", steps })).rejects.toMatchObject({
        code: "destination_failed",
        message: expect.stringContaining("SQLITE_FULL") as string,
        hint: expect.stringContaining("disk space") as string,
        retryable: true,
      });
      await write(destination, { commitId: "after", steps: [sampleRows(1, 10)] });
      const database = new Database(join(mounted, "out.db"));
      expect(database.prepare("select count(*) n from t").get()).toEqual({ n: 20 });
      database.close();
      expect(await destination.settleCommit("big", NEVER_ABORTED)).toEqual({ state: "never" });
      await connection.close();
    } finally {
      spawnSync("umount", [mounted]);
      await rm(mounted, { recursive: true });
    }
  });
});

describe("a file that is not a healthy SQLite file", () => {
  it("is refused by name, and left as it is", async () => {
    await using file = await sqliteFile();
    await writeFile(file.path, "this is not a database, but it is long enough to be looked at".repeat(50));
    const before = await readFile(file.path);
    const refusal = {
      code: "connection_unavailable",
      message: expect.stringContaining(`"${file.path}": file is not a database`) as string,
      retryable: false,
    };
    await expect(file.connection.check(NEVER_ABORTED)).rejects.toMatchObject(refusal);
    await expect(file.destination("t").schema(NEVER_ABORTED)).rejects.toMatchObject(refusal);
    await expect(write(file.destination("t"), { commitId: "a", createIfMissing: true })).rejects.toMatchObject(refusal);
    expect(await file.destination("t").settleCommit("a", NEVER_ABORTED)).toMatchObject({ state: "in_doubt" });
    expect(await readFile(file.path)).toEqual(before);
  });

  it("damaged in the middle, is refused when the damage is met, and nothing is committed", async () => {
    await using file = await sqliteFile("create table t (id integer, label text); create index i on t (label)");
    await write(file.destination("t"), { commitId: "a", steps: [sampleRows(1, 5_000)] });
    const handle = await open(file.path, "r+");
    await handle.write(Buffer.alloc(40_000, 0xaa), 0, 40_000, 8_192);
    await handle.close();
    await expect(write(file.destination("t"), { commitId: "b", steps: [sampleRows(1, 5_000)] })).rejects.toMatchObject({
      message: expect.stringMatching(/SQLITE_CORRUPT|SQLITE_NOTADB/) as string,
    });
  });

  it("cut off after a commit is not taken for one in which the commit never was", async () => {
    await using file = await sqliteFile("create table t (id integer, label text)");
    await write(file.destination("t"), { commitId: "a", steps: [sampleRows(1, 5_000)] });
    await truncate(file.path, 10_000);
    expect((await file.destination("t").settleCommit("a", NEVER_ABORTED)).state).not.toBe("never");
  });
});

describe("a file that cannot be written or is gone", () => {
  it("in a folder that is not there is refused, and the folder is not made", async () => {
    await using file = await sqliteFile();
    const connection = sqlite(join(file.folder, "no", "such", "out.db"), { access: "read_write" });
    const refusal = { code: "connection_unavailable", hint: expect.stringContaining("folder") as string };
    await expect(connection.destination!("t")!.schema(NEVER_ABORTED)).rejects.toMatchObject(refusal);
    await expect(write(connection.destination!("t")!, { commitId: "a", createIfMissing: true })).rejects.toMatchObject(
      refusal,
    );
    await connection.close();
  });

  it("is not made by a look at its schema, nor by one who may only read", async () => {
    await using file = await sqliteFile();
    expect(await file.destination("t").schema(NEVER_ABORTED)).toBeNull();
    await file.connection.check(NEVER_ABORTED);
    const reader = sqlite(file.path);
    await expect(reader.check(NEVER_ABORTED)).rejects.toMatchObject({ code: "connection_unavailable" });
    await expect(readFile(file.path)).rejects.toThrow("ENOENT");
    await reader.close();
  });

  it("leaves its commits in doubt when it is gone: it may be a disk that is not mounted", async () => {
    await using file = await sqliteFile("create table t (id integer, label text)");
    await write(file.destination("t"), { commitId: "a", steps: [sampleRows(1, 1)] });
    await rm(file.path);
    expect(await file.destination("t").settleCommit("a", NEVER_ABORTED)).toEqual({
      state: "in_doubt",
      reason: expect.stringContaining(file.path) as string,
    });
  });

  // Root may write everything, so the child is nobody; nobody must be able to read the sources.
  const nobody = process.getuid?.() === 0 ? { uid: 65_534 } : {};
  const look = ["-e", `require("node:fs").readFileSync(${JSON.stringify(bundle.path)})`];
  const childMayRun = spawnSync(process.execPath, look, nobody).status === 0;
  it.runIf(childMayRun)("that this user may only read is refused with what to do", async () => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-"));
    try {
      const path = join(folder, "out.db");
      new Database(path).exec("create table t (id integer, label text)").close();
      await chmod(path, 0o444);
      await chmod(folder, 0o555);
      const { report, ended } = startWriter(path, 10, nobody);
      await ended;
      expect(report.failures).toEqual([
        expect.objectContaining({ code: "destination_failed", message: expect.stringContaining("readonly") as string }),
      ]);
    } finally {
      await chmod(folder, 0o755);
      await rm(folder, { recursive: true });
    }
  });
});
