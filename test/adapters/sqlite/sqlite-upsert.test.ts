import { describe, expect, it } from "vitest";
import type { DataType } from "../../../src/model/data-type.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import type { WriteMode } from "../../../src/model/write-mode.js";
import { write } from "../../../src/testing/destination/destination-fixture.js";
import type { SampleRow } from "../../../src/testing/rows/record-batch.js";
import { type SqliteFile, sqliteFile } from "../../support/sqlite-file.js";

const BIGINT: DataType = { kind: "integer", bits: 64, signed: true };
const TEXT: DataType = { kind: "text" };

function schemaOf(columns: Readonly<Record<string, DataType>>): TableSchema {
  return { columns: Object.entries(columns).map(([name, type]) => ({ name, type, nullable: true })) };
}

const CUSTOMERS = schemaOf({ email: TEXT, name: TEXT });

function upsert(
  file: SqliteFile,
  keys: readonly [string, ...string[]],
  rows: readonly SampleRow[],
  schema = CUSTOMERS,
  more: Partial<Extract<WriteMode, { kind: "upsert" }>> & { readonly commitId?: string } = {},
) {
  const { commitId = "a", ...mode } = more;
  return write(file.destination("t"), { commitId, schema, mode: { kind: "upsert", keys, ...mode }, steps: [rows] });
}

const rowsOf = (file: SqliteFile, sql = "select * from t order by 1") => file.open().prepare(sql).all();

