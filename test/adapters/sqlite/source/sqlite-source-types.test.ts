import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DuckDBEngine } from "../../../../src/adapters/duckdb/entry.js";
import { memory } from "../../../../src/adapters/memory/memory-connection.js";
import { MemoryJobStore } from "../../../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../../../src/executor/job-executor.js";
import { defineJob } from "../../../../src/jobs/define-job.js";
import { formatDataType } from "../../../../src/model/data-type.js";
import { checkedTable, readPage } from "../../../docs/pages.js";
import { readColumn, readSource, sourceOf } from "../../../support/read-source.js";
import { sqliteFile, type SqliteFile } from "../../../support/sqlite-file.js";

const NEVER_ABORTED = new AbortController().signal;

/** One for all: its threads are warm after the first test. */
let file: SqliteFile;

beforeAll(async () => {
  file = await sqliteFile();
});

afterAll(() => file[Symbol.asyncDispose]());

/** A table for one test. */
function made(sql: string): void {
  file.open().exec(`drop view if exists v; drop table if exists t; ${sql}`);
}

/** The type that a column is declared with, what it is read as, SQL of values that it holds, and what they are read as. */
const READ: readonly (readonly [declared: string, type: string, values: string, read: readonly unknown[]])[] = [
  [
    "INTEGER",
    "BIGINT",
    "9223372036854775807, -9223372036854775808, 0, '7', 2.0",
    [2n ** 63n - 1n, -(2n ** 63n), 0n, 7n, 2n],
  ],
  ["TINYINT UNSIGNED", "BIGINT", "9007199254740993, -1", [9007199254740993n, -1n]],
  [
    "VARCHAR(3)",
    "VARCHAR",
    "'', 'longer', 'ab' || char(0) || 'c', '😀', 12, 1.5",
    ["", "longer", "ab\0c", "😀", "12", "1.5"],
  ],
  ["TEXT", "VARCHAR", "char(65533), 'é' || char(65533)", ["\uFFFD", "é\uFFFD"]],
  ["BLOB", "BLOB", "x'00ff', x'', zeroblob(2)", [bytes(0, 255), bytes(), bytes(0, 0)]],
  [
    "DOUBLE PRECISION",
    "DOUBLE",
    "0.1, 3, 9e999, -9e999, 4.9e-324, 9007199254740993",
    [0.1, 3, Infinity, -Infinity, 5e-324, 9007199254740992],
  ],
  ["BOOLEAN", "BOOLEAN", "0, 1, '1'", [false, true, true]],
  [
    "DATE",
    "DATE",
    "'0001-01-01', '9999-12-31', '2000-02-29', 'infinity', '-infinity'",
    ["0001-01-01", "9999-12-31", "2000-02-29", "infinity", "-infinity"],
  ],
  [
    "TIME",
    "TIME",
    "'00:00', '24:00:00', '23:59:59.999999', '12:30:00.500000000'",
    ["00:00:00", "24:00:00", "23:59:59.999999", "12:30:00.5"],
  ],
  [
    "DATETIME",
    "TIMESTAMP",
    "'2001-02-03', '2001-02-03T04:05', '0001-01-01 00:00:00', '9999-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999', 'infinity', '-infinity'",
    [
      "2001-02-03 00:00:00",
      "2001-02-03 04:05:00",
      "0001-01-01 00:00:00",
      "9999-12-31 23:59:59.999999",
      "1969-12-31 23:59:59.999999",
      "infinity",
      "-infinity",
    ],
  ],
  [
    "TIMESTAMP WITH TIME ZONE",
    "TIMESTAMP WITH TIME ZONE",
    "'2001-02-03 04:05:06+00:00', '2001-02-03T04:05:06.5Z', '2001-01-01 00:30:00.000 +01:00', '2001-01-01 00:30-0030', '9999-12-31 23:00:00-01'",
    [
      "2001-02-03 04:05:06+00",
      "2001-02-03 04:05:06.5+00",
      "2000-12-31 23:30:00+00",
      "2001-01-01 01:00:00+00",
      "10000-01-01 00:00:00+00",
    ],
  ],
  ["UUID", "UUID", "'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11'", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]],
  ["JSON", "JSON", `'{"a":1}', '12', '1.50', 'null'`, ['{"a":1}', "12", "1.5", "null"]],
  [
    "DECIMAL(18,4)",
    "DECIMAL(18,4)",
    "'12.34', -0.0001, 99999999999999, '1e3', 0.1, 123456789012345e-4",
    ["12.3400", "-0.0001", "99999999999999.0000", "1000.0000", "0.1000", "12345678901.2345"],
  ],
  ["NUMERIC(38,0)", "DECIMAL(38,0)", "9223372036854775807, 1e20", ["9223372036854775807", "100000000000000000000"]],
  [
    "",
    "VARCHAR",
    "1, 1.0, '1', 0.1, 9223372036854775807, 1e300, 9e999",
    ["1", "1.0", "1", "0.1", "9223372036854775807", "1e+300", "Infinity"],
  ],
  ["NUMERIC", "VARCHAR", "1, '2.5', 'abc'", ["1", "2.5", "abc"]],
  ["STRING", "VARCHAR", "'a', '007'", ["a", "7"]],
  ["DECIMAL(50,2)", "VARCHAR", "1.25", ["1.25"]],
];

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

