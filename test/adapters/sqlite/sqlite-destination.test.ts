import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sqlite } from "../../../src/adapters/sqlite/sqlite-connection.js";
import type { DataType } from "../../../src/model/data-type.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import { SAMPLE, sampleRows, write } from "../../../src/testing/destination/destination-fixture.js";
import type { SampleValue } from "../../../src/testing/rows/column-buffers.js";
import { recordBatch } from "../../../src/testing/rows/record-batch.js";
import { sqliteFile } from "../../support/sqlite-file.js";

const NEVER_ABORTED = new AbortController().signal;
const BIGINT: DataType = { kind: "integer", bits: 64, signed: true };
const DOUBLE: DataType = { kind: "float", bits: 64 };

function schemaOf(columns: Readonly<Record<string, DataType>>): TableSchema {
  return { columns: Object.entries(columns).map(([name, type]) => ({ name, type, nullable: true })) };
}

describe("the schema that sqlite() sees", () => {
  it("tells what a row must have, what it may have, and what it cannot have", async () => {
    await using file = await sqliteFile(`
      create table t (
        id integer primary key,
        must text not null,
        given integer not null default 3,
        empty not null default null,
        doubled int generated always as (given * 2) stored,
        tripled as (given * 3),
        amount decimal(10, 2),
        seen datetime
      )`);
    const schema = await file.destination("t").schema(NEVER_ABORTED);
    expect(schema?.columns).toEqual([
      { name: "id", type: BIGINT, nullable: true, hasDefault: true, nativeType: "INTEGER" },
      { name: "must", type: { kind: "text" }, nullable: false, nativeType: "TEXT" },
      { name: "given", type: BIGINT, nullable: false, hasDefault: true, nativeType: "INTEGER" },
      { name: "empty", type: { kind: "any" }, nullable: false, nativeType: "" },
      { name: "doubled", type: BIGINT, nullable: true, generated: true, nativeType: "INT" },
      { name: "tripled", type: { kind: "any" }, nullable: true, generated: true, nativeType: "" },
      {
        name: "amount",
        type: { kind: "decimal", precision: 10, scale: 2 },
        nullable: true,
        nativeType: "decimal(10, 2)",
      },
      { name: "seen", type: { kind: "timestamp", unit: "us", zoned: false }, nullable: true, nativeType: "datetime" },
    ]);
  });

  it.each([
    [
      "an integer key of a table WITHOUT ROWID",
      "create table t (id integer primary key) without rowid",
      false,
      undefined,
    ],
    ["a descending integer key", "create table t (id integer primary key desc)", true, undefined],
    ["an INT key", "create table t (id int primary key)", true, undefined],
    ["a key of two columns", "create table t (id integer, other integer, primary key (id, other))", true, undefined],
    ["an integer key", "create table t (id INTEGER, primary key (id))", true, true],
  ])("knows whether %s fills itself", async (_what, definition, nullable, hasDefault) => {
    await using file = await sqliteFile(definition);
    const column = (await file.destination("t").schema(NEVER_ABORTED))?.columns[0];
    expect(column).toMatchObject({ name: "id", nullable });
    expect(column?.hasDefault).toBe(hasDefault);
  });

  it("finds a table in any case, as SQLite does", async () => {
    await using file = await sqliteFile("create table Orders (id integer)");
    expect(await file.destination("orders").schema(NEVER_ABORTED)).not.toBeNull();
  });

  it.each([
    ["create view t as select 1 as id", '"t" is a view'],
    ["create virtual table t using fts5(id)", '"t" is a virtual table'],
  ])("refuses %s", async (definition, message) => {
    await using file = await sqliteFile(definition);
    const refusal = { code: "destination_resolution_failed", message: expect.stringContaining(message) as string };
    await expect(file.destination("t").schema(NEVER_ABORTED)).rejects.toMatchObject(refusal);
    await expect(write(file.destination("t"), { commitId: "a", steps: [] })).rejects.toMatchObject(refusal);
  });
});

