import { afterAll, beforeAll, expect, it } from "vitest";
import type { MysqlOptions } from "../../../../src/adapters/mysql/mysql.js";
import { DuckDBEngine } from "../../../../src/adapters/duckdb/entry.js";
import { memory } from "../../../../src/adapters/memory/memory-connection.js";
import { MemoryJobStore } from "../../../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../../../src/executor/job-executor.js";
import { defineJob } from "../../../../src/jobs/define-job.js";
import { formatDataType } from "../../../../src/model/data-type.js";
import { checkedTable, readPage } from "../../../docs/pages.js";
import { describeMysql } from "../../../support/describe-mysql.js";
import { readColumn, readSource, sourceOf } from "../../../support/read-source.js";
import { mysqlDatabase, type TestDatabase } from "./mysql-database.js";

const NEVER_ABORTED = new AbortController().signal;

let database: TestDatabase;

beforeAll(async () => {
  database = await mysqlDatabase();
});

afterAll(() => database?.[Symbol.asyncDispose]());

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

const NINES = "9".repeat(38);

/** The type of a column, what it is read as, values in SQL, and what they are read as. */
const READ: readonly (readonly [native: string, type: string, values: readonly string[], read: readonly unknown[]])[] =
  [
    ["tinyint", "TINYINT", ["-128", "127", "0"], [-128, 127, 0]],
    ["tinyint(1)", "TINYINT", ["-128", "127", "1"], [-128, 127, 1]],
    ["tinyint unsigned", "UTINYINT", ["255", "0"], [255, 0]],
    ["smallint", "SMALLINT", ["-32768", "32767"], [-32768, 32767]],
    ["smallint unsigned", "USMALLINT", ["65535"], [65535]],
    ["mediumint", "INTEGER", ["-8388608", "8388607"], [-8388608, 8388607]],
    ["mediumint unsigned", "UINTEGER", ["16777215"], [16777215]],
    ["int", "INTEGER", ["-2147483648", "2147483647"], [-2147483648, 2147483647]],
    ["int unsigned zerofill", "UINTEGER", ["4294967295", "7"], [4294967295, 7]],
    ["bigint", "BIGINT", ["-9223372036854775808", "9223372036854775807"], [-(2n ** 63n), 2n ** 63n - 1n]],
    ["bigint unsigned", "UBIGINT", ["18446744073709551615", "9007199254740993"], [2n ** 64n - 1n, 9007199254740993n]],
    [
      "float",
      "FLOAT",
      ["0.1", "16777217", "3.402823466e38", "-1.4e-45"],
      [Math.fround(0.1), 16777216, 3.4028234663852886e38, -1.401298464324817e-45],
    ],
    ["float(7,4)", "FLOAT", ["123.45678"], [Math.fround(123.4568)]],
    [
      "double",
      "DOUBLE",
      ["0.1", "1.7976931348623157e308", "5e-324", "123456789.12345679"],
      [0.1, 1.7976931348623157e308, 5e-324, 123456789.12345679],
    ],
    [
      "decimal(38,10)",
      "DECIMAL(38,10)",
      ["-1234567890123456789012345678.0123456789", "0", "0.0000000001"],
      ["-1234567890123456789012345678.0123456789", "0.0000000000", "0.0000000001"],
    ],
    ["decimal(38,0)", "DECIMAL(38,0)", [NINES, `-${NINES}`], [NINES, `-${NINES}`]],
    ["decimal(10,2) unsigned zerofill", "DECIMAL(10,2)", ["12.5"], ["12.50"]],
    ["decimal(65,30)", "VARCHAR", [`${"9".repeat(35)}.${"1".repeat(30)}`], [`${"9".repeat(35)}.${"1".repeat(30)}`]],
    ["char(5)", "VARCHAR", ["'a  '", "''", "'é😀'"], ["a", "", "é😀"]],
    ["varchar(20) character set latin1", "VARCHAR", ["'é '", "concat('a', char(0), 'b')"], ["é ", "a\0b"]],
    ["varchar(20) collate utf8mb4_bin", "VARCHAR", ["'a '"], ["a "]],
    ["longtext", "VARCHAR", ["repeat('ü', 300)", "repeat('x', 70000)"], ["ü".repeat(300), "x".repeat(70000)]],
    ["binary(3)", "BLOB", ["x'01'", "x'ffffff'"], [bytes(1, 0, 0), bytes(255, 255, 255)]],
    ["varbinary(5)", "BLOB", ["x''", "x'00ff00'"], [bytes(), bytes(0, 255, 0)]],
    ["blob", "BLOB", ["x'fe'"], [bytes(254)]],
    ["bit(1)", "BIT", ["b'1'", "b'0'"], ["1", "0"]],
    ["bit(12)", "BIT", ["b'101'", "b'111111111111'"], ["000000000101", "111111111111"]],
    ["bit(64)", "BIT", ["~0"], ["1".repeat(64)]],
    ["year", "SMALLINT", ["2155", "1901", "0"], [2155, 1901, 0]],
    ["date", "DATE", ["'0001-01-01'", "'9999-12-31'", "'2000-02-29'"], ["0001-01-01", "9999-12-31", "2000-02-29"]],
    ["time", "TIME", ["'00:00:00'", "'23:59:59'", "'24:00:00'"], ["00:00:00", "23:59:59", "24:00:00"]],
    ["time(6)", "TIME", ["'12:34:56.000001'"], ["12:34:56.000001"]],
    [
      "datetime",
      "TIMESTAMP",
      ["'0001-01-01 00:00:00'", "'9999-12-31 23:59:59'", "'2001-02-03'"],
      ["0001-01-01 00:00:00", "9999-12-31 23:59:59", "2001-02-03 00:00:00"],
    ],
    [
      "datetime(6)",
      "TIMESTAMP",
      ["'1969-12-31 23:59:59.999999'", "'2001-02-03 04:05:06.5'"],
      ["1969-12-31 23:59:59.999999", "2001-02-03 04:05:06.5"],
    ],
    [
      "timestamp(6) null",
      "TIMESTAMP WITH TIME ZONE",
      ["'1970-01-01 00:00:01'", "'2038-01-19 03:14:07.999999'"],
      ["1970-01-01 00:00:01+00", "2038-01-19 03:14:07.999999+00"],
    ],
    ["json", "VARCHAR", [`'{"a": 1}'`], ['{"a": 1}']],
    [
      "enum('a','b''c','d\\\\e','é')",
      "ENUM('a', 'b''c', 'd\\e', 'é')",
      ["'a'", "'b''c'", "'d\\\\e'", "'é'"],
      ["a", "b'c", "d\\e", "é"],
    ],
    ["set('a','b','c')", "VARCHAR", ["'c,a'", "''"], ["a,c", ""]],
    ["uuid", "UUID", ["'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11'"], ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]],
    ["inet6", "VARCHAR", ["'::1'"], ["::1"]],
    ["inet4", "VARCHAR", ["'1.2.3.4'"], ["1.2.3.4"]],
    [
      "point",
      "BLOB",
      ["st_geomfromtext('POINT(1 2)', 4326)"],
      [Uint8Array.from(Buffer.from("e61000000101000000000000000000f03f0000000000000040", "hex"))],
    ],
  ];

