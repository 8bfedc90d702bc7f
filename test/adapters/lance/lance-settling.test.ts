import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Field, makeData, RecordBatch, Schema, Struct, Table, Utf8, vectorFromArray, Int64 } from "apache-arrow";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CommitEntry } from "../../../src/adapters/lance/journal/commit-entry.js";
import { TableJournal } from "../../../src/adapters/lance/journal/table-journal.js";
import { lance } from "../../../src/adapters/lance/entry.js";
import { sampleRows, write } from "../../../src/testing/destination/destination-fixture.js";
import { change } from "./job-state.js";
import { type LakeFolder, lakeFolder, NEVER_ABORTED } from "./lake-folder.js";

let lake: LakeFolder;

beforeEach(async () => {
  lake = await lakeFolder({ lockWaitMs: 500 });
});

afterEach(() => lake[Symbol.asyncDispose]());

function made(commitId = "made"): Promise<unknown> {
  return write(lake.destination(), { commitId, steps: [sampleRows(1, 2)], createIfMissing: true });
}

/** Leaves an entry open, as a writer does that dies in the middle of its commit. */
async function diedAt(entry: Partial<CommitEntry>): Promise<void> {
  const journal = await TableJournal.open(lake.path, "results", { signal: NEVER_ABORTED, waitMs: 0 });
  await journal?.begin({ commitId: "lost", mode: "append", base: 1, rows: 2, proof: "column", ...entry });
  journal?.release();
}

/** What plain lancedb is given; `_commit` only where a commit is. */
function rows(first: number, commitId?: string): Table {
  const fields = [new Field("id", new Int64(), true), new Field("label", new Utf8(), true)];
  const columns = [
    vectorFromArray([BigInt(first), BigInt(first + 1)], new Int64()),
    vectorFromArray(["x", "y"], new Utf8()),
  ];
  if (commitId !== undefined) {
    fields.push(new Field("_commit", new Utf8(), true));
    columns.push(vectorFromArray([commitId, null], new Utf8()));
  }
  const schema = new Schema(fields);
  const type = new Struct(fields);
  return new Table(
    new RecordBatch(schema, makeData({ type, length: 2, children: columns.map((column) => column.data[0]!) })),
  );
}

async function tableByOthers(): Promise<void> {
  await (await lake.plain()).createTable("results", rows(1));
}

async function appendedByOthers(first: number, commitId?: string): Promise<void> {
  await (await (await lake.plain()).openTable("results")).add(rows(first, commitId));
}

describe("a commit whose writer died in the middle", () => {
  it("never landed when the table is still at the version before it", async () => {
    await made();
    await diedAt({});
    expect(await lake.settle("lost")).toEqual({ state: "never" });
  });

  it("is found by its mark, also behind what others committed before and after", async () => {
    await made();
    await diedAt({ base: 1 });
    await appendedByOthers(5);
    await appendedByOthers(3, "lost");
    await appendedByOthers(7);
    const receipt = { commitId: "lost", rowsWritten: 2, snapshotId: "3" };
    expect(await lake.settle("lost")).toEqual({ state: "committed", receipt });
  });

  it("is found also when a later overwrite by others erased its mark", async () => {
    await made();
    await diedAt({ base: 1 });
    await appendedByOthers(3, "lost");
    await (await (await lake.plain()).openTable("results")).add(rows(9), { mode: "overwrite" });
    expect(await lake.settle("lost")).toMatchObject({ state: "committed", receipt: { snapshotId: "2" } });
  });

  it("never landed when all that came after are commits of others", async () => {
    await made();
    await diedAt({ base: 1 });
    await appendedByOthers(5);
    await appendedByOthers(7, "another");
    expect(await lake.settle("lost")).toEqual({ state: "never" });
  });

  it("is in doubt when a version that may be its own was deleted, and settled once that is back", async () => {
    await made();
    await diedAt({ base: 1 });
    await appendedByOthers(3, "lost");
    await appendedByOthers(5);
    const versions = join(lake.path, "results.lance", "_versions");
    // Versions are named so that the newest comes first.
    const second = join(versions, (await readdir(versions)).filter((name) => name.endsWith(".manifest")).sort()[1]!);
    const manifest = await readFile(second);
    await rm(second);
    const reason = expect.stringContaining("version 2") as string;
    expect(await lake.settle("lost")).toEqual({ state: "in_doubt", reason });
    expect(await lake.settle("lost")).toEqual({ state: "in_doubt", reason });
    await writeFile(second, manifest);
    expect(await lake.settle("lost")).toMatchObject({ state: "committed" });
    expect(await lake.settle("lost")).toMatchObject({ state: "committed" });
  });

  it("is in doubt when the table is gone, and when another one stands in its place", async () => {
    await made();
    await write(lake.destination(), { commitId: "more", steps: [sampleRows(3, 1)] });
    await diedAt({ base: 2 });
    await rm(join(lake.path, "results.lance"), { recursive: true });
    expect(await lake.settle("lost")).toMatchObject({
      state: "in_doubt",
      reason: expect.stringContaining("gone") as string,
    });
    await tableByOthers();
    expect(await lake.settle("lost")).toMatchObject({
      state: "in_doubt",
      reason: expect.stringContaining("replaced") as string,
    });
  });

  it("holds up nobody: the next writer finishes it and commits", async () => {
    await made();
    await diedAt({ base: 1 });
    await appendedByOthers(3, "lost");
    await write(lake.destination(), { commitId: "next", steps: [sampleRows(5, 1)] });
    expect(await lake.settle("lost")).toMatchObject({ state: "committed", receipt: { snapshotId: "2" } });
    expect(await lake.ids()).toEqual([1, 2, 3, 4, 5]);
  });
});