describe("an upsert into sqlite()", () => {
  it("updates in place where the keys are unique: rows that refer to it stay, and so does its number", async () => {
    await using file = await sqliteFile(`
      create table t (id integer primary key, email text unique, name text, note text default 'none', size as (length(name)));
      create table orders (customer integer references t (id) on delete cascade, what text);
      insert into t (id, email, name, note) values (7, 'a@x', 'Ann', 'old'), (8, 'b@x', 'Bob', 'old');
      insert into orders values (7, 'tea');
    `);
    await upsert(
      file,
      ["email"],
      [
        { email: "c@x", name: "Cleo" },
        { email: "a@x", name: "Anna" },
      ],
    );
    expect(rowsOf(file)).toEqual([
      { id: 7n, email: "a@x", name: "Anna", note: "none", size: 4n },
      { id: 8n, email: "b@x", name: "Bob", note: "old", size: 3n },
      { id: 9n, email: "c@x", name: "Cleo", note: "none", size: 4n },
    ]);
    expect(rowsOf(file, "select * from orders")).toEqual([{ customer: 7n, what: "tea" }]);
  });

  it.each([
    ["an integer primary key", "create table t (id integer primary key, name text)"],
    ["the key of a table WITHOUT ROWID", "create table t (id integer primary key, name text) without rowid"],
    ["no key of a table WITHOUT ROWID", "create table t (id integer, name text primary key) without rowid"],
    ["a column without any index", "create table t (id integer, name text)"],
    ["a column whose index is not unique", "create table t (id integer, name text); create index i on t (id)"],
    ["a column unique in part", "create table t (id integer, name); create unique index i on t (id) where id > 100"],
    ["a column with a unique expression", "create table t (id integer, name); create unique index i on t (id + 1)"],
    ["a part of a longer key", "create table t (id integer, name text, unique (id, name))"],
    ["a column of any type in a strict table", "create table t (id any unique, name text) strict"],
    ["a column without a type", "create table t (id, name)"],
    ["a table with a column that the stage would take", "create table t (id int, name, _millrace_row int)"],
    [
      "a column whose type no other table could be declared with",
      `create table t (id "int primary key, x", name text)`,
    ],
  ])("replaces by %s", async (_what, definition) => {
    await using file = await sqliteFile(`${definition};
      insert into t (id, name) values (1, 'one'), (2, 'two');`);
    const schema = schemaOf({ id: BIGINT, name: TEXT });
    await upsert(
      file,
      ["id"],
      [
        { id: 3n, name: "three" },
        { id: 2n, name: "TWO" },
      ],
      schema,
    );
    expect(rowsOf(file, "select id, name from t order by id")).toEqual([
      { id: 1n, name: "one" },
      { id: 2n, name: "TWO" },
      { id: 3n, name: "three" },
    ]);
  });

  it.each(["on delete cascade", "on delete set null", "on delete set default"])(
    "is refused where it would delete rows that others refer to %s, and says what helps",
    async (action) => {
      await using file = await sqliteFile(`
        create table t (id integer primary key, email text, name text);
        create table orders (customer integer default 0 references T (id) ${action}, what text);
        insert into t values (7, 'a@x', 'Ann');
        insert into orders values (7, 'tea')`);
      const schema = schemaOf({ id: BIGINT, email: TEXT, name: TEXT });
      const rows = [{ id: 7n, email: "a@x", name: "Anna" }];
      await expect(upsert(file, ["email"], rows, schema)).rejects.toMatchObject({
        code: "destination_failed",
        retryable: false,
        columns: ["email"],
      });
      file.open().exec("create unique index emails on t (email)");
      await upsert(file, ["email"], rows, schema, { commitId: "b" });
      expect(rowsOf(file)).toEqual(rows);
      expect(rowsOf(file, "select * from orders")).toEqual([{ customer: 7n, what: "tea" }]);
    },
  );

  it("takes keys for the same where the table's own constraint does", async () => {
    await using file = await sqliteFile(
      `create table t (email text collate nocase unique, name text); insert into t values ('A@x', 'Ann')`,
    );
    await upsert(file, ["email"], [{ email: "a@X", name: "Anna" }]);
    expect(rowsOf(file)).toEqual([{ email: "a@X", name: "Anna" }]);
    const twice = [
      { email: "b@x", name: "1" },
      { email: "B@x", name: "2" },
    ];
    await expect(upsert(file, ["email"], twice, CUSTOMERS, { commitId: "b" })).rejects.toMatchObject({
      code: "destination_failed",
      columns: ["email"],
    });
    await upsert(file, ["email"], twice, CUSTOMERS, { commitId: "c", onDuplicate: "keepLast" });
    expect(rowsOf(file)).toEqual([
      { email: "a@X", name: "Anna" },
      { email: "B@x", name: "2" },
    ]);
  });

  it("compares exactly where no constraint says otherwise", async () => {
    await using file = await sqliteFile(
      `create table t (email text collate nocase, name text); insert into t values ('A@x', 'Ann')`,
    );
    await upsert(file, ["email"], [{ email: "a@x", name: "Anna" }]);
    expect(rowsOf(file, "select * from t order by name")).toHaveLength(2);
  });

  it("names an example of a repeated key", async () => {
    await using file = await sqliteFile("create table t (email text, name text)");
    const rows = [1, 2, 1].map((n) => ({ email: `${n}@x`, name: "n" }));
    await expect(upsert(file, ["email", "name"], rows)).rejects.toThrow(
      'Several rows of the query have the same key for "t": email = 1@x, name = n.',
    );
  });

  it("says how many rows a trigger left out", async () => {
    await using file = await sqliteFile(`create table t (email text unique, name text);
      create trigger no_bob before insert on t when new.name = 'Bob' begin select raise(ignore); end`);
    const rows = [
      { email: "a@x", name: "Ann" },
      { email: "b@x", name: "Bob" },
    ];
    await expect(upsert(file, ["email"], rows)).rejects.toThrow("left out 1 of the rows");
    expect(rowsOf(file)).toEqual([]);
  });

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
        mode: { kind: "upsert", keys: ["email"] },
        steps: [many.map((row) => ({ ...row, name: "new" }))],
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

describe("the state that sqlite() keeps", () => {
  const stored = (file: SqliteFile) => file.destination("t").readState?.("job", new AbortController().signal);
  const trial = { schema: CUSTOMERS, createIfMissing: true, steps: [[{ email: "a@x", name: "Ann" }]] };

  it("is forgotten with the table", async () => {
    await using file = await sqliteFile();
    await write(file.destination("t"), { ...trial, commitId: "a", state: { key: "job", from: null, to: 1 } });
    expect(await stored(file)).toBe(1);
    file.open().exec("drop table t");
    expect(await stored(file)).toBeNull();
    await write(file.destination("t"), { ...trial, commitId: "b" });
    expect(await stored(file)).toBeNull();
  });

  it("is that of the table in whatever case it is named", async () => {
    await using file = await sqliteFile("create table T (email text, name text)");
    await write(file.destination("t"), { ...trial, commitId: "a", state: { key: "job", from: null, to: 1 } });
    expect(await file.destination("T").readState?.("job", new AbortController().signal)).toBe(1);
  });

  it("is in a table that no job can write", async () => {
    await using file = await sqliteFile();
    expect(file.connection.destination?.("_Millrace_State")).toBeUndefined();
  });

  it("is JSON, also where it is changed by hand", async () => {
    await using file = await sqliteFile();
    await write(file.destination("t"), { ...trial, commitId: "a", state: { key: "job", from: null, to: { n: 1 } } });
    const change = file.open().prepare("update _millrace_state set value = ?");
    expect(() => change.run('{"n": 2')).toThrow("CHECK");
    change.run('{"n": 2}');
    expect(await stored(file)).toEqual({ n: 2 });
  });

  it("is not asked for in a file that is not there", async () => {
    await using file = await sqliteFile();
    expect(await stored(file)).toBeNull();
  });
});
