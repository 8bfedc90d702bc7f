import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import Database from "better-sqlite3";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { inlineWorkerForEsbuild } from "../../../build/inline-worker.js";
import { SqliteJobStore } from "../../../src/adapters/sqlite/sqlite-job-store.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";
import { claim, create, ledgerFile, newRun } from "./store-fixture.js";
import { STORE_CHILD, storeProcess } from "./store-process.js";

const clock = new ManualClock();

function opening(path: string): Promise<void> {
  return new SqliteJobStore({ path }).open({ clock });
}

/** The files in this folder that this process holds open; none where the system cannot tell. */
function openFiles(folder: string): readonly string[] {
  if (!existsSync("/proc/self/fd")) return [];
  const targets = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(join("/proc/self/fd", fd));
    } catch {
      return "";
    }
  });
  return targets.filter((target) => target.startsWith(folder));
}

describe("opening a SqliteJobStore", () => {
  it("makes the file and its folders, and nothing else that stays", async () => {
    await using ledger = await ledgerFile();
    const path = join(ledger.folder, "a/b/c.db");
    const store = new SqliteJobStore({ path: relative(process.cwd(), path) });
    expect(readdirSync(ledger.folder)).toEqual([]);
    await store.open({ clock });
    await create(store, newRun("a"));
    await store.close();
    expect(readdirSync(dirname(path))).toEqual(["c.db"]);
    expect(openFiles(ledger.folder)).toEqual([]);
  });

  it("takes an empty file for a new ledger", async () => {
    await using ledger = await ledgerFile();
    writeFileSync(ledger.path, "");
    const store = await ledger.store();
    expect((await create(store, newRun("a"))).created).toBe(true);
  });

  it("finds the same ledger through a link, and names its real path", async () => {
    await using ledger = await ledgerFile();
    const link = join(ledger.folder, "link.db");
    symlinkSync(ledger.path, link);
    const store = new SqliteJobStore({ path: link });
    expect(store.capabilities).toEqual({ shared: true, durable: true, resource: `file:${link}` });
    await store.open({ clock });
    const other = await ledger.store();
    expect(store.capabilities.resource).toBe(`file:${ledger.path}`);
    expect(other.capabilities.resource).toBe(`file:${ledger.path}`);
    expect(readdirSync(`${ledger.path}.millrace_owners`)).toHaveLength(2);
    await store.close();
  });

  it("keeps its promises of durability to itself in memory", () => {
    expect(new SqliteJobStore({ path: ":memory:" }).capabilities).toEqual({ shared: false, durable: false });
  });

  it("loads neither driver nor Kysely before", async () => {
    const { outputFiles, metafile } = await build({
      entryPoints: ["src/adapters/sqlite/sqlite-job-store.ts"],
      ...({
        bundle: true,
        write: false,
        metafile: true,
        format: "esm",
        packages: "external",
        platform: "node",
      } as const),
      plugins: [inlineWorkerForEsbuild()],
    });
    expect(outputFiles).toHaveLength(1);
    const [{ imports } = { imports: [] }] = Object.values(metafile.outputs);
    const loaded = (kind: string): string[] =>
      imports.filter((one) => one.kind === kind && !one.path.startsWith("node:")).map(({ path }) => path);
    expect(loaded("import-statement")).toEqual([]);
    expect(loaded("dynamic-import")).toEqual(["better-sqlite3", "kysely"]);
  });

  it.each(["", " ", "ledger.db "])("refuses %j as a path", (path) => {
    expect(() => new SqliteJobStore({ path })).toThrow(
      expect.objectContaining({ code: "invalid_definition", field: "path" }),
    );
  });
});

describe("a file that is no ledger is left alone", () => {
  const foreign: Readonly<Record<string, (path: string) => void>> = {
    "a text": (path) => writeFileSync(path, "name,delay\nSFO,12\n"),
    "a long text": (path) => writeFileSync(path, "name,delay\nSFO,12\n".repeat(10_000)),
    "a database of something else": (path) => new Database(path).exec("create table runs (id integer)").close(),
    "a database in WAL mode": (path) => {
      const database = new Database(path);
      database.pragma("journal_mode = wal");
      database.exec("create table users (id integer)").close();
    },
    "a ledger of a newer version": (path) => {
      const database = new Database(path);
      database.exec("create table millrace_migrations (version integer, name text, oldest_reader integer)");
      database.exec("insert into millrace_migrations values (1, 'a', 1), (7, 'b', 5)").close();
    },
    "a database with a table of the ledger's name": (path) =>
      new Database(path).exec("create table millrace_migrations (id integer)").close(),
  };

  it.each(Object.keys(foreign))("%s", async (what) => {
    await using ledger = await ledgerFile();
    foreign[what]?.(ledger.path);
    const before = readFileSync(ledger.path);
    const newer = what.includes("newer");
    await expect(opening(ledger.path)).rejects.toMatchObject({
      code: "store_incompatible",
      retryable: false,
      message: expect.stringMatching(
        newer ? /version 7, which needs .* version 5; this one knows versions up to 2\./ : /ledger\.db (is|holds) /,
      ) as string,
    });
    expect(readFileSync(ledger.path)).toEqual(before);
    expect(readdirSync(ledger.folder)).toEqual(["ledger.db"]);
    expect(openFiles(ledger.folder)).toEqual([]);
  });
});

