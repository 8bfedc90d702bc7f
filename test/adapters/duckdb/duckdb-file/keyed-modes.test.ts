import { describe, expect, it } from "vitest";
import type { TableSchema } from "../../../../src/model/table-schema.js";
import { duckdbFile } from "../../../support/duckdb-file.js";

describe("deleteInsert into a DuckDB file", () => {
  const mode = { kind: "deleteInsert", keys: ["id"] } as const;

  it("fills what the rows lack, keeps views, and lets rows exchange unique values", async () => {
    await using file = await duckdbFile({
      sql: `create table t (id integer, v varchar unique, w integer default 7); create view seen as from t;
        insert into t values (1, 'a', 1), (1, 'b', 1), (2, 'c', 1), (3, 'd', 1)`,
    });
    const rows = "select * from (values (1, 'b'), (1, 'x'), (2, 'a')) r(id, v)";
    expect((await file.load("t", rows, { mode })).rowsWritten).toBe(3);
    expect(await file.sql("from seen order by id, v")).toEqual([
      { id: 1, v: "b", w: 7 },
      { id: 1, v: "x", w: 7 },
      { id: 2, v: "a", w: 7 },
      { id: 3, v: "d", w: 1 },
    ]);
  });

  it("takes what a query makes of the rows that it deletes", async () => {
    await using file = await duckdbFile({ sql: "create table t as select 1 as id, 'a' as v union all select 2, 'b'" });
    await file.load("t", "select id, v || '!' as v from out.t where id = 2", { mode });
    expect(await file.sql("from t order by id")).toEqual([
      { id: 1, v: "a" },
      { id: 2, v: "b!" },
    ]);
  });

  it("is refused where another table refers to a row, and leaves all as it was", async () => {
    await using file = await duckdbFile({
      sql: `create table t (id integer primary key, v varchar); create table child (id integer references t (id));
        insert into t values (1, 'a'); insert into child values (1)`,
    });
    await expect(file.load("t", "select 1 as id, 'b' as v", { mode })).rejects.toMatchObject({
      code: "destination_failed",
    });
    expect(await file.sql("from t")).toEqual([{ id: 1, v: "a" }]);
  });
});

describe("insertOnly into a DuckDB file", () => {
  const mode = { kind: "insertOnly", keys: ["id"] } as const;

  it.each(["primary key", "unique", ""])("adds what is new, with the defaults of what it lacks (%j)", async (key) => {
    await using file = await duckdbFile({
      sql: `create table t (id integer ${key}, v varchar default 'none'); insert into t values (1, 'old')`,
    });
    expect((await file.load("t", "select i::int as id from range(3) r(i)", { mode })).rowsWritten).toBe(2);
    expect(await file.sql("from t order by id")).toEqual([
      { id: 0, v: "none" },
      { id: 1, v: "old" },
      { id: 2, v: "none" },
    ]);
  });

  it("goes by keys whose letters' case the table ignores", async () => {
    await using file = await duckdbFile({
      sql: "create table t (k varchar collate nocase, v integer); insert into t values ('a', 1)",
    });
    const byText = { kind: "insertOnly", keys: ["k"] } as const;
    const twice = "select * from (values ('A', 2), ('b', 3), ('B', 4)) r(k, v)";
    await expect(file.load("t", twice, { mode: byText })).rejects.toMatchObject({
      code: "destination_failed",
      columns: ["k"],
      hint: expect.stringContaining("keepFirst") as string,
    });
    expect((await file.load("t", twice, { mode: { ...byText, onDuplicate: "keepFirst" } })).rowsWritten).toBe(1);
    expect(await file.sql("from t order by v")).toEqual([
      { k: "a", v: 1 },
      { k: "b", v: 3 },
    ]);
  });

  it("of one new key by several at once adds one row", async () => {
    await using file = await duckdbFile({ sql: "create table t (id integer, v integer)" });
    await Promise.all([1, 2, 3, 4].map((v) => file.load("t", `select 1 as id, ${v} as v`, { mode })));
    expect(await file.sql("select count(*)::int as n from t")).toEqual([{ n: 1 }]);
  });
});

it("a table is made by the statements that its destination shows", async () => {
  const schema: TableSchema = {
    columns: [
      { name: 'a "b"', type: { kind: "decimal", precision: 10, scale: 2 }, nullable: true },
      { name: "at", type: { kind: "timestamp", unit: "us", zoned: true }, nullable: true },
      { name: "tags", type: { kind: "list", item: { kind: "text" } }, nullable: true },
    ],
  };
  const query = `select 1.5::decimal(10, 2) as "a ""b""", now() as at, ['x'] as tags`;
  const shape = "describe sales.orders";
  await using file = await duckdbFile();
  const statement = await file.connection.destination?.("sales.orders")?.tableDefinition?.(schema, { kind: "append" });
  expect(statement).toBe(
    `create schema if not exists "sales";\ncreate table "sales"."orders" (\n  "a ""b""" DECIMAL(10,2),\n  "at" TIMESTAMP WITH TIME ZONE,\n  "tags" VARCHAR[]\n)`,
  );
  await file.load("sales.orders", query, { createIfMissing: true });
  await using shown = await duckdbFile({ sql: statement ?? "" });
  expect(await file.sql(shape)).toEqual(await shown.sql(shape));
  const plain = await file.connection.destination?.("t")?.tableDefinition?.(schema, { kind: "append" });
  expect(plain).toMatch(/^create table "main"\."t" \(\n/);
});