describe("a job's state", () => {
  it("counts if and only if its commit landed", async () => {
    await made();
    await diedAt({ base: 1, state: change(null, 7) });
    expect(await lake.destination().readState!("the job", NEVER_ABORTED)).toBeNull();
    await diedAt({ commitId: "lost too", base: 1, state: change(null, 8) });
    await appendedByOthers(3, "lost too");
    expect(await lake.destination().readState!("the job", NEVER_ABORTED)).toBe(8);
  });

  it("cannot be read while its commit is in doubt, and no run of the job commits on a guess", async () => {
    await tableByOthers();
    await diedAt({ base: 1, proof: "version", state: change(null, 7) });
    await appendedByOthers(3);
    const unknown = { code: "connection_unavailable", message: expect.stringContaining("lost") as string };
    await expect(lake.destination().readState!("the job", NEVER_ABORTED)).rejects.toMatchObject(unknown);
    const trial = { commitId: "next", steps: [sampleRows(5, 1)], state: change(null, 8) };
    await expect(write(lake.destination(), trial)).rejects.toMatchObject(unknown);
    expect(await lake.destination().readState!("another job", NEVER_ABORTED)).toBeNull();
    expect(await lake.ids()).toEqual([1, 2, 3, 4]);
  });
});

describe("a table that plain lancedb made, without the column that proves appends", () => {
  it("is appended to and upserted, and keeps its schema", async () => {
    await tableByOthers();
    await write(lake.destination(), { commitId: "a", steps: [sampleRows(3, 2)] });
    const steps = [
      [
        { id: 4, label: "new" },
        { id: 5, label: "added" },
      ],
    ];
    await write(lake.destination(), { commitId: "b", mode: { kind: "upsert", keys: ["id"] }, steps });
    expect(await lake.ids()).toEqual([1, 2, 3, 4, 5]);
    expect(await lake.settle("a")).toMatchObject({ state: "committed" });
    const table = await (await lake.plain()).openTable("results");
    expect((await table.schema()).names).toEqual(["id", "label"]);
  });

  it("leaves an append of a dead writer in doubt if there is a newer version, which may be anybody's", async () => {
    await tableByOthers();
    await diedAt({ base: 1, proof: "version" });
    expect(await lake.settle("lost")).toEqual({ state: "never" });
    await diedAt({ commitId: "lost too", base: 1, proof: "version" });
    await appendedByOthers(3);
    expect(await lake.settle("lost too")).toMatchObject({
      state: "in_doubt",
      reason: expect.stringContaining("_commit") as string,
    });
  });

  it("proves appends once it is given the column, as the guide says", async () => {
    await tableByOthers();
    const table = await (await lake.plain()).openTable("results");
    await table.addColumns([{ name: "_commit", valueSql: "cast(null as string)" }]);
    await write(lake.destination(), { commitId: "a", steps: [sampleRows(3, 2)] });
    await table.checkoutLatest();
    expect(await table.countRows("_commit = 'a'")).toBe(1);
    expect(await lake.read()).toHaveLength(4);
  });

  it("has a column named _commit of its own only if that is not text", async () => {
    const own = new Table({ id: vectorFromArray([1n], new Int64()), _commit: vectorFromArray([7n], new Int64()) });
    await (await lake.plain()).createTable("results", own);
    const schema = await lake.destination().schema(NEVER_ABORTED);
    expect(schema?.columns.map(({ name }) => name)).toEqual(["id", "_commit"]);
  });
});

