import { chmod, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DatasetWrite } from "../../../../src/adapters/duckdb/parquet-dataset/dataset-write.js";
import { type Disk, localDisk } from "../../../../src/adapters/duckdb/parquet-dataset/disk.js";
import { RECENT } from "../../../../src/adapters/duckdb/parquet-dataset/manifest.js";
import { pruneTable } from "../../../../src/adapters/duckdb/parquet-dataset/prune-table.js";
import { settleCommit } from "../../../../src/adapters/duckdb/parquet-dataset/settle-commit.js";
import { folderNameOf, TableFolder } from "../../../../src/adapters/duckdb/parquet-dataset/table-folder.js";
import type { WriteRequest } from "../../../../src/ports/job-destination.js";
import { MemoryDisk, steppedDisk } from "./memory-disk.js";

const NEVER_ABORTED = new AbortController().signal;

function request(commitId: string): WriteRequest {
  return {
    commitId,
    mode: { kind: "append" },
    schema: { columns: [{ name: "n", type: { kind: "text" }, nullable: true }] },
    createIfMissing: true,
    signal: NEVER_ABORTED,
    onProgress: () => undefined,
    permit: async ({ rowsStaged: rowsWritten }) => ({
      committed: ({ snapshotId = null } = {}) => ({ commitId, rowsWritten, snapshotId }),
    }),
  };
}

/** Appends one row, with `put` as the engine that leaves a file. */
async function append(table: TableFolder, put: (path: string) => void, commitId: string): Promise<string | null> {
  const write = await DatasetWrite.begin(table, request(commitId), {
    table: "t",
    overwrite: "table",
    partitionBy: undefined,
  });
  try {
    const { snapshotId } = await write.commit(async ({ folder }) => {
      put(`${folder}/x.parquet`);
      const path = `${folder}/x.parquet`.slice(table.path.length + 1);
      return { rows: 1, staged: [{ path, rows: 1, bytes: 1, partition: [] }] };
    }, request(commitId).permit);
    return snapshotId;
  } finally {
    await write.end();
  }
}

/** A disk in memory that counts what is read. */
function counted(): { readonly memory: MemoryDisk; readonly disk: Disk; readonly reads: { count: number } } {
  const memory = new MemoryDisk();
  memory.makeFolder("/lake");
  const disk = steppedDisk(memory, () => Promise.resolve());
  const reads = { count: 0 };
  return { memory, reads, disk: { ...disk, read: (path) => ((reads.count += 1), disk.read(path)) } };
}