describe("what sqlite() stores", () => {
  it("keeps integers whole where a column has no type, a number type or is STRICT", async () => {
    await using file = await sqliteFile("create table t (a, b integer, c numeric, d real)");
    file.open().exec("create table strict (a any, b integer, c int, d real) strict");
    const schema = schemaOf({ a: BIGINT, b: BIGINT, c: BIGINT, d: { kind: "integer", bits: 32, signed: true } });
    const values = [0n, 1n, -1n, 2n ** 53n, -(2n ** 53n), 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
    const rows = values.map((value) => ({ a: value, b: value, c: value, d: 1 }));
    for (const table of ["t", "strict"]) {
      await write(file.destination(table), { commitId: table, schema, steps: [rows] });
      const read = file
        .open()
        .prepare(`select a, b, c, d, typeof(a) || typeof(b) || typeof(c) || typeof(d) as types from ${table}`);
      expect(read.all()).toEqual(
        values.map((value) => ({ a: value, b: value, c: value, d: 1, types: "integerintegerintegerreal" })),
      );
    }
  });

  it("keeps text as text where it looks like a number", async () => {
    await using file = await sqliteFile("create table t (typed text, untyped)");
    const schema = schemaOf({ typed: { kind: "text" }, untyped: { kind: "text" } });
    await write(file.destination("t"), { commitId: "a", schema, steps: [[{ typed: "007", untyped: "1e3" }]] });
    const row = file.open().prepare("select *, typeof(typed) a, typeof(untyped) b from t").get();
    expect(row).toEqual({ typed: "007", untyped: "1e3", a: "text", b: "text" });
  });

  it("keeps infinities, and both ends of time", async () => {
    await using file = await sqliteFile();
    const schema = schemaOf({ f: DOUBLE, t: { kind: "timestamp", unit: "us", zoned: false }, d: { kind: "date" } });
    const steps = [
      [
        { f: Infinity, t: 2n ** 63n - 1n, d: 2 ** 31 - 1 },
        { f: -Infinity, t: -(2n ** 63n - 1n), d: -(2 ** 31 - 1) },
      ],
    ];
    await write(file.destination("t"), { commitId: "a", schema, steps, createIfMissing: true });
    expect(file.open().prepare("select * from t").all()).toEqual([
      { f: Infinity, t: "infinity", d: "infinity" },
      { f: -Infinity, t: "-infinity", d: "-infinity" },
    ]);
  });

  it.each<[string, DataType, SampleValue, RegExp]>([
    ["NaN", DOUBLE, Number.NaN, /Column "x" of "t": SQLite has no NaN/],
    ["a date after 9999", { kind: "date" }, 2_932_897, /Column "x" of "t": a year outside 1 to 9999/],
    ["an instant BC", { kind: "timestamp", unit: "s", zoned: true }, -99_999_999_999n, /Column "x" of "t": a year/],
  ])("refuses %s by its column and leaves nothing", async (_what, type, value, message) => {
    await using file = await sqliteFile("create table t (id integer, x)");
    const schema = schemaOf({ id: BIGINT, x: type });
    const good = Array.from({ length: 300 }, (_, id) => ({ id, x: 0 }));
    await expect(
      write(file.destination("t"), { commitId: "a", schema, steps: [good, [...good, { id: 1, x: value }]] }),
    ).rejects.toMatchObject({
      code: "destination_failed",
      message: expect.stringMatching(message) as string,
      columns: ["x"],
      retryable: false,
    });
    expect(file.open().prepare("select count(*) n from t").get()).toEqual({ n: 0n });
    await expect(file.destination("t").settleCommit("a", NEVER_ABORTED)).resolves.toEqual({ state: "never" });
  });

  it("takes slices of batches, of every layout that a column can have", async () => {
    await using file = await sqliteFile();
    const schema = schemaOf({
      id: BIGINT,
      flag: { kind: "boolean" },
      word: { kind: "text" },
      raw: { kind: "bytes" },
      pick: { kind: "enum", values: ["x", "y", "z"] },
      uuid: { kind: "uuid" },
      amount: { kind: "decimal", precision: 20, scale: 2 },
    });
    const rows = Array.from({ length: 40 }, (_, id) => ({
      id,
      flag: id % 5 < 2,
      word: id % 4 === 0 ? null : `wörd ${id}`,
      raw: Uint8Array.of(id, 0, id),
      pick: ["x", "y", "z"][id % 3]!,
      uuid: `00000000-0000-4000-8000-0000000000${String(id).padStart(2, "0")}`,
      amount: BigInt(id) * 101n,
    }));
    const batch = recordBatch(schema, rows);
    const steps = [batch.slice(3, 11), batch.slice(13, 40), batch.slice(7, 7)];
    await write(file.destination("t"), { commitId: "a", schema, steps, createIfMissing: true });
    const expected = [...rows.slice(3, 11), ...rows.slice(13)].map(({ id, flag, word, raw, pick, uuid, amount }) => {
      const text = `${amount / 100n}.${String(amount % 100n).padStart(2, "0")}`;
      return { id: BigInt(id), flag: flag ? 1n : 0n, word, raw: Buffer.from(raw), pick, uuid, amount: text };
    });
    expect(file.open().prepare("select * from t").all()).toEqual(expected);
  });

  it("leaves a batch whole of which others hold a part", async () => {
    await using file = await sqliteFile("create table t (id integer, label text)");
    const batch = recordBatch(SAMPLE, sampleRows(1, 100));
    const kept = batch.slice(50, 60);
    await write(file.destination("t"), { commitId: "a", steps: [batch.slice(0, 50)] });
    expect(kept.toArray().map((row) => row["id"] as bigint)).toEqual(
      sampleRows(51, 10).map(({ id }) => BigInt(id as number)),
    );
  });

  it("says what became of a commit id that is used again", async () => {
    await using file = await sqliteFile("create table t (id integer, label text)");
    await write(file.destination("t"), { commitId: "a" });
    await file.destination("t").settleCommit("b", NEVER_ABORTED);
    const again = (commitId: string) => write(file.destination("t"), { commitId });
    await expect(again("a")).rejects.toMatchObject({ message: "Commit a has landed already.", retryable: false });
    await expect(again("b")).rejects.toMatchObject({ message: "Commit b was given up and may not land any more." });
  });

  it("moves batches of any shape: one row, more than a statement takes, many columns", async () => {
    await using file = await sqliteFile();
    const names = Array.from({ length: 900 }, (_, index) => `c${index}`);
    const schema = schemaOf(Object.fromEntries(names.map((name) => [name, BIGINT])));
    const row = (first: number) => Object.fromEntries(names.map((name, index) => [name, first + index]));
    const steps = [[row(0)], [], Array.from({ length: 7 }, (_, index) => row(index + 1))];
    await write(file.destination("wide"), { commitId: "a", schema, steps, createIfMissing: true });
    const sums = file.open().prepare("select count(*) n, sum(c0) c0, sum(c899) c899 from wide").get();
    expect(sums).toEqual({ n: 8n, c0: 28n, c899: 28n + 8n * 899n });
    await write(file.destination("tall"), { commitId: "b", steps: [sampleRows(1, 1_037)], createIfMissing: true });
    const tall = file.open().prepare("select count(*) n, sum(id) s, min(label) l from tall").get();
    expect(tall).toEqual({ n: 1_037n, s: (1_037n * 1_038n) / 2n, l: "row 1" });
  });
});

describe("what sqlite() leaves as it was", () => {
  it("keeps triggers, views and indexes through an overwrite, and fires the triggers", async () => {
    await using file = await sqliteFile(`
      create table t (id integer, label text);
      create index by_label on t (label);
      create view labels as select label from t;
      create table log (what text, id integer);
      create trigger added after insert on t begin insert into log values ('added', new.id); end;
      create trigger removed after delete on t begin insert into log values ('removed', old.id); end;
      insert into t values (1, 'old')`);
    await write(file.destination("t"), { commitId: "a", mode: "overwrite", steps: [sampleRows(2, 1)] });
    const database = file.open();
    expect(database.prepare("select * from labels").all()).toEqual([{ label: "row 2" }]);
    expect(database.prepare("select * from log").all()).toEqual([
      { what: "added", id: 1n },
      { what: "removed", id: 1n },
      { what: "added", id: 2n },
    ]);
    expect(database.pragma("index_list(t)")).toHaveLength(1);
  });

  it("leaves the journal mode as it finds it", async () => {
    await using file = await sqliteFile("create table t (id integer, label text)");
    await write(file.destination("t"), { commitId: "a", steps: [sampleRows(1, 1)] });
    expect(file.open().pragma("journal_mode", { simple: true })).toBe("delete");
    file.open().pragma("journal_mode = wal");
    await write(file.destination("t"), { commitId: "b", steps: [sampleRows(2, 1)] });
    expect(file.open().pragma("journal_mode", { simple: true })).toBe("wal");
  });

  it.each([
    [
      "a trigger that ignores rows",
      `create table t (id integer, label text);
       create trigger quiet before insert on t when new.id = 2 begin select raise(ignore); end`,
    ],
  ])("does not let %s drop rows in silence", async (_what, definition) => {
    await using file = await sqliteFile(definition);
    const steps = [[...sampleRows(1, 3), ...sampleRows(2, 1)]];
    await expect(write(file.destination("t"), { commitId: "a", steps })).rejects.toMatchObject({
      code: "destination_failed",
      message: expect.stringMatching(/left out [12] of the rows/) as string,
    });
    expect(file.open().prepare("select count(*) n from t").get()).toEqual({ n: 0n });
  });

  it.each([
    ["NOT NULL", "create table t (id integer, label text not null)"],
    ["UNIQUE", "create table t (id integer, label text unique)"],
    ["UNIQUE", "create table t (id integer, label text unique on conflict rollback)"],
    ["UNIQUE", "create table t (id integer, label text unique on conflict ignore)"],
    ["UNIQUE", "create table t (id integer, label text unique on conflict replace)"],
    ["CHECK", "create table t (id integer, label text check (id < 900))"],
  ])("takes nothing when a row breaks a %s constraint: %s", async (kind, definition) => {
    await using file = await sqliteFile(definition);
    const broken = [{ id: 999, label: kind === "NOT NULL" ? null : "row 1" }];
    const steps = [sampleRows(1, 500), broken, sampleRows(501, 300), sampleRows(801, 50)];
    await expect(write(file.destination("t"), { commitId: "a", steps })).rejects.toMatchObject({
      code: "destination_failed",
      message: expect.stringContaining(`${kind} constraint failed`) as string,
      retryable: false,
    });
    expect(file.open().prepare("select count(*) n from t").get()).toEqual({ n: 0n });
    expect(file.open().prepare("select count(*) n from sqlite_schema where name like '%millrace%'").get()).toEqual({
      n: 0n,
    });
  });

  it("refuses an overwrite that would orphan rows of another table", async () => {
    await using file = await sqliteFile(`
      create table t (id integer primary key, label text);
      create table child (parent integer references t (id));
      insert into t values (1, 'old'); insert into child values (1)`);
    const overwrite = write(file.destination("t"), { commitId: "a", mode: "overwrite", steps: [sampleRows(2, 1)] });
    await expect(overwrite).rejects.toMatchObject({ message: expect.stringContaining("FOREIGN KEY") as string });
    expect(file.open().prepare("select id from t").all()).toEqual([{ id: 1n }]);
  });

  it("finds out when the table has changed since the pre-flight", async () => {
    await using file = await sqliteFile("create table t (id integer, label text)");
    const change = () =>
      void file
        .open()
        .exec(
          "alter table t drop column label; alter table t add column must not null default 1; alter table t add column name text",
        );
    await expect(
      write(file.destination("t"), { commitId: "a", steps: [change, sampleRows(1, 1)] }),
    ).rejects.toMatchObject({
      code: "schema_mismatch",
      columns: ["label"],
      message: expect.stringContaining('no column "label"') as string,
    });
  });
});

describe("sqlite() as a connection", () => {
  it("is read-only unless it is opened for writing", async () => {
    await using file = await sqliteFile("create table t (id integer)");
    const connection = sqlite(file.path);
    expect(connection.capabilities).toMatchObject({ kind: "sqlite", write: "read_only" });
    expect(connection.capabilities.writeHint).toContain("read_write");
    expect((await connection.destination?.("t")?.schema(NEVER_ABORTED))?.columns).toHaveLength(1);
    await expect(write(connection.destination!("t")!, { commitId: "a", schema: SAMPLE })).rejects.toMatchObject({
      code: "destination_failed",
    });
    await connection.close();
  });

  it("names the file by its real path, so that a link to it is the same resource", async () => {
    await using file = await sqliteFile("create table t (id integer)");
    const link = join(file.folder, "link.db");
    await symlink(file.path, link);
    expect(sqlite(link).capabilities.resource).toBe(sqlite(file.path).capabilities.resource);
    await symlink(file.folder, join(file.folder, "folder"));
    const unmade = sqlite(join(file.folder, "folder", "unmade.db")).capabilities.resource;
    expect(unmade).toBe(sqlite(join(file.folder, "unmade.db")).capabilities.resource);
  });

  it.each(["", "sqlite_master", "_millrace_commits", "_MILLRACE_COMMITS", "main.t", "TEMP.t", "nul\0"])(
    "has no table %j",
    async (name) => {
      await using file = await sqliteFile();
      expect(file.connection.destination?.(name)).toBeUndefined();
    },
  );

  it.each(["", ":memory:", "a\0b"])("refuses the path %j", (path) => {
    expect(() => sqlite(path)).toThrow(expect.objectContaining({ code: "invalid_definition", field: "path" }) as Error);
  });
});
