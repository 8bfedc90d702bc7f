import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NEVER_ABORTED } from "../engine-session.js";
import { inOrder, type Lake, type LakeOptions, withLake } from "./lake.js";
import { readPlainly } from "./read-plainly.js";
import { DuckDBInstance } from "@duckdb/node-api";

const BY_P: LakeOptions = { partitionBy: { t: ["p"] }, overwrite: "partitions" };

async function dataFiles({ folder }: Lake): Promise<number> {
  const names = await readdir(join(folder, "t", "data"), { recursive: true });
  return names.filter((name) => name.endsWith(".parquet")).length;
}

describe("pruning", () => {
  it("keeps the newest snapshots readable, and removes the files that only older ones name", () =>
    withLake(BY_P, async (lake) => {
      const { load, rows, connection } = lake;
      await load("t", "select * from (values (1, 'a'), (2, 'b')) t(n, p)");
      await load("t", "select 3 as n, 'a' as p", { mode: "overwrite" });
      await lake.destination("t").settleCommit("given-up", NEVER_ABORTED);
      await load("t", "select 4 as n, 'b' as p", { mode: "overwrite" });
      expect(await dataFiles(lake)).toBe(4);
      // Of the first folder one file is still needed by the second snapshot.
      expect(await connection.prune("t", { keep: 2 })).toEqual({ snapshots: 1, files: 1, abandonedWrites: 0 });
      expect((await connection.snapshots("t")).map(({ version }) => version)).toEqual([4, 2]);
      expect(inOrder(await rows('from lake."t@2"'))).toEqual(['{"n":2,"p":"b"}', '{"n":3,"p":"a"}']);
      await expect(rows('from lake."t@1"')).rejects.toMatchObject({
        message: expect.stringContaining("was pruned") as string,
      });
      expect(await connection.prune("t", { keep: 1 })).toEqual({ snapshots: 1, files: 1, abandonedWrites: 0 });
      expect(await dataFiles(lake)).toBe(2);
      expect(inOrder(await rows("from lake.t"))).toEqual(['{"n":3,"p":"a"}', '{"n":4,"p":"b"}']);
      expect(await connection.prune("t", { keep: 1 })).toEqual({ snapshots: 0, files: 0, abandonedWrites: 0 });
    }));

  it("keeps the proof of every commit, and the states", () =>
    withLake({}, async ({ load, connection, destination }) => {
      await load("t", "select 1 as n", { commitId: "first" });
      await destination("t").settleCommit("lost", NEVER_ABORTED);
      await load("t", "select 2 as n", { commitId: "second", mode: "overwrite" });
      await connection.prune("t", { keep: 1 });
      const receipt = { commitId: "first", rowsWritten: 1, snapshotId: "1" };
      expect(await destination("t").settleCommit("first", NEVER_ABORTED)).toEqual({ state: "committed", receipt });
      expect(await destination("t").settleCommit("lost", NEVER_ABORTED)).toEqual({ state: "never" });
      await expect(load("t", "select 3 as n", { commitId: "first" })).rejects.toMatchObject({
        code: "destination_failed",
      });
      await expect(load("t", "select 3 as n", { commitId: "lost" })).rejects.toMatchObject({
        code: "destination_failed",
      });
    }));

  it("leaves a writer alone that is at work, and takes what killed ones left once it is old", () =>
    withLake({}, async (lake) => {
      const { load, connection, folder, rows } = lake;
      await load("t", "select 1 as n");
      const left = join(folder, "t", "data", "w-killed");
      await mkdir(left);
      await writeFile(join(left, "data_0.parquet"), "half");
      const prune = async () => {
        expect(await connection.prune("t", { keep: 1 })).toMatchObject({ abandonedWrites: 0 });
        const old = new Date(Date.now() - 25 * 3_600_000);
        await utimes(join(left, "data_0.parquet"), old, old);
        // A folder is as young as what is in it, and the other way round.
        expect(await connection.prune("t", { keep: 1 })).toMatchObject({ abandonedWrites: 0 });
        await utimes(left, old, old);
        expect(await connection.prune("t", { keep: 1 })).toMatchObject({ abandonedWrites: 1 });
      };
      await load("t", "select 2 as n", { atPermit: prune });
      expect(await rows("select count(*)::int as n from lake.t")).toEqual([{ n: 2 }]);
      expect(await dataFiles(lake)).toBe(2);
    }));

  it("fences a writer that it takes for dead: it loses its write, and nothing else happens", () =>
    withLake({}, async (lake) => {
      const { load, connection, destination, rows } = lake;
      await load("t", "select 1 as n");
      const atPermit = async () => void (await connection.prune("t", { keep: 1, abandonedAfterMs: 0 }));
      await expect(load("t", "select 2 as n", { commitId: "slow", atPermit })).rejects.toMatchObject({
        code: "destination_failed",
      });
      expect(await destination("t").settleCommit("slow", NEVER_ABORTED)).toEqual({ state: "never" });
      expect(await rows("from lake.t")).toEqual([{ n: 1 }]);
      expect(await dataFiles(lake)).toBe(1);
    }));

  it("may be done while others read and write", () =>
    withLake({}, async ({ load, connection, rows, folder }) => {
      await load("t", "select 0 as batch, i from range(100) r(i)");
      const instance = await DuckDBInstance.create(":memory:");
      const reader = await instance.connect();
      let isWriting = true;
      const writing = (async () => {
        for (let batch = 1; batch <= 15; batch += 1)
          await load("t", `select ${batch} as batch, i from range(100) r(i)`);
        isWriting = false;
      })();
      while (isWriting) {
        await connection.prune("t", { keep: 2 });
        const [row] = await rows("select count(*) as n, count(distinct batch) as b from lake.t");
        expect(row?.["n"]).toBe((row?.["b"] as bigint) * 100n);
      }
      await writing;
      expect(await rows("select count(*)::int as n from lake.t")).toEqual([{ n: 1_600 }]);
      expect(await readPlainly(reader, folder, "t")).toHaveLength(1_600);
      reader.disconnectSync();
      instance.closeSync();
    }));

  it.each([
    [{ keep: 0 }, "keep"],
    [{ keep: 1.5 }, "keep"],
    [{ keep: NaN }, "keep"],
    [{ keep: 1, abandonedAfterMs: -1 }, "abandonedAfterMs"],
    [{ keep: 1, abandonedAfterMs: NaN }, "abandonedAfterMs"],
  ])("checks its options: %j", (options, field) =>
    withLake({}, async ({ connection }) => {
      await expect(connection.prune("t", options)).rejects.toMatchObject({ code: "invalid_definition", field });
    }),
  );

  it("of a table that is not there does nothing", () =>
    withLake({}, async ({ connection, folder }) => {
      expect(await connection.prune("t", { keep: 1 })).toEqual({ snapshots: 0, files: 0, abandonedWrites: 0 });
      await expect(readdir(folder)).rejects.toThrow("ENOENT");
      await expect(connection.prune("", { keep: 1 })).rejects.toMatchObject({ code: "invalid_definition" });
    }));
});
