import { spawnSync } from "node:child_process";
import { appendFile, cp, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parquetDataset, type ParquetDataset } from "../../../../src/adapters/duckdb/entry.js";
import { sampleRows, write } from "../../../../src/testing/destination/destination-fixture.js";
import { seededRandom } from "../../../crash/seeded-random.js";
import { bundledProcess } from "../../../support/bundled-process.js";
import { NEVER_ABORTED } from "../engine-session.js";
import { type Lake, withLake } from "./lake.js";

const SEED = Number(process.env["MILLRACE_SEED"] ?? 1);

function version({ folder }: Lake, number: number): string {
  return join(folder, "t", "_log", `${String(number).padStart(20, "0")}.json`);
}

async function three({ load }: Lake): Promise<void> {
  for (const n of [1, 2, 3]) await load("t", `select ${n} as n`, { commitId: `${n}` });
}

/** The same folder as another process sees it. */
async function asAnother<T>({ folder }: Lake, act: (other: ParquetDataset) => Promise<T>): Promise<T> {
  const other = parquetDataset(folder);
  try {
    return await act(other);
  } finally {
    await other.close();
  }
}

describe("a log that is not as it was left", () => {
  it("of a newer format is refused by name, and nothing is concluded from it", () =>
    withLake({}, async (lake) => {
      await three(lake);
      const text = await readFile(version(lake, 3), "utf8");
      await writeFile(version(lake, 3), text.replace('"format":1', '"format":2'));
      const refusal = {
        code: "connection_unavailable",
        retryable: false,
        message: expect.stringMatching(/format 2.*up to 1/) as string,
      };
      await expect(lake.destination("t").schema(NEVER_ABORTED)).rejects.toMatchObject(refusal);
      await expect(lake.load("t", "select 4 as n")).rejects.toMatchObject(refusal);
      await expect(lake.rows("from lake.t")).rejects.toMatchObject(refusal);
      await expect(lake.connection.snapshots("t")).rejects.toMatchObject(refusal);
      await expect(lake.connection.prune("t", { keep: 1 })).rejects.toMatchObject(refusal);
      expect(await lake.destination("t").settleCommit("4", NEVER_ABORTED)).toMatchObject({ state: "in_doubt" });
      expect(await lake.rows('from lake."t@2" order by n')).toEqual([{ n: 1 }, { n: 2 }]);
      expect(await readdir(join(lake.folder, "t", "_log"))).toHaveLength(3);
    }));

  it.each([
    ["empty", (path: string) => truncate(path)],
    ["cut", (path: string) => truncate(path, 100)],
    ["no JSON", (path: string) => writeFile(path, "hello")],
    ["another version's", (path: string) => cp(path.replace("03.json", "01.json"), path)],
    ["an array", (path: string) => writeFile(path, "[]")],
    ["without its files", (path: string) => writeFile(path, '{"format":1,"version":3,"files":[]}')],
    ["a folder", async (path: string) => (await rm(path), await mkdir(path))],
  ])("is refused where a manifest is %s", (_, damage) =>
    withLake({}, async (lake) => {
      await three(lake);
      await damage(version(lake, 3));
      const refusal = { code: "connection_unavailable" };
      await expect(lake.rows("from lake.t")).rejects.toMatchObject(refusal);
      await expect(lake.load("t", "select 4 as n")).rejects.toMatchObject({
        code: expect.stringMatching(/unavailable|failed/) as string,
      });
      expect(await lake.destination("t").settleCommit("4", NEVER_ABORTED)).toMatchObject({ state: "in_doubt" });
      expect(await lake.rows('from lake."t@2" order by n')).toEqual([{ n: 1 }, { n: 2 }]);
    }),
  );

  it("is refused where a manifest names a file outside of its table", () =>
    withLake({}, async (lake) => {
      await three(lake);
      const text = await readFile(version(lake, 3), "utf8");
      for (const path of ["data/../../secret.parquet", "/etc/passwd", "../x", ""]) {
        await writeFile(version(lake, 3), text.replace(/"path":"[^"]*"/, `"path":"${path}"`));
        await expect(lake.rows("from lake.t")).rejects.toMatchObject({
          message: expect.stringContaining("not a manifest") as string,
        });
      }
    }));

  it("is refused where a version was deleted by hand", () =>
    withLake({}, async (lake) => {
      await three(lake);
      await rm(version(lake, 2));
      await asAnother(lake, async (other) => {
        const destination = other.destination!("t")!;
        await expect(destination.schema(NEVER_ABORTED)).rejects.toMatchObject({
          message: expect.stringContaining("has a gap") as string,
        });
        expect(await destination.settleCommit("2", NEVER_ABORTED)).toMatchObject({ state: "in_doubt" });
      });
    }));

  it("does without _current.json, which the next write mends", () =>
    withLake({}, async (lake) => {
      await three(lake);
      const current = join(lake.folder, "t", "_current.json");
      await rm(current);
      expect(await lake.rows("select count(*)::int as n from lake.t")).toEqual([{ n: 3 }]);
      await lake.destination("t").settleCommit("x", NEVER_ABORTED);
      expect(await readFile(current, "utf8")).toBe(await readFile(version(lake, 4), "utf8"));
    }));

  it("is followed also when another took it back in time and went on", () =>
    withLake({}, async (lake) => {
      await three(lake);
      const table = join(lake.folder, "t");
      await rename(table, `${table}-away`);
      expect(await lake.destination("t").schema(NEVER_ABORTED)).toBeNull();
      await lake.load("t", "select 'text' as other");
      expect(await lake.rows("from lake.t")).toEqual([{ other: "text" }]);
    }));
});

describe("what does not belong there", () => {
  it("is neither read nor swept", () =>
    withLake({}, async (lake) => {
      await three(lake);
      const table = join(lake.folder, "t");
      const strangers = [
        "_log/notes.txt",
        "_log/99.json",
        "_log/.00000000000000000009.json",
        "data/notes.txt",
        "data/mine/x.parquet",
        "README",
      ];
      await mkdir(join(table, "data", "mine"));
      for (const name of strangers) await writeFile(join(table, name), "hello");
      await writeFile(join(lake.folder, "notes"), "hello");
      await lake.load("t", "select 4 as n", { mode: "overwrite" });
      await lake.connection.prune("t", { keep: 1, abandonedAfterMs: 0 });
      await asAnother(lake, async (other) => expect(await other.snapshots("t")).toHaveLength(1));
      expect(await lake.rows("from lake.t")).toEqual([{ n: 4 }]);
      for (const name of strangers) expect(await readFile(join(table, name), "utf8")).toBe("hello");
    }));
});

describe("a folder that is deleted on the way", () => {
  it("fails the write, which is then settled as never: the dataset is there, and the commit is not", () =>
    withLake({}, async (lake) => {
      await three(lake);
      const atPermit = () => rm(join(lake.folder, "t"), { recursive: true });
      await expect(lake.load("t", "select 4 as n", { commitId: "4", atPermit })).rejects.toMatchObject({
        code: "destination_failed",
        message: expect.stringContaining("ENOENT") as string,
      });
      expect(await lake.destination("t").settleCommit("4", NEVER_ABORTED)).toEqual({ state: "never" });
      await expect(lake.rows("from lake.t")).rejects.toMatchObject({
        message: expect.stringContaining("no table") as string,
      });
      await lake.load("t", "select 5 as n");
      expect(await lake.rows("from lake.t")).toEqual([{ n: 5 }]);
    }));

  it("leaves commits in doubt where the whole dataset is gone: it may be a disk that is not mounted", () =>
    withLake({}, async (lake) => {
      await three(lake);
      await rename(lake.folder, `${lake.folder}-away`);
      const doubt = { state: "in_doubt", reason: expect.stringContaining("mounted") as string };
      expect(await lake.destination("t").settleCommit("3", NEVER_ABORTED)).toEqual(doubt);
      // An empty mount point is no dataset either, and nothing is made in it.
      await mkdir(lake.folder);
      expect(await lake.destination("t").settleCommit("3", NEVER_ABORTED)).toEqual(doubt);
      expect(await readdir(lake.folder)).toEqual([]);
      await rm(lake.folder, { recursive: true });
      await rename(`${lake.folder}-away`, lake.folder);
      expect(await lake.destination("t").settleCommit("3", NEVER_ABORTED)).toMatchObject({ state: "committed" });
    }));

  it("makes a query fail by name when a data file is gone", () =>
    withLake({}, async (lake) => {
      await three(lake);
      const [folder = ""] = await readdir(join(lake.folder, "t", "data"));
      await rm(join(lake.folder, "t", "data", folder), { recursive: true });
      await expect(lake.rows("select sum(n) from lake.t")).rejects.toMatchObject({
        message: expect.stringContaining(folder) as string,
      });
    }));

  it("is refused where the folder above is not there, and nothing is made", () =>
    withLake({}, async (lake) => {
      const nowhere = parquetDataset(join(lake.folder, "a", "b"));
      const refused = write(nowhere.destination!("t")!, { commitId: "a", createIfMissing: true });
      await expect(refused).rejects.toMatchObject({
        code: "destination_failed",
        message: expect.stringContaining("ENOENT") as string,
      });
      await expect(nowhere.check(NEVER_ABORTED)).rejects.toMatchObject({ code: "connection_unavailable" });
      await nowhere.close();
    }));
});

describe("a disk that is full", () => {
  const mounted = join(tmpdir(), `millrace-full-lake-${process.pid}`);
  const mayMount = process.getuid?.() === 0 && process.platform === "linux";
  it.runIf(mayMount)(
    "fails the write, leaves nothing, and can be written again",
    async ({ skip }) => {
      await mkdir(mounted);
      if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", mounted]).status !== 0) {
        await rm(mounted, { recursive: true });
        return skip("this machine does not let root mount");
      }
      const filler = join(mounted, "filler");
      try {
        const connection = parquetDataset(join(mounted, "lake"));
        const destination = connection.destination!("t")!;
        await write(destination, { commitId: "small", steps: [sampleRows(1, 10)], createIfMissing: true });
        // By the rows themselves.
        const much = Array.from({ length: 200_000 }, (_, id) => ({ id, label: `${id * 7919} ${id * 104_729}` }));
        const failed = write(destination, { commitId: "big", steps: [much, much] });
        await expect(failed).rejects.toMatchObject({
          code: "destination_failed",
          hint: expect.stringMatching(/disk space/) as string,
          retryable: true,
        });
        expect(await readdir(join(mounted, "lake", "t", "data"))).toHaveLength(1);
        // When there is room for the rows and none for the manifest.
        const fill = async (): Promise<void> => {
          for (let size = 8_000_000; size > 1; size /= 2) {
            await appendFile(filler, Buffer.alloc(size)).catch(() => undefined);
          }
        };
        const late = write(destination, { commitId: "late", steps: [sampleRows(1, 10)], atPermit: fill });
        await expect(late).rejects.toMatchObject({
          code: "destination_failed",
          hint: expect.stringContaining("disk space") as string,
        });
        await fill();
        // Without room for a tombstone nothing can be promised.
        expect(await destination.settleCommit("late", NEVER_ABORTED)).toMatchObject({ state: "in_doubt" });
        await rm(filler);
        expect(await destination.settleCommit("late", NEVER_ABORTED)).toEqual({ state: "never" });
        expect(await destination.settleCommit("big", NEVER_ABORTED)).toEqual({ state: "never" });
        await write(destination, { commitId: "after", steps: [sampleRows(11, 10)] });
        expect((await connection.snapshots("t"))[0]?.rows).toBe(20);
        await connection.close();
      } finally {
        spawnSync("umount", [mounted]);
        await rm(mounted, { recursive: true });
      }
    },
    30_000,
  );
});

