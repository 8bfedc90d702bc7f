import { readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type * as Arrow from "apache-arrow";
import * as otherArrow from "apache-arrow";
import type { Connection as Lance, Table as LanceTable } from "@lancedb/lancedb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LakeFolder, lakeFolder } from "./lake-folder.js";

// What Lance does by itself, and why the adapter does not leave it to Lance. A test that fails after an upgrade of the
// driver says that a precaution may no longer be needed, or that another one is.

// The copy of Arrow that Lance itself uses: it looks at classes.
const arrow = createRequire(import.meta.url)("apache-arrow") as typeof Arrow;
const { Field, Float64, Int64, Map_, Schema, Struct, Utf8, makeData, RecordBatch, Table, vectorFromArray } = arrow;

let lake: LakeFolder;
let database: Lance;

beforeEach(async () => {
  lake = await lakeFolder();
  database = await lake.plain();
});

afterEach(() => lake[Symbol.asyncDispose]());

interface Shape {
  readonly metadata?: Map<string, string>;
  /** Makes `id` the primary key. */
  readonly key?: "nullable" | "not null";
}

function rowsOf(ids: readonly number[], { metadata, key }: Shape = {}): Arrow.Table {
  const mark = "lance-schema:unenforced-primary-key";
  const marks =
    key &&
    new Map([
      [mark, "true"],
      [`${mark}:position`, "1"],
    ]);
  const fields = [new Field("id", new Int64(), key !== "not null", marks), new Field("label", new Utf8(), true)];
  const children = [
    vectorFromArray(ids.map(BigInt), new Int64()).data[0]!,
    vectorFromArray(
      ids.map((id) => `row ${id}`),
      new Utf8(),
    ).data[0]!,
  ];
  const schema = new Schema(fields, metadata);
  if (ids.length === 0) return new Table(schema);
  return new Table(new RecordBatch(schema, makeData({ type: new Struct(fields), length: ids.length, children })));
}

async function idsIn(table: LanceTable): Promise<readonly number[]> {
  await table.checkoutLatest();
  const rows = (await table.query().toArray()) as { id: bigint }[];
  return rows.map(({ id }) => Number(id)).sort((left, right) => left - right);
}

function merge(table: LanceTable, rows: Arrow.Table): Promise<unknown> {
  return table.mergeInsert("id").whenMatchedUpdateAll().whenNotMatchedInsertAll().execute(rows);
}

describe("where a commit's id can be left", () => {
  it("in the schema's metadata by making and overwriting a table, and not by appending or merging", async () => {
    const kept = async () => (await table.schema()).metadata.get("commit");
    const table = await database.createTable("t", rowsOf([1], { metadata: new Map([["commit", "a"]]) }));
    expect(await kept()).toBe("a");
    await table.add(rowsOf([2], { metadata: new Map([["commit", "b"]]) }));
    await merge(table, rowsOf([2], { metadata: new Map([["commit", "c"]]) }));
    expect(await kept()).toBe("a");
  });
});

describe("what add() does with rows that do not fit", () => {
  it("truncates 7.9 to 7, without an error", async () => {
    const table = await database.createTable("t", rowsOf([1]));
    await table.add([{ id: 7.9, label: "x" }], {}).catch(() => undefined);
    const fields = [new Field("id", new Float64(), true)];
    const children = [vectorFromArray([7.9], new Float64()).data[0]!];
    const batch = new RecordBatch(new Schema(fields), makeData({ type: new Struct(fields), length: 1, children }));
    await table.add(new Table(batch));
    expect(await idsIn(table)).toContain(7);
  });

  it("fills a missing column with nulls, and takes no table without rows", async () => {
    const table = await database.createTable("t", rowsOf([1]));
    await table.add(rowsOf([2]).select(["id"]));
    expect(await idsIn(table)).toEqual([1, 2]);
    await expect(table.add(rowsOf([]))).rejects.toThrow();
  });
});

describe("two writers", () => {
  it("who make one table at once may both succeed, the second in place of the first", async () => {
    const outcomes = [];
    for (let trial = 0; trial < 20; trial++) {
      const others = await Promise.all([lake.plain(), lake.plain()]);
      const made = await Promise.allSettled(
        others.map((other, index) => other.createTable(`t${trial}`, rowsOf([index]))),
      );
      const rows = await idsIn(await database.openTable(`t${trial}`));
      outcomes.push({ succeeded: made.filter(({ status }) => status === "fulfilled").length, rows: rows.length });
    }
    // Never both contents: this is why making a table needs the lock.
    expect(outcomes.every(({ rows }) => rows === 1)).toBe(true);
  });

  it("one of whom overwrites through a handle that missed an append drops that append", async () => {
    const stale = await database.createTable("t", rowsOf([1]));
    await (await (await lake.plain()).openTable("t")).add(rowsOf([2]));
    await stale.add(rowsOf([3]), { mode: "overwrite" });
    expect(await idsIn(stale)).toEqual([3]);
  });

  it("who merge a new key at once both leave a row, unless it is a primary key that is not null", async () => {
    const both = async (table: string) => {
      const handles = await Promise.all(Array.from({ length: 2 }, async () => (await lake.plain()).openTable(table)));
      await Promise.allSettled(handles.map((handle) => merge(handle, rowsOf([7]))));
      return (await idsIn(handles[0]!)).length;
    };
    await database.createTable("with", rowsOf([1], { key: "not null" }));
    await database.createTable("without", rowsOf([1]));
    expect(await both("with")).toBe(2);
    expect(await both("without")).toBe(3);
  });

  it("of whom one restores a version: a stale append fails, and a stale overwrite still lands", async () => {
    await database.createTable("t", rowsOf([1]));
    const [restoring, appending, overwriting] = await Promise.all([1, 2, 3].map(() => database.openTable("t")));
    await restoring!.checkout(1);
    await restoring!.restore();
    await expect(appending!.add(rowsOf([2]))).rejects.toThrow();
    await overwriting!.add(rowsOf([3]), { mode: "overwrite" });
    expect(await idsIn(overwriting!)).toEqual([3]);
  });
});

describe("merging", () => {
  it("inserts two new rows of one key both", async () => {
    const table = await database.createTable("t", rowsOf([1]));
    await merge(table, rowsOf([5, 5]));
    expect(await idsIn(table)).toEqual([1, 5, 5]);
  });

  it("replaces each of several rows that have one key", async () => {
    const table = await database.createTable("t", rowsOf([1, 1]));
    await merge(table, rowsOf([1]));
    expect(await idsIn(table)).toEqual([1, 1]);
  });

  it("leaves a column that its rows lack as it was, where an upsert replaces rows whole", async () => {
    const table = await database.createTable("t", rowsOf([1]));
    await merge(table, rowsOf([1]).select(["id"]));
    const [row] = (await table.query().toArray()) as { label: string | null }[];
    expect(row?.label).toBe("row 1");
  });

  it("breaks a table whose primary key may be null", async () => {
    const outcome = await database.createTable("t", rowsOf([1], { key: "nullable" })).then(
      async (table) =>
        merge(table, rowsOf([2])).then(
          () => "merged",
          () => "broken",
        ),
      () => "refused",
    );
    expect(outcome).not.toBe("merged");
  });
});

describe("tables", () => {
  it("without a version are listed, cannot be opened, and can be made", async () => {
    await database.createTable("t", rowsOf([1]));
    await rm(join(lake.path, "t.lance", "_versions"), { recursive: true });
    expect(await database.tableNames()).toContain("t");
    await expect(database.openTable("t")).rejects.toThrow();
    expect(await idsIn(await database.createTable("t", rowsOf([2])))).toEqual([2]);
  });

  it("that were deleted are written through an open handle, and are broken then", async () => {
    const table = await database.createTable("t", rowsOf([1]));
    await rm(join(lake.path, "t.lance"), { recursive: true });
    await table.add(rowsOf([2]));
    await expect(idsIn(await database.openTable("t"))).rejects.toThrow();
  });

  it("keep no maps but in a newer storage version, and take no text with 64-bit offsets of another copy of Arrow", async () => {
    const entry = new Struct([new Field("key", new Utf8(), false), new Field("value", new Utf8(), true)]);
    const maps = vectorFromArray([new Map([["a", "b"]])], new Map_(new Field("entries", entry, false)));
    await expect(database.createTable("maps", new Table({ maps }))).rejects.toThrow();
    await database.createTable("newer", new Table({ maps }), { dataStorageVersion: "2.2" });
    const large = otherArrow.vectorFromArray(["a"], new otherArrow.LargeUtf8());
    await expect(database.createTable("large", new otherArrow.Table({ large }))).rejects.toThrow(/type id/);
  });

  it("take a new column only as a field of Lance's own copy of Arrow", async () => {
    const table = await database.createTable("t", rowsOf([1]));
    await table.addColumns([new Field("_commit", new Utf8(), true)]);
    expect((await table.schema()).names).toEqual(["id", "label", "_commit"]);
  });
});

it("all versions are never listed to look one up: that is quadratic, and takes a gigabyte for 3,000", async () => {
  const folder = "src/adapters/lance";
  for (const name of await readdir(folder, { recursive: true })) {
    if (name.endsWith(".ts")) expect(await readFile(join(folder, name), "utf8")).not.toContain("listVersions");
  }
});
