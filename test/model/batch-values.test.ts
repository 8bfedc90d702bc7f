import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import type { RecordBatch } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { batchRows, columnValues, type PlainRow } from "../../src/model/batch-values.js";
import type { TableSchema } from "../../src/model/table-schema.js";
import { arrowRows } from "../adapters/duckdb/arrow/round-trip.js";

let instance: DuckDBInstance;
let connection: DuckDBConnection;

beforeAll(async () => {
  instance = await DuckDBInstance.create(":memory:");
  connection = await instance.connect();
  await connection.run("set timezone = 'UTC'");
});
afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

async function rowsOf(sql: string): Promise<PlainRow[]> {
  const { batches, table } = await arrowRows(connection, sql);
  return batches.flatMap((batch) => batchRows(batch, table));
}

async function valueOf(expression: string): Promise<unknown> {
  return (await rowsOf(`select ${expression} as value`))[0]!["value"];
}

/** The same rows as DuckDB's own text. */
async function textsOf(sql: string): Promise<Record<string, unknown>[]> {
  return (await connection.runAndReadAll(`select columns(*)::varchar from (${sql})`)).getRowObjectsJS();
}

describe("values against DuckDB's own text", () => {
  /** The types whose text and value are the same thing, and what makes the text from the value. */
  const textOf: Record<string, (value: unknown) => string> = {
    ...asIs("date", "time", "time_ns", "time_tz", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns"),
    ...asIs("uuid", "varchar", "bit", "small_enum", "medium_enum", "large_enum"),
    ...asIs("dec_4_1", "dec_9_4", "dec_18_6", "dec38_10"),
    ...asIs("bool", "tinyint", "smallint", "int", "bigint", "hugeint", "uhugeint"),
    ...asIs("utinyint", "usmallint", "uint", "ubigint", "bignum"),
  };
  function asIs(...names: string[]): Record<string, (value: unknown) => string> {
    return Object.fromEntries(names.map((name) => [name, String]));
  }

  it("gives every value of test_all_types as DuckDB prints it", async () => {
    const sql = `select ${Object.keys(textOf).join(", ")} from test_all_types()`;
    const [rows, texts] = [await rowsOf(sql), await textsOf(sql)];
    expect(rows).toHaveLength(3);
    for (const [index, row] of rows.entries()) {
      for (const [name, text] of Object.entries(textOf)) {
        const value = row[name];
        expect(value === null ? null : text(value), name).toBe(texts[index]![name]);
      }
    }
  });

  it("gives the instants of test_all_types in UTC", async () => {
    // Not against their own text: DuckDB rounds the last instant's to 54.776806 seconds.
    const sql = 'select timestamp_tz, "timestamp" from test_all_types()';
    const texts = await textsOf(sql);
    for (const [index, { timestamp_tz }] of (await rowsOf(sql)).entries()) {
      const text = texts[index]!["timestamp"] as string | null;
      expect(timestamp_tz).toBe(text === null ? null : `${text}+00`);
    }
  });

  const dates = `select date '1970-01-01' + (i * 3797)::integer as day from range(-600, 2000) t(i)`;
  it("prints dates over five millennia, before Christ too", async () => {
    const rows = await rowsOf(dates);
    expect(rows.map(({ day }) => day)).toEqual((await textsOf(dates)).map(({ day }) => day));
    expect(rows.some(({ day }) => String(day).endsWith("(BC)"))).toBe(true);
  });

  it("prints timestamps of every unit on both sides of 1970 and of the year 0", async () => {
    const sql = `
      select make_timestamp(us) as us, make_timestamp(us)::timestamp_s as s, make_timestamp(us)::timestamp_ms as ms,
             make_timestamp(us)::timestamptz as tz, ns::timestamp_ns as ns
      from (select (i * 98765432109876 + i)::bigint as us, make_timestamp_ns(i * 9007199254740 + i) as ns
            from range(-999, 999) t(i))`;
    expect(await rowsOf(sql)).toEqual(await textsOf(sql));
  });

  it("prints times with as many digits as they need, and any offset", async () => {
    const sql = `
      select time '00:00:00' + to_microseconds(i * 86399) as t,
             (time '00:00:00' + to_microseconds(i * 86399))::timetz as utc,
             ('12:34:56.5' || o)::timetz as zoned
      from range(1000) t(i), (values ('+05:30'), ('-00:45'), ('+15:59:59'), ('-03'), ('+00')) z(o)`;
    expect(await rowsOf(sql)).toEqual(await textsOf(sql));
  });
});

describe("the form of each type", () => {
  it("keeps floats as numbers, the odd ones too", async () => {
    expect(await valueOf("[1.5::float, 'nan'::float, '-inf'::float]")).toEqual([1.5, NaN, -Infinity]);
    expect(Object.is(await valueOf("-0.0::double"), -0)).toBe(true);
  });
  it("gives bytes of their own", async () => {
    const { batches, table } = await arrowRows(connection, String.raw`select '\x00\xFFa'::blob as value`);
    const read = (): unknown => batchRows(batches[0]!, table)[0]!["value"];
    const first = read() as Uint8Array;
    expect([...first]).toEqual([0, 255, 97]);
    first.fill(1);
    expect([...(read() as Uint8Array)]).toEqual([0, 255, 97]);
  });
  it("keeps the parts of an interval apart", async () => {
    expect(await valueOf("interval '14 months -3 days 1.5 seconds'")).toEqual({
      months: 14,
      days: -3,
      micros: 1_500_000n,
    });
  });
  it("reads negative and enormous bignums", async () => {
    expect(await valueOf("['0'::bignum, '-1'::bignum, '-256'::bignum, ('-9' || repeat('0', 400))::bignum]")).toEqual([
      0n,
      -1n,
      -256n,
      -9n * 10n ** 400n,
    ]);
  });
  it("makes objects of structs, and arrays of structs without names", async () => {
    expect(await valueOf("{a: 1, b: {c: ['x', null]}}")).toEqual({ a: 1, b: { c: ["x", null] } });
    expect(await valueOf("row(1, 'x', null::int)")).toEqual([1, "x", null]);
  });
  it("makes a Map of a map, with keys of any type", async () => {
    expect(await valueOf("map {1: 'a', 2: null}")).toEqual(
      new Map([
        [1, "a"],
        [2, null],
      ] as [number, string | null][]),
    );
    expect(await valueOf("map {[1]: 'a'}")).toEqual(new Map([[[1], "a"]]));
    expect(await valueOf("map {}")).toEqual(new Map());
  });
  it("tells a null union from a member that is null", async () => {
    const rows = await rowsOf(`
      select u from (values (0, union_value(a := 1)::union(a int, b varchar)), (1, 'x'::union(a int, b varchar)),
                            (2, null), (3, union_value(b := null::varchar)::union(a int, b varchar))) t(i, u)
      order by i`);
    expect(rows.map(({ u }) => u)).toEqual([
      { tag: "a", value: 1 },
      { tag: "b", value: "x" },
      null,
      { tag: "b", value: null },
    ]);
  });
  it("keeps a name that objects have a meaning for as a plain key", async () => {
    const [row] = await rowsOf(`select {'__proto__': 1, 'constructor': 2} as s, 3 as "__proto__"`);
    expect(Object.entries(row!)).toHaveLength(2);
    expect(Object.entries(row!["s"] as object)).toEqual([
      ["__proto__", 1],
      ["constructor", 2],
    ]);
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  });
  it("refuses a type that no batch can hold", () => {
    const [batch, type] = [{} as RecordBatch["data"], { kind: "opaque", name: "GEOMETRY" }] as const;
    expect(() => columnValues(batch, type)).toThrow(/GEOMETRY/);
  });
});

describe("texts", () => {
  const texts = [
    "",
    "a",
    "\0",
    "twelve bytes",
    "thirteen byte",
    "Größe",
    "漢字",
    "🦆",
    "\u{feff}bom",
    "x".repeat(50_000),
  ];
  it.each([
    ["only ASCII", texts.filter((text) => /^[\0-\x7f]*$/.test(text))],
    ["other characters too", texts],
  ])("come back as they were: %s", async (_, all) => {
    await connection.run("create or replace temp table texts (i integer, t varchar, l varchar[])");
    const appender = await connection.createAppender("texts");
    for (const [index, text] of all.entries()) {
      appender.appendInteger(index);
      appender.appendVarchar(text);
      appender.appendNull();
      appender.endRow();
    }
    appender.closeSync();
    const rows = await rowsOf("select t, [t, null, t || t] as l from texts order by i");
    expect(rows).toEqual(all.map((text) => ({ t: text, l: [text, null, text + text] })));
  });
});

describe("batches that are parts of others", () => {
  it("reads a slice at any offset as the same rows", async () => {
    const sql = "select i, * exclude (geometry) from test_all_types(), range(40) t(i) order by i";
    const { batches, table } = await arrowRows(connection, sql);
    const batch = batches[0]!;
    const all = batchRows(batch, table);
    expect(all).toHaveLength(120);
    for (const [start, end] of [
      [0, 1],
      [1, 3],
      [7, 9],
      [8, 120],
      [13, 13],
      [119, 120],
    ] as const) {
      expect(batchRows(batch.slice(start, end), table), `${start} to ${end}`).toEqual(all.slice(start, end));
      const twice = batch.slice(1, 120).slice(start, end);
      expect(batchRows(twice, table)).toEqual(all.slice(1, 120).slice(start, end));
    }
  });
  it("takes the columns by position", async () => {
    const { batches, table } = await arrowRows(connection, "select 1 as a, 'x' as b");
    const renamed: TableSchema = {
      columns: table.columns.map((column) => ({ ...column, name: column.name.toUpperCase() })),
    };
    expect(batchRows(batches[0]!, renamed)).toEqual([{ A: 1, B: "x" }]);
  });
});