describe("several processes at one table", async () => {
  const writer = await bundledProcess(new URL("./dataset-writer-child.ts", import.meta.url));
  afterAll(() => writer[Symbol.asyncDispose]());

  it(
    "all land, whole and once",
    () =>
      withLake({}, async (lake) => {
        const commits = 12;
        const children = ["a", "b", "c"].map((name) => writer.start({ folder: lake.folder, name, commits, rows: 100 }));
        const codes = await Promise.all(children.map((child) => new Promise((resolve) => child.once("exit", resolve))));
        expect(codes).toEqual([0, 0, 0]);
        const snapshots = await lake.connection.snapshots("t");
        expect(new Set(snapshots.map(({ commitId }) => commitId)).size).toBe(3 * commits);
        expect(await lake.rows("select count(*)::int as n from lake.t")).toEqual([{ n: 3 * commits * 100 }]);
      }),
    60_000,
  );

  it(
    `leave whole commits or nothing when they are killed (seed ${SEED})`,
    () =>
      withLake({}, async (lake) => {
        const random = seededRandom(SEED);
        const begun = new Set<string>();
        const landed = new Set<string>();
        for (let round = 0; round < 6; round += 1) {
          const child = writer.start({ folder: lake.folder, name: `${round}`, commits: 1_000, rows: 2_000 });
          const exited = new Promise((resolve) => child.once("exit", resolve));
          let countdown = 2 + Math.floor(random() * 9);
          child.on("message", (message: { begun?: string; landed?: string }) => {
            if (message.begun !== undefined) begun.add(message.begun);
            if (message.landed !== undefined) landed.add(message.landed);
            countdown -= 1;
            // At one of the named points, or some steps behind it.
            if (countdown === 0) setTimeout(() => child.kill("SIGKILL"), random() * 8);
          });
          await exited;
        }
        const states = new Map<string, string>();
        for (const commitId of begun)
          states.set(commitId, (await lake.destination("t").settleCommit(commitId, NEVER_ABORTED)).state);
        for (const commitId of landed) expect(states.get(commitId)).toBe("committed");
        const committed = [...states.values()].filter((state) => state === "committed").length;
        expect([...states.values()].filter((state) => state === "never").length).toBe(begun.size - committed);
        expect(committed).toBeGreaterThan(0);
        expect(await lake.rows("select count(*)::int as n from lake.t")).toEqual([{ n: committed * 2_000 }]);
        const report = await lake.connection.prune("t", { keep: 1_000, abandonedAfterMs: 0 });
        expect(report).toMatchObject({ snapshots: 0, files: 0 });
        const used = (await lake.connection.snapshots("t"))[0]?.files;
        expect(await readdir(join(lake.folder, "t", "data"))).toHaveLength(used ?? -1);
        expect(await lake.rows("select count(*)::int as n from lake.t")).toEqual([{ n: committed * 2_000 }]);
      }),
    60_000,
  );
});