describe("a place where no ledger can be", () => {
  const store_unavailable = { code: "store_unavailable", retryable: true };

  it("below a file", async () => {
    await using ledger = await ledgerFile();
    writeFileSync(join(ledger.folder, "file"), "");
    const hint = expect.stringContaining("A part of the path is a file") as string;
    await expect(opening(join(ledger.folder, "file/ledger.db"))).rejects.toMatchObject({ ...store_unavailable, hint });
    await expect(opening(join(ledger.folder, "file/a/ledger.db"))).rejects.toMatchObject({
      ...store_unavailable,
      hint,
    });
  });

  it("a folder", async () => {
    await using ledger = await ledgerFile();
    mkdirSync(ledger.path);
    const hint = expect.stringContaining("must be a file") as string;
    await expect(opening(ledger.path)).rejects.toMatchObject({ ...store_unavailable, hint });
  });

  it("a device", async () => {
    await expect(opening("/dev/full")).rejects.toMatchObject({ code: "store_unavailable" });
  });

  it("a system folder that takes no files", async () => {
    await expect(opening("/proc/self/ledger.db")).rejects.toMatchObject(store_unavailable);
    await expect(opening("/proc/millrace/ledger.db")).rejects.toMatchObject(store_unavailable);
  });

  // Root may write everything, so the child is nobody; nobody must be able to read the sources.
  const nobody = process.getuid?.() === 0 ? { uid: 65_534 } : {};
  const look = ["-e", `require("node:fs").readFileSync(${JSON.stringify(STORE_CHILD)})`];
  const childMayRun = spawnSync(process.execPath, look, nobody).status === 0;
  it.runIf(childMayRun)(
    "a folder or a file that this user may only read",
    async () => {
      await using ledger = await ledgerFile();
      chmodSync(ledger.folder, 0o555);
      for (const path of [ledger.path, join(ledger.folder, "a/ledger.db")]) {
        await using other = storeProcess(path, "open", nobody);
        expect(await other.heard("failed")).toMatchObject({ failed: "store_unavailable" });
      }
      chmodSync(ledger.folder, 0o755);
      await (await ledger.store()).close();
      chmodSync(ledger.folder, 0o555);
      chmodSync(ledger.path, 0o444);
      await using other = storeProcess(ledger.path, "open", nobody);
      expect(await other.heard("failed")).toMatchObject({
        failed: "store_unavailable",
        hint: expect.stringContaining("may not be written") as string,
      });
      chmodSync(ledger.folder, 0o755);
      expect(readdirSync(ledger.folder)).toEqual(["ledger.db"]);
    },
    30_000,
  );
});

describe("a disk that is full", () => {
  const mounted = join(tmpdir(), `millrace-ledger-full-${process.pid}`);
  const mayMount = process.getuid?.() === 0 && process.platform === "linux";
  it.runIf(mayMount)("refuses the act whole, and takes acts again when there is room", async ({ skip }) => {
    mkdirSync(mounted);
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", mounted]).status !== 0) {
      rmSync(mounted, { recursive: true });
      return skip("this machine does not let root mount");
    }
    try {
      const store = new SqliteJobStore({ path: join(mounted, "ledger.db") });
      await store.open({ clock });
      await create(store, newRun("before"));
      const big = Array.from({ length: 20 }, (_, n) =>
        newRun(`big-${n}`, { parameters: { text: "x".repeat(200_000) } }),
      );
      const answers = await Promise.allSettled(big.map((run) => create(store, run)));
      const refused = answers.filter((answer) => answer.status === "rejected").map(({ reason }) => reason as unknown);
      expect(refused.length).toBeGreaterThan(0);
      for (const reason of refused) {
        expect(reason).toMatchObject({
          code: "store_unavailable",
          retryable: true,
          hint: expect.stringContaining("disk is full") as string,
        });
      }
      const created = 1 + answers.length - refused.length;
      expect((await store.listRuns({})).runs).toHaveLength(created);
      expect(spawnSync("mount", ["-o", "remount,size=20m", mounted]).status).toBe(0);
      await create(store, newRun("after"));
      expect((await store.listRuns({})).runs).toHaveLength(created + 1);
      expect(await claim(store, 1)).toHaveLength(1);
      await store.close();
    } finally {
      spawnSync("umount", [mounted]);
      rmSync(mounted, { recursive: true });
    }
  });
});

describe("a ledger that is damaged", () => {
  it("says so, and names what can be done", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store();
    for (let n = 0; n < 50; n += 1)
      await create(store, newRun(`run-${n}`, { parameters: { text: "x".repeat(2_000) } }));
    await store.close();
    const bytes = readFileSync(ledger.path);
    writeFileSync(ledger.path, bytes.fill(0xa5, 4_096 * 3));
    const damaged = { code: "store_unavailable", hint: expect.stringContaining("restore a backup") as string };
    const again = new SqliteJobStore({ path: ledger.path });
    const asked = again.open({ clock }).then(() => again.listRuns({ limit: 1_000 }));
    await expect(asked).rejects.toMatchObject(damaged);
    await again.close();
  });

  it("that was cut off is not taken for a new one", async () => {
    await using ledger = await ledgerFile();
    await (await ledger.store()).close();
    truncateSync(ledger.path, 5_000);
    await expect(opening(ledger.path)).rejects.toMatchObject({ code: expect.stringMatching(/^store_/) as string });
  });
});