describe("what a SQLite column is read as", () => {
  it.each(READ)("%s: %s", async (declared, type, values, read) => {
    const rows = values.match(/(?:'[^']*'|\([^)]*\)|[^,'(])+/g)!.map((value) => `(${value})`);
    made(`create table t (c ${declared}); insert into t values ${rows.join(", ")}, (null)`);
    const source = sourceOf(file.connection, "t");
    const schema = await source.schema(NEVER_ABORTED);
    expect(schema?.columns.map((column) => formatDataType(column.type))).toEqual([type]);
    expect(await readColumn(source, "c")).toEqual([...read, null]);
  });
});

it("docs/types.md says what arrives", async () => {
  const page = checkedTable(readPage("docs/types.md"), "test/adapters/sqlite/source/sqlite-source-types.test.ts");
  const documented = page.map(([columns, types]) => [codes(columns), codes(types)]);
  const declared = documented.flatMap(([names]) => names!);
  made(`create table t (${declared.map((name, index) => `c${index} ${name.replace("untyped", "")}`).join(", ")})`);
  const schema = await sourceOf(file.connection, "t").schema(NEVER_ABORTED);
  expect(documented.flatMap(([, types]) => types)).toEqual(schema?.columns.map(({ type }) => formatDataType(type)));
  for (const [name] of READ) expect(declared).toContain(name === "" ? "untyped" : name);
});

