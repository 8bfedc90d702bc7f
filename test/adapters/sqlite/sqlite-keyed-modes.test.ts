import { describe, expect, it } from "vitest";
import type { DataType } from "../../../src/model/data-type.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import type { WriteMode } from "../../../src/model/write-mode.js";
import { write } from "../../../src/testing/destination/destination-fixture.js";
import type { SampleRow } from "../../../src/testing/rows/record-batch.js";
import { type SqliteFile, sqliteFile } from "../../support/sqlite-file.js";

const TEXT: DataType = { kind: "text" };

function schemaOf(columns: Readonly<Record<string, DataType>>): TableSchema {
  return { columns: Object.entries(columns).map(([name, type]) => ({ name, type, nullable: true })) };
}

const CUSTOMERS = schemaOf({ email: TEXT, name: TEXT });

function load(
  file: SqliteFile,
  mode: WriteMode,
  rows: readonly SampleRow[],
  { commitId = "a", schema = CUSTOMERS }: { readonly commitId?: string; readonly schema?: TableSchema } = {},
) {
  return write(file.destination("t"), { commitId, schema, mode, steps: [rows] });
}

const rowsOf = (file: SqliteFile, sql = "select * from t order by 1") => file.open().prepare(sql).all();

describe("deleteInsert into sqlite()", () => {
  const byEmail: WriteMode = { kind: "deleteInsert", keys: ["email"] };

  it("fills what the rows lack, and gives new rows new numbers", async () => {
    await using file = await sqliteFile(`
      create table t (id integer primary key autoincrement, email text, name text, note text default 'none', size as (length(name)));
      insert into t (email, name, note) values ('a@x', 'Ann', 'old'), ('b@x', 'Bob', 'old'), ('b@x', 'Bert', 'old')`);
    const rows = ["Ben", "Bill"].map((name) => ({ email: "b@x", name }));
    await load(file, byEmail, rows);
    expect(rowsOf(file)).toEqual([
      { id: 1n, email: "a@x", name: "Ann", note: "old", size: 3n },
      { id: 4n, email: "b@x", name: "Ben", note: "none", size: 3n },
      { id: 5n, email: "b@x", name: "Bill", note: "none", size: 4n },
    ]);
  });

  it("takes keys for the same where the table's own constraint does, and compares exactly elsewhere", async () => {
    await using file = await sqliteFile(
      `create table t (email text collate nocase unique, name text); insert into t values ('A@x', 'Ann')`,
    );
    await load(file, byEmail, [{ email: "a@X", name: "Anna" }]);
    expect(rowsOf(file)).toEqual([{ email: "a@X", name: "Anna" }]);
    file.open().exec("drop table t; create table t (email text collate nocase, name text)");
    file.open().exec("insert into t values ('A@x', 'Ann')");
    await load(file, byEmail, [{ email: "a@x", name: "Anna" }], { commitId: "b" });
    expect(rowsOf(file)).toHaveLength(2);
  });

  it("is refused where it would delete rows that others refer to, by whatever keys", async () => {
    await using file = await sqliteFile(`
      create table t (email text primary key, name text);
      create table orders (customer text references t (email) on delete cascade);
      insert into t values ('a@x', 'Ann'); insert into orders values ('a@x')`);
    await expect(load(file, byEmail, [{ email: "a@x", name: "Anna" }])).rejects.toMatchObject({
      code: "destination_failed",
      retryable: false,
      columns: ["email"],
      message: expect.stringContaining("deleteInsert") as string,
    });
    expect(rowsOf(file, "select * from orders")).toEqual([{ customer: "a@x" }]);
  });

  it.each([byEmail, { kind: "upsert", keys: ["email"] }, { kind: "overwrite" }] as const)(
    "is refused, as other modes are, where a trigger keeps rows: %j",
    async (mode) => {
      await using file = await sqliteFile(`create table t (email text, name text); insert into t values ('a@x', 'Ann');
        create trigger keep before delete on t begin select raise(ignore); end`);
      await expect(load(file, mode, [{ email: "a@x", name: "Anna" }])).rejects.toThrow("kept rows");
      expect(rowsOf(file)).toEqual([{ email: "a@x", name: "Ann" }]);
    },
  );

  it("lets rows exchange values of another unique column, which an upsert refuses and says so", async () => {
    await using file = await sqliteFile(
      `create table t (email text primary key, name text unique); insert into t values ('a@x', 'A'), ('b@x', 'B')`,
    );
    const rows = [
      { email: "a@x", name: "B" },
      { email: "b@x", name: "A" },
    ];
    const error = await load(file, { kind: "upsert", keys: ["email"] }, rows).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "destination_failed", retryable: false });
    expect(error).toHaveProperty("message", expect.stringContaining("t.name"));
    expect(error).toHaveProperty("hint", expect.stringContaining("deleteInsert"));
    expect(rowsOf(file)).toEqual([
      { email: "a@x", name: "A" },
      { email: "b@x", name: "B" },
    ]);
    await load(file, byEmail, rows, { commitId: "b" });
    expect(rowsOf(file)).toEqual(rows);
  });
});

