import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parquetStorage, storedType } from "../../../../src/adapters/duckdb/parquet-dataset/parquet-storage.js";
import { formatDataType } from "../../../../src/model/data-type.js";
import { inOrder, withLake } from "./lake.js";

/** Every type that is kept, with values at the ends of its range, and the type in which it comes back. */
const KEPT: readonly (readonly [type: string, stored: string, ...values: readonly string[]])[] = [
  ["BOOLEAN", "BOOLEAN", "true", "false"],
  ["TINYINT", "TINYINT", "(-128)", "127"],
  ["SMALLINT", "SMALLINT", "(-32768)", "32767"],
  ["INTEGER", "INTEGER", "(-2147483648)", "2147483647"],
  ["BIGINT", "BIGINT", "'-9223372036854775808'", "'9223372036854775807'"],
  ["UTINYINT", "UTINYINT", "255"],
  ["USMALLINT", "USMALLINT", "65535"],
  ["UINTEGER", "UINTEGER", "4294967295"],
  ["UBIGINT", "UBIGINT", "'18446744073709551615'"],
  ["FLOAT", "FLOAT", "'nan'", "'-inf'", "'-0.0'", "'1e-45'", "16777217"],
  ["DOUBLE", "DOUBLE", "'nan'", "'inf'", "'-0.0'", "'5e-324'", "0.1"],
  ["DECIMAL(4,1)", "DECIMAL(4,1)", "-999.9"],
  ["DECIMAL(9,3)", "DECIMAL(9,3)", "999999.999"],
  ["DECIMAL(18,3)", "DECIMAL(18,3)", "0.001"],
  ["DECIMAL(38,10)", "DECIMAL(38,10)", "'-9999999999999999999999999999.9999999999'"],
  ["VARCHAR", "VARCHAR", "''", "'x' || chr(0) || 'y'", "chr(65279) || 'mark'", "'ünï 漢字 🦆'"],
  ["JSON", "JSON", `'{"b":1,"a":[1.0,1e400]}'`, "'null'"],
  ["ENUM('b', 'a')", "VARCHAR", "'a'"],
  ["BLOB", "BLOB", "'\\x00\\xFF'::BLOB", "''::BLOB"],
  ["UUID", "UUID", "'12345678-1e10-4000-8000-ffffffffffff'", "'00000000-0000-0000-0000-000000000000'"],
  ["DATE", "DATE", "'infinity'", "'-infinity'", "'0001-01-01'", "'290309-12-22 (BC)'", "'5881580-07-10'"],
  ["TIME", "TIME", "'24:00:00'", "'23:59:59.999999'"],
  ["TIME_NS", "TIME_NS", "'23:59:59.999999999'"],
  ["TIMESTAMP_S", "TIMESTAMP", "'1960-01-01 00:00:01'", "'infinity'", "'294247-01-10 04:00:54'"],
  ["TIMESTAMP_MS", "TIMESTAMP", "'1960-01-01 00:00:01.123'", "'-infinity'"],
  ["TIMESTAMP", "TIMESTAMP", "'infinity'", "'290309-12-22 (BC) 00:00:00'", "'294247-01-10 04:00:54.775806'"],
  ["TIMESTAMP_NS", "TIMESTAMP_NS", "'1960-01-01 00:00:01.123456789'"],
  ["TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH TIME ZONE", "'1960-01-01 00:00:01.123456+02'", "'-infinity'"],
  ["INTEGER[]", "INTEGER[]", "[1, null]", "[]"],
  ["INTEGER[2]", "INTEGER[]", "[1, null]"],
  ["VARCHAR[][]", "VARCHAR[][]", "[['a'], null, []]"],
  ['STRUCT("a b" INTEGER, c DATE[])', 'STRUCT("a b" INTEGER, "c" DATE[])', "{'a b': 1, 'c': ['infinity']}"],
  ["STRUCT(s TIMESTAMP_S)[]", 'STRUCT("s" TIMESTAMP)[]', "[{'s': '1960-01-01 00:00:01'}]"],
  ["MAP(VARCHAR, INTEGER[])", "MAP(VARCHAR, INTEGER[])", "map {'a': [1, null], 'b': null}", "map {}"],
];

/** Types that are refused, each with the reason as it is told. */
const REFUSED: readonly (readonly [type: string, value: string, reason: RegExp])[] = [
  ["HUGEINT", "1", /128 bits/],
  ["UHUGEINT", "1", /128 bits/],
  ["HUGEINT[]", "[1]", /128 bits/],
  ["STRUCT(a HUGEINT)", "{'a': 1}", /128 bits/],
  ["MAP(HUGEINT, INTEGER)", "map {1: 1}", /128 bits/],
  ["BIGNUM", "1", /any length/],
  ["BIT", "'01'", /bit strings/],
  ["INTERVAL", "'-1 month'", /intervals/],
  ["TIME WITH TIME ZONE", "'12:00:00+05:30'", /time zone/],
  ["UNION(a INTEGER, b VARCHAR)", "union_value(a := 1)", /struct/],
];

