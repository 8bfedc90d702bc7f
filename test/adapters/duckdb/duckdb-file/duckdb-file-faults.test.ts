import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { duckdb } from "../../../../src/adapters/duckdb/entry.js";
import { isJobError } from "../../../../src/model/job-error.js";
import { sampleRows, write } from "../../../../src/testing/destination/destination-fixture.js";
import { duckdbFile } from "../../../support/duckdb-file.js";

const NEVER_ABORTED = new AbortController().signal;

/** Replaces eight bytes of a block, and puts its checksum right: the sum of its words, each times a constant, by XOR. */
function setWord(block: Buffer, at: number, word: bigint): void {
  const part = (value: bigint) => BigInt.asUintN(64, value * 0xbf58_476d_1ce4_e5b9n);
  block.writeBigUInt64LE(block.readBigUInt64LE(0) ^ part(block.readBigUInt64LE(at)) ^ part(word), 0);
  block.writeBigUInt64LE(word, at);
}

const mayMount = process.getuid?.() === 0 && process.platform === "linux";
let disks = 0;

/** A file system of 4 MiB; null where nothing may be mounted. */
function smallDisk(): ({ readonly folder: string; grow(): void } & AsyncDisposable) | null {
  disks += 1;
  const folder = join(tmpdir(), `millrace-full-duckdb-${process.pid}-${disks}`);
  mkdirSync(folder);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]).status !== 0) {
    rmdirSync(folder);
    return null;
  }
  return {
    folder,
    grow: () => void spawnSync("mount", ["-o", "remount,size=16m", folder]),
    [Symbol.asyncDispose]: async () => {
      spawnSync("umount", [folder]);
      rmdirSync(folder);
    },
  };
}

describe("a disk that is full", () => {
  const full = {
    code: "destination_failed",
    message: expect.stringMatching(/space/i) as string,
    hint: expect.stringContaining("disk space") as string,
    retryable: true,
  };

  it.runIf(mayMount)("fails the write, leaves nothing, and the engine goes on", async ({ skip }) => {
    await using disk = smallDisk();
    if (disk === null) return skip("this machine does not let root mount");
    await using file = await duckdbFile({ folder: disk.folder });
    await file.load("t", "select i as id, 'row ' || i as label from range(10) r(i)", { createIfMissing: true });
    const big = "select i as id, uuid()::varchar || uuid()::varchar as label from range(1000000) r(i)";
    await expect(file.load("t", big, { commitId: "big" })).rejects.toMatchObject(full);
    const steps = Array.from({ length: 20 }, (_, index) => sampleRows(index * 20_000, 20_000));
    await expect(write(file.destination("t"), { commitId: "batches", steps })).rejects.toMatchObject(full);
    // There may be no room to plant a fence, and then nothing can be promised.
    const settled = await file.destination("t").settleCommit("big", NEVER_ABORTED);
    expect(settled).toMatchObject({ state: expect.stringMatching(/never|in_doubt/) as string });
    disk.grow();
    expect(await file.destination("t").settleCommit("big", NEVER_ABORTED)).toEqual({ state: "never" });
    expect(await file.destination("t").settleCommit("batches", NEVER_ABORTED)).toEqual({ state: "never" });
    await file.load("t", "select i as id, 'row ' || i as label from range(10, 20) r(i)");
    expect(await file.sql("select count(*)::int as n from t")).toEqual([{ n: 20 }]);
  });

  it.runIf(mayMount)("whatever the moment, what is settled agrees with the rows", async ({ skip }) => {
    await using disk = smallDisk();
    if (disk === null) return skip("this machine does not let root mount");
    const sizes = Array.from({ length: 25 }, (_, n) => 3_000 + n * 900);
    const told: string[] = [];
    {
      await using file = await duckdbFile({ folder: disk.folder });
      await file.load("t", "select 0 as id, '' as label limit 0", { createIfMissing: true });
      for (const [n, size] of sizes.entries()) {
        const query = `select ${n} as id, uuid()::varchar as label from range(${size}) r(i)`;
        told.push(
          await file.load("t", query, { commitId: `c${n}` }).then(
            () => "committed",
            (error: unknown) => (isJobError(error) ? error.code : String(error)),
          ),
        );
      }
    }
    expect(new Set(told)).toEqual(new Set(["committed", "destination_failed"]));
    disk.grow();
    await using file = await duckdbFile({ folder: disk.folder });
    for (const [n, size] of sizes.entries()) {
      const { state } = await file.destination("t").settleCommit(`c${n}`, NEVER_ABORTED);
      const rows = await file.sql(`select count(*)::int as n from t where id = ${n}`);
      expect([n, rows]).toEqual([n, [{ n: state === "committed" ? size : 0 }]]);
      if (told[n] === "committed") expect(state).toBe("committed");
    }
  });
});

