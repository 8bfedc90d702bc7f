import { once } from "node:events";
import { Field, Int64, Schema, Table, Utf8, vectorFromArray } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { lance } from "../../../src/adapters/lance/entry.js";
import { TableJournal } from "../../../src/adapters/lance/journal/table-journal.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import { SAMPLE, sampleRows, write } from "../../../src/testing/destination/destination-fixture.js";
import { sourceProcess } from "../../support/source-process.js";
import { lakeFolder, NEVER_ABORTED } from "./lake-folder.js";

const CREATE = { createIfMissing: true };

describe("a commit that is larger than its limit", () => {
  const wide: TableSchema = { columns: [...SAMPLE.columns, { name: "text", type: { kind: "text" }, nullable: true }] };
  const large = Array.from({ length: 20 }, (_, id) => ({ id, label: "x", text: "long ".repeat(2_000) }));

  it.each([
    ["append", { kind: "append" }],
    ["overwrite", { kind: "overwrite" }],
    ["upsert", { kind: "upsert", keys: ["id"] }],
    ["upsert that keeps the last", { kind: "upsert", keys: ["id"], onDuplicate: "keepLast" }],
  ] as const)("is refused before anything is visible: %s", async (_name, mode) => {
    await using lake = await lakeFolder({ maxCommitBytes: 150_000 });
    const trial = { commitId: "a", schema: wide, mode, ...CREATE };
    await expect(write(lake.destination(), { ...trial, steps: [large] })).rejects.toMatchObject({
      code: "destination_failed",
      field: "maxCommitBytes",
      retryable: false,
      message: expect.stringContaining("150000") as string,
    });
    expect(await lake.ids()).toBeNull();
    await write(lake.destination(), { ...trial, steps: [large.slice(0, 5)] });
    expect(await lake.ids()).toEqual([0, 1, 2, 3, 4]);
  });

  it("has a limit that Node and the capabilities know", () => {
    expect(lance("/x").destination!("t")!.capabilities.maxCommitBytes).toBe(512 * 1024 * 1024);
    expect(lance("/x", { maxCommitBytes: 1e8 }).destination!("t")!.capabilities.maxCommitBytes).toBe(1e8);
    for (const maxCommitBytes of [0, 1.5, -1, NaN, 5 * 1024 ** 3]) {
      expect(() => lance("/x", { maxCommitBytes })).toThrow(expect.objectContaining({ code: "invalid_definition" }));
    }
  });
});

describe("a row that a column of the table refuses", () => {
  async function strict() {
    const lake = await lakeFolder();
    const fields = [new Field("id", new Int64(), false), new Field("label", new Utf8(), true)];
    await (await lake.plain()).createEmptyTable("results", new Schema(fields));
    return lake;
  }

  it("with a null in it is refused by the column's name", async () => {
    await using lake = await strict();
    for (const mode of ["append", "overwrite"] as const) {
      const steps = [sampleRows(1, 3), [{ label: "no id" }]];
      await expect(write(lake.destination(), { commitId: mode, mode, steps })).rejects.toMatchObject({
        code: "destination_failed",
        columns: ["id"],
        retryable: false,
      });
    }
    expect(await lake.ids()).toEqual([]);
    await write(lake.destination(), { commitId: "good", steps: [sampleRows(1, 2)] });
    expect(await lake.ids()).toEqual([1, 2]);
  });

  it("without the column is refused, where Lance itself would fill in something", async () => {
    await using lake = await strict();
    const schema: TableSchema = { columns: SAMPLE.columns.slice(1) };
    const trial = { commitId: "a", schema, steps: [[{ label: "x" }]] };
    await expect(write(lake.destination(), trial)).rejects.toMatchObject({ code: "schema_mismatch", columns: ["id"] });
  });

  it.each(["_commit", "_rowid", "a.b", "a`b", "*", ""])("a new table with a column %j is refused", async (name) => {
    await using lake = await lakeFolder();
    const schema: TableSchema = { columns: [{ name, type: { kind: "text" }, nullable: true }] };
    const trial = { commitId: "a", schema, steps: [[{ [name]: "x" }]], ...CREATE };
    await expect(write(lake.destination(), trial)).rejects.toMatchObject({ code: "schema_mismatch", columns: [name] });
    expect(await lake.read()).toBeNull();
  });
});