function codes(cell: string | undefined): string[] {
  return [...(cell ?? "").matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
}

describe("a value that its column does not say it has", () => {
  it.each([
    ["INTEGER", "1.5", "a REAL that is not a whole number"],
    ["INTEGER", "'secret'", "a TEXT that is not a whole number"],
    ["TEXT", "x'00'", "a BLOB that is not text"],
    ["BLOB", "'secret'", "a TEXT that is not bytes"],
    ["REAL", "'secret'", "a TEXT that is not a float"],
    ["BOOLEAN", "2", "an INTEGER that is not 0 or 1"],
    ["BOOLEAN", "'true'", "a TEXT that is not 0 or 1"],
    ["DATE", "'2001-02-29'", "a TEXT that is not a text YYYY-MM-DD"],
    ["DATE", "'2001-02-28 00:00:00'", "a TEXT that is not a text YYYY-MM-DD"],
    ["DATE", "1000000000", "an INTEGER that is not a text YYYY-MM-DD"],
    ["TIME", "'24:00:00.000001'", "a TEXT that is not a text HH:MM:SS with six decimals at most"],
    ["TIME", "'12:00:00.'", "a TEXT that is not a text HH:MM:SS with six decimals at most"],
    ["TIMESTAMP", "'2001-01-01 12:00:00.0000001'", "six decimals at most, without an offset"],
    ["TIMESTAMP", "'2001-01-01 12:00:00Z'", "without an offset"],
    ["TIMESTAMPTZ", "'2001-01-01 12:00:00'", "with its offset"],
    ["UUID", "'a0eebc999c0b4ef8bb6d6bb9bd380a11'", "a TEXT that is not a text 8-4-4-4-12"],
    ["JSON", "x'00'", "a BLOB that is not JSON text"],
    ["DECIMAL(4,2)", "100", "an INTEGER that is not within its digits"],
    ["DECIMAL(4,2)", "0.125", "a REAL that is not within its digits"],
    ["DECIMAL(38,2)", "1234567890123456.5", "a REAL that is not a number of 15 digits at most"],
    ["DECIMAL(4,2)", "'secret'", "a TEXT that is not a number of 15 digits at most"],
    ["", "x'00'", "a BLOB that is not text or a number"],
    ["TEXT", "cast(x'ff' as text)", "a TEXT that is not UTF-8"],
    ["JSON", "cast(x'22ff22' as text)", "a TEXT that is not UTF-8"],
  ])("is refused by column and row: %s with %s", async (declared, value, reason) => {
    made(`create table t (id integer primary key, c ${declared}); insert into t values (40, null), (42, ${value})`);
    await expect(readSource(sourceOf(file.connection, "t"))).rejects.toMatchObject({
      code: "query_failed",
      message: expect.stringMatching(
        new RegExp(`^Column "c" of "t", .*: the row of rowid 42 has .*${reason}\\.$`),
      ) as string,
      hint: 'Correct the value, or query a view that gives the column as text: cast("c" as text).',
      retryable: false,
      columns: ["c"],
      table: "t",
    });
    expect(await readSource(sourceOf(file.connection, "t"), { columns: ["id"] })).toHaveLength(2);
    file.open().exec(`create view v as select id, cast(c as text) as c from t where typeof(c) <> 'blob'`);
    if (!value.includes("x'")) expect(await readColumn(sourceOf(file.connection, "v"), "c")).toHaveLength(2);
  });

  it("is named by its place in the scan where rows have no number", async () => {
    made("create table t (k text primary key, c integer) without rowid; insert into t values ('a', 1), ('b', 'x')");
    await expect(readSource(sourceOf(file.connection, "t"))).rejects.toThrow("row 2 of the scan has a TEXT");
  });
});

it("reads what it has written as what was written, by jobs from end to end", { timeout: 60_000 }, async () => {
  const query = `
    select true as bool, 127::tinyint as i8, -9223372036854775808 as i64, 0.1::float as f32, 'inf'::double as f64,
      'a' || chr(0) || '😀' as txt, '\\x00\\xFF'::blob as raw, uuid '00112233-4455-6677-8899-aabbccddeeff' as id,
      date '0001-01-01' as day, time '24:00:00' as clock, timestamp '1969-12-31 23:59:59.999999' as at,
      timestamptz 'infinity' as instant, date '-infinity' as never, 1.25::decimal(18, 2)::varchar as dec
    union all select ${Array.from({ length: 14 }, () => "null").join(", ")}`;
  made("");
  const out = memory();
  const jobs = [
    defineJob({ name: "write", query, destination: { table: "app.t", mode: "append", createIfMissing: true } }),
    defineJob({ name: "read", query: "select * from app.t", destination: { table: "out.read" } }),
    defineJob({
      name: "expected",
      query: `select * replace (i8::bigint as i8, f32::double as f32) from (${query})`,
      destination: { table: "out.expected" },
    }),
  ] as const;
  await using executor = new JobExecutor({
    engine: new DuckDBEngine({ threads: 1 }),
    store: new MemoryJobStore(),
    connections: { app: file.connection, out },
    jobs,
  });
  await executor.start();
  for (const { name } of jobs) {
    expect(await (await executor.submitOrThrow(name, {})).result(), name).toMatchObject({ status: "succeeded" });
  }
  expect(await out.rows("read")).toEqual(await out.rows("expected"));
});