describe("a file that is no DuckDB file, or not there", () => {
  it("is refused by name, and left as it is", async () => {
    await using file = await duckdbFile();
    await writeFile(file.path, "this is not a database, but it is long enough to be looked at".repeat(100));
    const before = await readFile(file.path);
    const refusal = {
      code: "connection_unavailable",
      message: expect.stringContaining(file.path) as string,
      retryable: false,
    };
    await expect(file.connection.check(NEVER_ABORTED)).rejects.toMatchObject(refusal);
    await expect(file.destination("t").schema(NEVER_ABORTED)).rejects.toMatchObject(refusal);
    await expect(file.load("t", "select 1 as id", { createIfMissing: true })).rejects.toMatchObject(refusal);
    expect(await file.destination("t").settleCommit("a", NEVER_ABORTED)).toMatchObject({ state: "in_doubt" });
    expect(await readFile(file.path)).toEqual(before);
  });

  it("of a newer DuckDB is refused, with what to do", async () => {
    await using file = await duckdbFile({ sql: "create table t (id int)" });
    const bytes = await readFile(file.path);
    // Behind a checksum of eight bytes and "DUCK" stands the version of the format, in the low half of the third word.
    setWord(bytes, 8, (bytes.readBigUInt64LE(8) & 0xffff_ffffn) | (9_999n << 32n));
    await writeFile(file.path, bytes);
    await expect(file.connection.check(NEVER_ABORTED)).rejects.toMatchObject({
      code: "connection_unavailable",
      retryable: false,
      hint: expect.stringContaining("version") as string,
    });
    expect(await readFile(file.path)).toEqual(bytes);
  });

  it("is made by a write, in a folder that is there", async () => {
    await using file = await duckdbFile();
    expect(await file.destination("t").schema(NEVER_ABORTED)).toBeNull();
    await file.connection.check(NEVER_ABORTED);
    await expect(file.load("t", "select 1 as id")).rejects.toMatchObject({ code: "destination_missing" });
    await expect(file.destination("t").readState?.("a", NEVER_ABORTED)).resolves.toBeNull();
    expect(existsSync(file.path)).toBe(false);
    const nowhere = duckdb(join(file.folder, "no", "such", "out.duckdb"), { access: "read_write" });
    const refusal = {
      code: "connection_unavailable",
      retryable: false,
      hint: expect.stringContaining("folder") as string,
    };
    await expect(nowhere.check(NEVER_ABORTED)).rejects.toMatchObject(refusal);
    await expect(nowhere.destination?.("t")?.schema(NEVER_ABORTED)).rejects.toMatchObject(refusal);
    await nowhere.close();
  });
});

describe("a file that goes away while it is written", () => {
  it("before the permit: the write fails and no permit is asked for", async () => {
    await using file = await duckdbFile({ sql: "create table t (id bigint, label varchar)" });
    let asked = false;
    const atPermit = () => {
      asked = true;
    };
    const steps = [sampleRows(1, 10), () => rm(file.path)];
    await write(file.destination("t"), { commitId: "early", steps, atPermit }).catch(() => undefined);
    expect(asked).toBe(false);
  });

  it.each(["the file", "the folder"])(
    "%s, at the permit: there is no receipt, and the commit is in doubt",
    async (what) => {
      await using file = await duckdbFile({ sql: "create table t (id bigint)" });
      const atPermit = () => rm(what === "the file" ? file.path : file.folder, { recursive: true });
      await expect(file.load("t", "select 1::bigint as id", { commitId: "late", atPermit })).rejects.toThrow();
      expect(await file.destination("t").settleCommit("late", NEVER_ABORTED)).toMatchObject({ state: "in_doubt" });
    },
  );

  it("replaced by another one: the next write goes there", async () => {
    await using file = await duckdbFile({ sql: "create table t (id bigint)" });
    await file.load("t", "select 1::bigint as id");
    await rm(file.path);
    await file.load("t", "select 2::bigint as id", { createIfMissing: true });
    expect(await file.sql("select id::int as id from t")).toEqual([{ id: 2 }]);
  });
});