describe("somebody else", () => {
  it("made the table while the rows were read: the rows are appended to it if it has their shape", async () => {
    await using lake = await lakeFolder();
    const other = lance(lake.path);
    const overtaken = () =>
      write(other.destination!("results")!, { commitId: "b", steps: [sampleRows(1, 2)], ...CREATE });
    const steps = [sampleRows(3, 2), async () => void (await overtaken())];
    await write(lake.destination(), { commitId: "a", steps, ...CREATE });
    expect(await lake.ids()).toEqual([1, 2, 3, 4]);
    await other.close();
  });

  it("of our own makes it at the same time: both results are there", async () => {
    await using lake = await lakeFolder();
    const others = Array.from({ length: 4 }, () => lance(lake.path));
    await Promise.all(
      others.map((other, index) => {
        const steps = [sampleRows(10 * index + 1, 10)];
        return write(other.destination!("results")!, { commitId: `c${index}`, steps, ...CREATE });
      }),
    );
    expect(await lake.ids()).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    await Promise.all(others.map((other) => other.close()));
  });

  it("made or changed it with other columns: the write fails, and can be repeated", async () => {
    await using lake = await lakeFolder();
    const database = await lake.plain();
    const overtaken = async () => {
      const table = new Table({ id: vectorFromArray([1n], new Int64()) });
      await database.createTable("results", table, { mode: "overwrite" });
    };
    const trial = { commitId: "a", steps: [sampleRows(3, 2), overtaken], ...CREATE };
    await expect(write(lake.destination(), trial)).rejects.toMatchObject({
      code: "destination_failed",
      retryable: true,
    });
    expect(await lake.ids()).toEqual([1]);
  });

  it("appends while an overwrite reads its rows: the overwrite replaces what is there when it commits", async () => {
    await using lake = await lakeFolder();
    await write(lake.destination(), { commitId: "a", steps: [sampleRows(1, 2)], ...CREATE });
    const table = await (await lake.plain()).openTable("results");
    const append = async () => void (await table.add([{ id: 77n, label: "x" }]));
    await write(lake.destination(), { commitId: "b", mode: "overwrite", steps: [sampleRows(5, 1), append] });
    expect(await lake.ids()).toEqual([5]);
    expect((await lake.settle("b")).state).toBe("committed");
  });

  it("holds the table's lock for too long: the write fails by the table's name, and is retried", async () => {
    await using lake = await lakeFolder({ lockWaitMs: 50 });
    await write(lake.destination(), { commitId: "a", steps: [sampleRows(1, 2)], ...CREATE });
    const journal = await TableJournal.open(lake.path, "results", { signal: NEVER_ABORTED, waitMs: 0 });
    await expect(write(lake.destination(), { commitId: "b", steps: [sampleRows(3, 2)] })).rejects.toMatchObject({
      code: "connection_unavailable",
      retryable: true,
      message: expect.stringContaining(`"results"`) as string,
    });
    const controller = new AbortController();
    const reason = new Error("cancelled");
    const patient = lance(lake.path, { lockWaitMs: 60_000 });
    const waiting = write(patient.destination!("results")!, {
      commitId: "c",
      steps: [sampleRows(3, 2), () => controller.abort(reason)],
      signal: controller.signal,
    });
    await expect(waiting).rejects.toBe(reason);
    journal?.release();
    await write(lake.destination(), { commitId: "d", steps: [sampleRows(3, 2)] });
    expect(await lake.ids()).toEqual([1, 2, 3, 4]);
    await patient.close();
  });

  it(
    "in another process appends at the same time: nothing is lost and nothing doubled",
    { timeout: 60_000 },
    async () => {
      await using lake = await lakeFolder();
      await write(lake.destination(), { commitId: "a", steps: [sampleRows(1, 1)], ...CREATE });
      const children = [0, 1].map((writer) => {
        const plan = { folder: lake.path, first: 1_000 * (writer + 1), commits: 8, rows: 50 };
        return once(sourceProcess(new URL("./lance-appender-child.ts", import.meta.url), plan), "exit");
      });
      expect((await Promise.all(children)).map(([code]) => code as number)).toEqual([0, 0]);
      const expected = [1_000, 2_000].flatMap((first) => Array.from({ length: 400 }, (_, index) => first + index));
      expect(await lake.ids()).toEqual([1, ...expected]);
    },
  );
});