describe("the journal", () => {
  it("that is lost leaves every commit in doubt, until a writer makes it anew: then those that the table shows", async () => {
    await made();
    await write(lake.destination(), { commitId: "a", steps: [sampleRows(3, 1)] });
    await rm(join(lake.path, "_millrace"), { recursive: true });
    const doubt = { state: "in_doubt", reason: expect.stringContaining("journal") as string };
    for (const commitId of ["a", "made", "unknown"]) expect(await lake.settle(commitId)).toEqual(doubt);
    expect(await readdir(lake.path)).toEqual(["results.lance"]);
    await write(lake.destination(), { commitId: "b", steps: [sampleRows(4, 1)] });
    for (const commitId of ["a", "made"]) expect(await lake.settle(commitId)).toEqual(doubt);
    expect(await lake.settle("unknown")).toEqual({ state: "never" });
  });

  it.each([
    ["of a newer version", '{"format":2,"commitId":"x"}', "newer"],
    ["that is garbage", "{", "not a file"],
    ["of another program", "[]", "not a file"],
  ])("%s is refused by its path, and nothing is committed", async (_name, text, told) => {
    await made();
    await writeFile(join(lake.path, "_millrace", "results", "open.json"), text);
    const refusal = {
      code: "connection_unavailable",
      message: expect.stringContaining(told) as string,
      retryable: false,
    };
    await expect(write(lake.destination(), { commitId: "a", steps: [sampleRows(3, 1)] })).rejects.toMatchObject(
      refusal,
    );
    expect(await lake.settle("a")).toMatchObject({
      state: "in_doubt",
      reason: expect.stringContaining(told) as string,
    });
    expect(await lake.ids()).toEqual([1, 2]);
  });

  it("is not listed as a table, and table names cannot leave it", async () => {
    await made();
    expect(await (await lake.plain()).tableNames()).toEqual(["results"]);
    for (const name of ["..", "a/b", ".hidden", "", "ü", 'a"b', "a b"]) {
      expect(lake.connection.destination?.(name)).toBeUndefined();
      expect(lake.connection.source?.(name)).toBeUndefined();
    }
  });
});

describe("settling", () => {
  it("is in doubt while a writer holds the table's lock", async () => {
    await made();
    const journal = await TableJournal.open(lake.path, "results", { signal: NEVER_ABORTED, waitMs: 0 });
    const reason = expect.stringContaining("lock") as string;
    expect(await lake.settle("a")).toEqual({ state: "in_doubt", reason });
    journal?.release();
    expect(await lake.settle("a")).toEqual({ state: "never" });
  });

  it("makes no folder: the disk may not be mounted, and the commit on it", async () => {
    const gone = lance(join(lake.path, "mount", "lake"));
    const settled = await gone.destination!("t")!.settleCommit("a", NEVER_ABORTED);
    expect(settled).toMatchObject({ state: "in_doubt", reason: expect.stringContaining("not there") as string });
    await mkdir(join(lake.path, "mount"));
    expect(await readdir(join(lake.path, "mount"))).toEqual([]);
    await gone.close();
  });

  it("ends with the reason of its signal", async () => {
    await made();
    const reason = new Error("stop");
    await expect(lake.destination().settleCommit("a", AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