describe("the log", () => {
  it("finds any commit, however old, by a look at few versions", async () => {
    const { memory, disk, reads } = counted();
    const table = new TableFolder(disk, "/lake/t");
    const last = 3 * RECENT + 5;
    for (let number = 1; number <= last; number += 1) await append(table, (path) => memory.put(path, ""), `${number}`);
    for (const number of [1, 2, RECENT, RECENT + 1, 2 * RECENT, last]) {
      reads.count = 0;
      const receipt = { commitId: `${number}`, rowsWritten: 1, snapshotId: `${number}` };
      expect(await settleCommit(table, `${number}`, NEVER_ABORTED)).toEqual({ state: "committed", receipt });
      expect(reads.count).toBeLessThan(8);
    }
    await pruneTable(table, { keep: 1 });
    for (const number of [1, 2, RECENT, RECENT + 1, 2 * RECENT, last]) {
      expect(await settleCommit(table, `${number}`, NEVER_ABORTED)).toMatchObject({ state: "committed" });
    }
    // What is left of a pruned version does not grow with those before it.
    expect((await disk.read(table.log.path(RECENT - 1)))?.length).toBeLessThan(200);
    expect(await settleCommit(table, "unheard of", NEVER_ABORTED)).toEqual({ state: "never" });
    expect(await settleCommit(new TableFolder(disk, "/lake/t"), "unheard of", NEVER_ABORTED)).toEqual({
      state: "never",
    });
  });

  it("synchronises every file and every folder that it made before the version that names them", async () => {
    const { memory, disk } = counted();
    const table = new TableFolder(disk, "/lake/t");
    await append(table, (path) => memory.put(path, "rows"), "a");
    // All that was not synchronised is lost.
    memory.powerCut(() => 0);
    const after = await new TableFolder(disk, "/lake/t").log.newest();
    expect(after?.version).toBe(1);
    expect(await disk.read(`/lake/t/${after?.files[0]?.path}`)).toBe("rows");
  });

  it("tells before the permit what stands against a commit by then", async () => {
    const { memory, disk } = counted();
    const table = new TableFolder(disk, "/lake/t");
    await append(table, (path) => memory.put(path, ""), "a");
    const layout = { table: "t", overwrite: "table", partitionBy: undefined } as const;
    const write = await DatasetWrite.begin(table, request("late"), layout);
    expect(await settleCommit(table, "late", NEVER_ABORTED)).toEqual({ state: "never" });
    const fill = () => Promise.resolve({ rows: 0, staged: [] });
    const permit = () => Promise.reject(new Error("the permit was asked for"));
    await expect(write.commit(fill, permit)).rejects.toMatchObject({ code: "destination_failed", retryable: false });
    await write.end();
  });

  it("takes its own version for its own where the answer to a link was lost", async () => {
    const { memory, disk } = counted();
    const forgetful: Disk = { ...disk, link: async (path, name) => (await disk.link(path, name), false) };
    const table = new TableFolder(forgetful, "/lake/t");
    expect(await append(table, (path) => memory.put(path, ""), "a")).toBe("1");
    expect(await append(table, (path) => memory.put(path, ""), "b")).toBe("2");
    expect((await table.log.newest())?.files).toHaveLength(2);
  });

  it("refuses a disk without hard links before the permit, and leaves nothing there", async () => {
    const { memory, disk } = counted();
    const link = () => Promise.reject(Object.assign(new Error("EPERM"), { code: "EPERM", syscall: "link" }));
    const table = new TableFolder({ ...disk, link }, "/lake/t");
    const layout = { table: "t", overwrite: "table", partitionBy: undefined } as const;
    await expect(DatasetWrite.begin(table, request("a"), layout)).rejects.toThrow("EPERM");
    expect(memory.list("/lake/t/data")).toEqual([]);
  });

  it("shows others a whole snapshot, also where it is pruned at that moment", async () => {
    const { memory, disk } = counted();
    const table = new TableFolder(disk, "/lake/t");
    const put = (path: string): void => memory.put(path, "rows");
    await append(table, put, "a");
    const current = "/lake/t/_current.json";
    let isPruned = false;
    const shown: string[] = [];
    const slow = new TableFolder(
      {
        ...disk,
        read: async (path) => {
          const text = await disk.read(path);
          // It has just read the newest version, and found none behind it.
          if (text === undefined && path === table.log.path(3) && !isPruned) {
            isPruned = true;
            await append(table, put, "c");
            await pruneTable(table, { keep: 1 });
          }
          return text;
        },
        replace: async (path, by) => {
          await disk.replace(path, by);
          if (path === current) shown.push((await disk.read(path)) ?? "");
        },
      },
      "/lake/t",
    );
    await append(table, put, "b");
    await slow.showCurrent(await slow.author());
    expect(shown.map((text) => "files" in (JSON.parse(text) as object))).toEqual([true]);
  });

  it("shows others the newest snapshot before older ones are pruned", async () => {
    const { memory, disk } = counted();
    const table = new TableFolder(disk, "/lake/t");
    const current = "/lake/t/_current.json";
    const put = (path: string): void => memory.put(path, "rows");
    await append(table, put, "a");
    const first = memory.read(current) ?? "";
    await append(table, put, "b");
    // As a writer leaves it that dies behind its commit.
    memory.remove(current);
    memory.put(current, first);
    const order: string[] = [];
    const replace = (path: string, by: string) => (order.push(path), disk.replace(path, by));
    await pruneTable(new TableFolder({ ...disk, replace }, "/lake/t"), { keep: 1 });
    expect(order).toEqual([current, table.log.path(1)]);
    expect(memory.read(current)).toBe(memory.read(table.log.path(2)));
  });

  it("keeps what a failed link may have published", async () => {
    const { memory, disk } = counted();
    const failing: Disk = {
      ...disk,
      link: async (path, name) => {
        const isLinked = await disk.link(path, name);
        if (name.includes("_log")) throw Object.assign(new Error("EIO"), { code: "EIO", syscall: "link" });
        return isLinked;
      },
    };
    await expect(append(new TableFolder(failing, "/lake/t"), (path) => memory.put(path, "rows"), "a")).rejects.toThrow(
      "EIO",
    );
    const table = new TableFolder(disk, "/lake/t");
    expect(await settleCommit(table, "a", NEVER_ABORTED)).toMatchObject({ state: "committed" });
    expect(await disk.read(`/lake/t/${(await table.log.newest())?.files[0]?.path}`)).toBe("rows");
  });
});