describe("insertOnly into sqlite()", () => {
  const byEmail: WriteMode = { kind: "insertOnly", keys: ["email"] };
  const definitions = [
    "create table t (email text unique, name text, note text default 'none')",
    "create table t (email text, name text, note text default 'none')",
    "create table t (email text primary key, name text, note text default 'none') without rowid",
  ];

  it.each(definitions)("adds what is new, with the defaults of what it lacks: %s", async (definition) => {
    await using file = await sqliteFile(`${definition}; insert into t values ('a@x', 'Ann', 'old')`);
    const rows = ["c@x", "a@x", "b@x"].map((email) => ({ email, name: "new" }));
    const { receipt } = await load(file, byEmail, rows);
    expect(receipt.rowsWritten).toBe(2);
    expect(rowsOf(file)).toEqual([
      { email: "a@x", name: "Ann", note: "old" },
      { email: "b@x", name: "new", note: "none" },
      { email: "c@x", name: "new", note: "none" },
    ]);
  });

  it("goes by the row's own number", async () => {
    await using file = await sqliteFile(
      "create table t (id integer primary key, name text); insert into t values (2, 'old')",
    );
    const schema = schemaOf({ id: { kind: "integer", bits: 64, signed: true }, name: TEXT });
    const rows = [1n, 2n, 3n].map((id) => ({ id, name: "new" }));
    await load(file, { kind: "insertOnly", keys: ["id"] }, rows, { schema });
    expect(rowsOf(file)).toEqual([
      { id: 1n, name: "new" },
      { id: 2n, name: "old" },
      { id: 3n, name: "new" },
    ]);
  });

  it("takes keys for the same where the table's own constraint does", async () => {
    await using file = await sqliteFile(
      `create table t (email text collate nocase unique, name text); insert into t values ('A@x', 'Ann')`,
    );
    const twice = ["b@x", "a@X", "B@X"].map((email, n) => ({ email, name: `${n}` }));
    await expect(load(file, byEmail, twice)).rejects.toMatchObject({ code: "destination_failed", columns: ["email"] });
    await load(file, { ...byEmail, onDuplicate: "keepFirst" }, twice, { commitId: "b" });
    expect(rowsOf(file)).toEqual([
      { email: "A@x", name: "Ann" },
      { email: "b@x", name: "0" },
    ]);
  });

  it("names a key that the rows lack, and where it stands in the job", async () => {
    await using file = await sqliteFile("create table t (email text, name text)");
    const schema = schemaOf({ name: TEXT });
    await expect(load(file, byEmail, [{ name: "Ann" }], { schema })).rejects.toMatchObject({
      code: "schema_mismatch",
      field: "destination.mode.keys",
      columns: ["email"],
      table: "t",
    });
  });

  it("names a repeated key and the way out", async () => {
    await using file = await sqliteFile("create table t (email text, name text)");
    const rows = [1, 2, 1].map((n) => ({ email: `${n}@x`, name: "n" }));
    const error = await load(file, byEmail, rows).catch((thrown: unknown) => thrown);
    expect(error).toHaveProperty("message", 'Several rows of the query have the same key for "t": email = 1@x.');
    expect(error).toHaveProperty("hint", expect.stringContaining("keepFirst"));
  });

  it.each(definitions)("takes no row that a trigger leaves out for one that was there: %s", async (definition) => {
    await using file = await sqliteFile(`${definition}; insert into t values ('a@x', 'Ann', 'old');
      create trigger no_bob before insert on t when new.name = 'Bob' begin select raise(ignore); end`);
    const rows = [
      { email: "a@x", name: "Ann" },
      { email: "b@x", name: "Bob" },
    ];
    await expect(load(file, byEmail, rows)).rejects.toThrow("left out 1 of the rows");
  });
});

describe.each(["insertOnly", "deleteInsert"] as const)("%s into sqlite()", (kind) => {
  it.each(["create table t (email text, name text)", "create table t (email text unique, name text)"])(
    "can be stopped while its rows are moved: %s",
    async (definition) => {
      await using file = await sqliteFile(definition);
      const many = Array.from({ length: 60_000 }, (_, n) => ({ email: `${n}@x`, name: "old" }));
      await write(file.destination("t"), { commitId: "before", schema: CUSTOMERS, steps: [many] });
      const controller = new AbortController();
      const reason = new Error("cancelled");
      const writing = write(file.destination("t"), {
        commitId: "a",
        schema: CUSTOMERS,
        mode: { kind, keys: ["email"] },
        steps: [many.map((row, n) => ({ ...row, email: `${n + 30_000}@x`, name: "new" }))],
        signal: controller.signal,
        // The rows are all taken, and are being moved.
        state: () => {
          setImmediate(() => controller.abort(reason));
          return { key: "job", from: null, to: 1 };
        },
      });
      await expect(writing).rejects.toBe(reason);
      expect(rowsOf(file, "select distinct name from t")).toEqual([{ name: "old" }]);
    },
  );
});

it("a table is made by the statement that sqlite() shows", async () => {
  await using file = await sqliteFile();
  const schema = schemaOf({
    'a "b"': { kind: "decimal", precision: 10, scale: 2 },
    n: { kind: "boolean" },
    d: { kind: "date" },
  });
  const mode: WriteMode = { kind: "append" };
  const statement = await file.destination("t").tableDefinition?.(schema, mode);
  expect(statement).toBe(`create table main."t" (\n  "a ""b""" TEXT,\n  "n" BOOLEAN,\n  "d" DATE\n)`);
  await write(file.destination("t"), { commitId: "a", schema, steps: [], createIfMissing: true });
  // SQLite keeps the words, but for the schema.
  expect(rowsOf(file, "select sql from sqlite_schema where name = 't'")).toEqual([
    { sql: statement?.replace('create table main."t"', 'CREATE TABLE "t"') },
  ]);
});