function table([type, , ...values]: readonly [string, string, ...string[]]): string {
  const rows = [...values, "null"].map((value, n) => `(${n}, cast(${value} as ${type}))`);
  return `select * from (values ${rows.join(", ")}) t(n, v)`;
}

describe("a type that is kept", () => {
  it.each(KEPT.map((kept) => ({ kept, type: kept[0] })))("$type comes back exactly, by either door", ({ kept }) =>
    withLake({}, async ({ rows, load, describe: columnsOf }) => {
      const sql = table(kept);
      const schema = (await columnsOf(sql)).schema;
      await load("by_engine", sql, { door: "engine" });
      await load("by_batches", sql, { door: "batches" });
      // As text, so that no two values look alike; a value of an enum or an array has the text of what it became.
      const text = (from: string) => rows(`select n, v::varchar as v from ${from}`);
      const given = inOrder(await text(`(${sql})`));
      for (const name of ["by_engine", "by_batches"]) {
        expect(inOrder(await text(`lake.${name}`))).toEqual(given);
        expect(await rows(`select distinct typeof(v) as t from lake.${name}`)).toEqual([{ t: typeName(kept[1]) }]);
      }
      const type = schema.columns[1]?.type;
      if (type === undefined) throw new Error("no column");
      expect(parquetStorage(type, null)).toEqual({ stored: true });
      expect(formatDataType(storedType(type))).toBe(kept[1]);
    }),
  );

  it("has the type that the table says, read and described", () =>
    withLake({}, async ({ load, destination, describe: columnsOf }) => {
      for (const [index, kept] of KEPT.entries()) await load(`t${index}`, table(kept));
      for (const [index, kept] of KEPT.entries()) {
        const told = await destination(`t${index}`).schema(new AbortController().signal);
        const read = (await columnsOf(`from lake.t${index}`)).schema;
        expect(read.columns.map(({ type }) => formatDataType(type))[1], kept[0]).toBe(kept[1]);
        expect(told?.columns.map(({ type }) => formatDataType(type))[1], kept[0]).toBe(kept[1]);
      }
    }));
});

describe("a type that Parquet would change", () => {
  it.each(REFUSED)("%s is refused, with the column named", (type, value, reason) =>
    withLake({}, async ({ load, describe: columnsOf, connection }) => {
      const sql = `select 1 as n, cast(${value} as ${type}) as v`;
      const column = (await columnsOf(sql)).schema.columns[1];
      if (column === undefined) throw new Error("no column");
      expect(parquetStorage(column.type, null)).toMatchObject({
        stored: false,
        reason: expect.stringMatching(reason) as string,
      });
      await expect(load("t", sql)).rejects.toMatchObject({
        code: "schema_mismatch",
        columns: ["v"],
        message: expect.stringMatching(reason) as string,
      });
      expect(await connection.snapshots("t")).toEqual([]);
    }),
  );
});

it("a null without a type is refused: DuckDB makes it an INTEGER where it can, other engines may not", () => {
  expect(parquetStorage({ kind: "null" }, null)).toMatchObject({ stored: false });
  expect(parquetStorage({ kind: "null" }, { type: { kind: "text" } })).toEqual({ stored: true });
});

describe("the guide's table", () => {
  const guide = readFileSync(new URL("../../../../docs/guides/parquet-datasets.md", import.meta.url), "utf8");
  const lines = [...guide.matchAll(/^\| `(.+?)` \| (.+?) \|$/gm)].map(([, type = "", column = ""]) => ({
    type,
    column,
  }));

  it.each(lines)("is right about $type", ({ type, column }) =>
    withLake({}, async ({ describe: columnsOf }) => {
      const [v] = (await columnsOf(`select cast(null as ${type}) as v`)).schema.columns;
      if (v === undefined) throw new Error("no column");
      const { stored } = parquetStorage(v.type, null);
      expect(stored ? `\`${formatDataType(storedType(v.type))}\`` : "none").toBe(column);
    }),
  );

  it("has a line for every kind of type", () => {
    expect(lines.length).toBeGreaterThan(25);
  });
});

/** As DuckDB's `typeof` spells it: with quotes only where they are needed. */
function typeName(type: string): string {
  return type.replace(/"(\w+)"/g, "$1");
}