describe("a folder's name", () => {
  it.each([
    ["delays", "delays"],
    ["sales.orders-2", "sales.orders-2"],
    ["_log", "%5Flog"],
    [".hidden", "%2Ehidden"],
    ["..", "%2E."],
    ["a/b", "a%2Fb"],
    ["100%", "100%25"],
    ["é", "%C3%A9"],
    ['we"ird; drop table x --', "we%22ird%3B%20drop%20table%20x%20--"],
  ])("of the table %s is %s", (table, name) => {
    expect(folderNameOf(table)).toBe(name);
    expect(decodeURIComponent(name)).toBe(table);
  });

  it("is none where it would be too long or empty", () => {
    expect(folderNameOf("")).toBeUndefined();
    expect(folderNameOf("x".repeat(255))).toBeDefined();
    expect(folderNameOf("x".repeat(256))).toBeUndefined();
    expect(folderNameOf("é".repeat(43))).toBeUndefined();
  });
});

it("a folder that is its writer's alone can be read by whoever can read those beside it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "millrace-disk-"));
  try {
    await chmod(folder, 0o750);
    expect((await stat(await localDisk.makeUniqueFolder(join(folder, "w-")))).mode & 0o777).toBe(0o750);
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe("the disk of the trials does what a real one does", () => {
  const real = async (): Promise<readonly [Disk, string, () => Promise<void>]> => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-disk-"));
    return [localDisk, folder, () => rm(folder, { recursive: true })];
  };
  const model = async (): Promise<readonly [Disk, string, () => Promise<void>]> => {
    return [counted().disk, "/lake", () => Promise.resolve()];
  };

  it.each([
    ["the real one", real],
    ["the model", model],
  ])("%s", async (_, make) => {
    const [disk, folder, dispose] = await make();
    const code = (work: Promise<unknown>) =>
      work.then(
        () => "done",
        (error: { code?: string }) => error.code,
      );
    try {
      const [a, b, sub] = [join(folder, "a"), join(folder, "b"), join(folder, "sub")];
      expect([await disk.read(a), await disk.list(sub), await disk.lastChangeMs(sub)]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      await disk.create(a, "text");
      expect([await disk.read(a), await code(disk.create(a, "other"))]).toEqual(["text", "EEXIST"]);
      expect([await disk.link(a, b), await disk.link(a, b), await disk.read(b)]).toEqual([true, false, "text"]);
      expect([
        await code(disk.link(join(folder, "none"), b)),
        await code(disk.link(join(folder, "none"), join(sub, "x"))),
      ]).toEqual(["ENOENT", "ENOENT"]);
      expect([
        await disk.makeFolder(sub),
        await disk.makeFolder(sub),
        await code(disk.makeFolder(join(folder, "x", "y"))),
      ]).toEqual([true, false, "ENOENT"]);
      await disk.create(join(sub, "c"), "new");
      await disk.replace(b, join(sub, "c"));
      expect([await disk.read(a), await disk.read(b), await disk.list(sub)]).toEqual(["text", "new", []]);
      const first = await disk.makeUniqueFolder(join(sub, "w-"));
      const second = await disk.makeUniqueFolder(join(sub, "w-"));
      expect(first).not.toBe(second);
      expect([...((await disk.list(sub)) ?? [])].sort()).toEqual(
        [first, second].map((path) => path.slice(sub.length + 1)).sort(),
      );
      expect(await disk.lastChangeMs(sub)).toEqual(expect.any(Number));
      for (const path of [a, sub, first]) expect(await code(disk.sync(path))).toBe("done");
      expect(await code(disk.sync(join(folder, "none")))).toBe("ENOENT");
      await disk.remove(sub);
      await disk.remove(sub);
      await disk.remove(a);
      expect(await disk.list(folder)).toEqual(expect.arrayContaining(["b"]));
      expect([
        await disk.list(sub),
        await disk.read(a),
        await code(disk.list(b)),
        await code(disk.read(folder)),
      ]).toEqual([undefined, undefined, "ENOTDIR", "EISDIR"]);
      expect([await code(disk.create(join(sub, "x"), "")), await code(disk.replace(b, join(sub, "x")))]).toEqual([
        "ENOENT",
        "ENOENT",
      ]);
    } finally {
      await dispose();
    }
  });
});