async function made(native: string, values: readonly string[]): Promise<void> {
  const rows = values.map((value) => `(${value})`);
  await database.beside.query(`create or replace table t (c ${native}); insert into t values ${rows.join(", ")}`);
}

describeMysql("what a column of MySQL is read as", () => {
  it.each(READ)("%s: %s", async (native, type, values, read) => {
    await made(native, [...values, "null"]);
    const source = sourceOf(database.connection, "t");
    const schema = await source.schema(NEVER_ABORTED);
    expect(schema?.columns.map((column) => formatDataType(column.type))).toEqual([type]);
    expect(await readColumn(source, "c")).toEqual([...read, null]);
  });

  it.each<[string, MysqlOptions, string, readonly string[], readonly unknown[]]>([
    ["tinyint(1)", { tinyint1: "boolean" }, "BOOLEAN", ["0", "1"], [false, true]],
    ["tinyint(2)", { tinyint1: "boolean" }, "TINYINT", ["5"], [5]],
    [
      "date",
      { zeroDates: "null" },
      "DATE",
      ["'0000-00-00'", "'2001-00-00'", "'2001-02-00'", "'2001-02-03'"],
      [null, null, null, "2001-02-03"],
    ],
    ["datetime", { zeroDates: "null" }, "TIMESTAMP", ["'0000-00-00 00:00:00'", "'2001-00-01 10:00:00'"], [null, null]],
    ["timestamp null", { zeroDates: "null" }, "TIMESTAMP WITH TIME ZONE", ["'0000-00-00 00:00:00'"], [null]],
    [
      "time(6)",
      { time: "interval" },
      "INTERVAL",
      ["'838:59:59'", "'-838:59:59.5'", "'-00:00:00.000001'"],
      [span(3020399000000n), span(-3020399500000n), span(-1n)],
    ],
  ])("%s with %o: %s", async (native, options, type, values, read) => {
    await made(native, values);
    const source = sourceOf(database.open(options), "t");
    const schema = await source.schema(NEVER_ABORTED);
    expect(schema?.columns.map((column) => formatDataType(column.type))).toEqual([type]);
    expect(await readColumn(source, "c")).toEqual(read);
  });

  it.each<[string, string, string, MysqlOptions, string]>([
    ["date", "'0000-00-00'", "a date without a year, a month or a day", {}, 'zeroDates: "null"'],
    ["datetime", "'2001-00-00 00:00:00'", "a date without a year, a month or a day", {}, 'zeroDates: "null"'],
    ["timestamp null", "'0000-00-00 00:00:00'", "a date without a year, a month or a day", {}, 'zeroDates: "null"'],
    ["time", "'24:00:01'", "a time beyond 00:00:00 to 24:00:00", {}, 'time: "interval"'],
    ["time", "'-00:00:01'", "a time beyond 00:00:00 to 24:00:00", {}, 'time: "interval"'],
    ["tinyint(1)", "2", "a number that is not 0 or 1", { tinyint1: "boolean" }, 'tinyint1: "integer"'],
    ["enum('a')", "'secret'", "a value that is none of the enum's", {}, "as text"],
  ])("is refused by column and row: %s with %s", async (native, value, reason, options, hint) => {
    await made(native, ["null", value]);
    const connection = database.open(options);
    await expect(readSource(sourceOf(connection, "t"))).rejects.toMatchObject({
      code: "query_failed",
      message: expect.stringContaining(`cannot be read: row 2 of the scan has ${reason}.`) as string,
      hint: expect.stringContaining(hint) as string,
      retryable: false,
      columns: ["c"],
      table: "t",
    });
    await made("int", ["1"]);
    expect(await readColumn(sourceOf(connection, "t"), "c")).toEqual([1]);
  });

  it("docs/types.md says what arrives", async () => {
    const page = checkedTable(readPage("docs/types.md"), "test/adapters/mysql/source/mysql-source-types.test.ts");
    const documented = page.map(([columns, types]) => [codes(columns), codes(types)]);
    const columns = documented.flatMap(([names]) => names!);
    const list = columns.map((native, index) => `c${index} ${native}`).join(", ");
    await database.beside.query(`create or replace table t (${list})`);
    const schema = await sourceOf(database.connection, "t").schema(NEVER_ABORTED);
    expect(documented.flatMap(([, types]) => types)).toEqual(schema?.columns.map(({ type }) => formatDataType(type)));
    for (const [native] of READ) if (!native.startsWith("enum")) expect(columns).toContain(native);
  });

  it("refuses a date that no calendar has, also where dates of zeros are nulls", async () => {
    await database.beside.query("set session sql_mode = 'ALLOW_INVALID_DATES'");
    await made("date", ["'2001-02-31'"]);
    await database.beside.query("set session sql_mode = ''");
    const source = sourceOf(database.open({ zeroDates: "null" }), "t");
    await expect(readSource(source)).rejects.toThrow("row 1 of the scan has a date that no calendar has");
  });

  it("is the same in a job from end to end", { timeout: 60_000 }, async () => {
    await database.beside.query(`create or replace table t (
      id int, u bigint unsigned, d decimal(20,3), s varchar(50), b varbinary(9), e enum('x','y'), ts timestamp(3) null, bits bit(3));
      insert into t values (1, 18446744073709551615, -1.5, 'é😀', x'00ff', 'y', '2001-02-03 04:05:06.789', b'101'),
        (null, null, null, null, null, null, null, null)`);
    const out = memory();
    const jobs = [
      defineJob({ name: "read", query: "select * from app.t", destination: { table: "out.read" } }),
      defineJob({
        name: "expected",
        query: `select 1::integer as id, 18446744073709551615::ubigint as u, -1.5::decimal(20,3) as d, 'é😀' as s,
          '\\x00\\xFF'::blob as b, 'y' as e, timestamptz '2001-02-03 04:05:06.789+00' as ts, '101'::bit as bits
          union all select null, null, null, null, null, null, null, null`,
        destination: { table: "out.expected" },
      }),
    ] as const;
    await using executor = new JobExecutor({
      engine: new DuckDBEngine({ threads: 1 }),
      store: new MemoryJobStore(),
      connections: { app: database.connection, out },
      jobs,
    });
    await executor.start();
    for (const { name } of jobs) {
      expect(await (await executor.submitOrThrow(name, {})).result(), name).toMatchObject({ status: "succeeded" });
    }
    expect(await out.rows("read")).toEqual(await out.rows("expected"));
  });
});

function span(micros: bigint) {
  return { months: 0, days: 0, micros };
}

function codes(cell: string | undefined): string[] {
  return [...(cell ?? "").matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
}
