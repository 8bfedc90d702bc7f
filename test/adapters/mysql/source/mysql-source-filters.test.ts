import { afterAll, beforeAll, expect, it } from "vitest";
import type { MysqlOptions } from "../../../../src/adapters/mysql/mysql.js";
import type { DataType } from "../../../../src/model/data-type.js";
import type { FilterValue, RowFilter } from "../../../../src/model/row-filter.js";
import { describeMysql } from "../../../support/describe-mysql.js";
import { filtersAgree } from "../../../support/filters-agree.js";
import { readSource, sourceOf } from "../../../support/read-source.js";
import { mysqlDatabase, type TestDatabase } from "./mysql-database.js";

const NEVER_ABORTED = new AbortController().signal;
const TEXT: DataType = { kind: "text" };
const int = (bits: 8 | 32 | 64, signed = true): DataType => ({ kind: "integer", bits, signed });
const DAYS = ["'2001-02-03'", "'0001-01-01'", "'9999-12-31'"];

let database: TestDatabase;

beforeAll(async () => {
  database = await mysqlDatabase();
});

afterAll(() => database?.[Symbol.asyncDispose]());

interface Trial {
  readonly native: string;
  readonly type: DataType;
  readonly values: readonly string[];
  readonly constants: readonly FilterValue["value"][];
  /** `equal`: only what is equal, and more than that. */
  readonly asked: "exactly" | "equal" | "only nulls" | "nothing";
  readonly options?: MysqlOptions;
}

const TRIALS: readonly Trial[] = [
  { native: "int", type: int(32), values: ["1", "-1", "2147483647"], constants: [1, 0, -5], asked: "exactly" },
  {
    native: "bigint",
    type: int(64),
    values: ["9007199254740993", "9007199254740992", "-9223372036854775808", "9223372036854775807"],
    constants: ["9007199254740992", "9007199254740993", "-9223372036854775808"],
    asked: "exactly",
  },
  {
    native: "bigint unsigned",
    type: int(64, false),
    values: ["18446744073709551615", "0", "9223372036854775808"],
    constants: ["18446744073709551615", "9223372036854775808", 0],
    asked: "exactly",
  },
  { native: "tinyint unsigned", type: int(8, false), values: ["0", "255"], constants: [0, 255, 128], asked: "exactly" },
  {
    native: "year",
    type: { kind: "integer", bits: 16, signed: true },
    values: ["2005", "0"],
    constants: [5, 2005, 0],
    asked: "only nulls",
  },
  {
    native: "double",
    type: { kind: "float", bits: 64 },
    values: ["0.1", "-0.0", "1e300"],
    constants: [0.1, "-0", 0, "Infinity", "NaN"],
    asked: "exactly",
  },
  {
    native: "float",
    type: { kind: "float", bits: 32 },
    values: ["0.1", "16777217", "1"],
    constants: [Math.fround(0.1), 16777216, 1],
    asked: "exactly",
  },
  {
    native: "decimal(30,10)",
    type: { kind: "decimal", precision: 30, scale: 10 },
    values: ["12345678901234567890.0123456789", "0.1", "-0.1"],
    constants: ["12345678901234567890.0123456788", "12345678901234567890.0123456789", "0.1000000000"],
    asked: "exactly",
  },
  {
    native: "varchar(20) collate utf8mb4_general_ci",
    type: TEXT,
    values: ["'a'", "'A'", "'a '", "'á'", "''", "'😀'", "'😁'", "'ß'", "'ss'", "concat('a', char(0))"],
    constants: ["a", "A ", "á", "", "😀", "ss", "z"],
    asked: "exactly",
  },
  { native: "char(20)", type: TEXT, values: ["'a'", "'A '", "'b'"], constants: ["a", "a ", "B"], asked: "exactly" },
  {
    native: "varchar(20) collate utf8mb4_bin",
    type: TEXT,
    values: ["'a'", "'a '", "'A'"],
    constants: ["a", "a "],
    asked: "exactly",
  },
  {
    native: "varchar(20) character set latin1",
    type: TEXT,
    values: ["'a'", "'A'", "'é'", "'z'"],
    constants: ["a", "é", "😀"],
    asked: "equal",
  },
  {
    native: "varchar(20) character set utf16",
    type: TEXT,
    values: ["'a'", "'A'", "'😀'"],
    constants: ["a", "😀"],
    asked: "equal",
  },
  {
    native: "enum('b','a')",
    type: { kind: "enum", values: ["b", "a"] },
    values: ["'a'", "'b'"],
    constants: ["a", "b"],
    asked: "equal",
  },
  { native: "set('a','b')", type: TEXT, values: ["'a,b'", "'b'", "''"], constants: ["a,b", ""], asked: "equal" },
  {
    native: "date",
    type: { kind: "date" },
    values: DAYS,
    constants: ["2001-02-03", "0001-01-01", "9999-12-31"],
    asked: "exactly",
  },
  {
    native: "date",
    type: { kind: "date" },
    values: [...DAYS, "'0000-00-00'", "'2001-02-00'"],
    constants: ["2001-02-03", "0001-01-01"],
    asked: "equal",
    options: { zeroDates: "null" },
  },
  {
    native: "datetime(6)",
    type: { kind: "timestamp", unit: "us", zoned: false },
    values: ["'2001-02-03 00:00:00'", "'2001-02-03 00:00:00.000001'", "'0001-01-01'"],
    constants: ["2001-02-03T00:00:00", "2001-02-03T00:00:00.000001", "0001-01-01T00:00:00"],
    asked: "exactly",
  },
  {
    native: "datetime",
    type: { kind: "timestamp", unit: "us", zoned: false },
    values: ["'2001-02-03 00:00:00'", "'2001-02-03 00:00:01'"],
    constants: ["2001-02-03T00:00:00.5", "2001-02-03T00:00:01"],
    asked: "exactly",
  },
  {
    native: "timestamp(6) null",
    type: { kind: "timestamp", unit: "us", zoned: true },
    values: ["'2001-03-25 01:30:00'", "'2038-01-19 03:14:07.999999'", "'1970-01-01 00:00:01'"],
    constants: ["2001-03-25T01:30:00Z", "2038-01-19T03:14:07.999999Z", "1900-01-01T00:00:00Z", "2200-01-01T00:00:00Z"],
    asked: "exactly",
  },
  {
    native: "time(6)",
    type: { kind: "time", unit: "us", zoned: false },
    values: ["'00:00:00'", "'24:00:00'", "'12:00:00.000001'"],
    constants: ["12:00:00", "12:00:00.000001", "24:00:00"],
    asked: "exactly",
  },
  {
    native: "tinyint(1)",
    type: { kind: "boolean" },
    values: ["0", "1"],
    constants: [true, false],
    asked: "exactly",
    options: { tinyint1: "boolean" },
  },
  // The server would make numbers of the constants, and warn.
  {
    native: "decimal(60,2)",
    type: TEXT,
    values: ["1.5", "1e50"],
    constants: ["1.50", "no number"],
    asked: "only nulls",
  },
  {
    native: "varbinary(5)",
    type: { kind: "bytes" },
    values: ["x'00'", "x''"],
    constants: ["AA=="],
    asked: "only nulls",
  },
  { native: "bit(3)", type: { kind: "bit" }, values: ["b'101'"], constants: ["101"], asked: "only nulls" },
];

describeMysql("filters that MySQL is asked for", () => {
  it.each(TRIALS)("leave out no row that the engine keeps: $native $options", async (trial) => {
    const { native, type, values, constants, asked, options } = trial;
    const rows = ["null", ...values].map((value, index) => `(${index}, ${value})`);
    await database.beside.query(
      `create or replace table t (id int, c ${native}); insert into t values ${rows.join(", ")}`,
    );
    const source = sourceOf(database.open(options), "t");
    const { wrong, narrowed, limited } = await filtersAgree(source, type, constants);
    expect(wrong).toEqual([]);
    if (asked === "only nulls") expect(narrowed).toBe(2);
    else expect(narrowed).toBeGreaterThan(2);
    if (asked === "exactly") expect(limited).toBeGreaterThan(2);
  });

  it("compare what a view computes, which has no collation of its own", async () => {
    await database.beside.query(
      `set names utf8mb4 collate utf8mb4_general_ci; create or replace table t (id int);
       insert into t values (1), (2);
       create or replace view v as select id, concat('a', id) as computed, 'A' as constant, cast(id as char) as digits from t`,
    );
    const source = sourceOf(database.connection, "v");
    const ids = async (column: string, value: string): Promise<unknown[]> => {
      const filters: RowFilter[] = [{ kind: "compare", column, operator: "=", value: { type: TEXT, value } }];
      return (await readSource(source, { columns: ["id"], filters })).map(({ id }) => id);
    };
    expect(await ids("computed", "a1")).toEqual([1]);
    expect(await ids("computed", "é😀")).toEqual([]);
    expect(await ids("constant", "A")).toEqual([1, 2]);
    expect(await ids("constant", "a")).toEqual([]);
    expect(await ids("digits", "2")).toEqual([2]);
  });

  it("never leave out a number that is no boolean, which a reader has to hear of", async () => {
    await database.beside.query("create or replace table t (c tinyint(1)); insert into t values (0), (2)");
    const source = sourceOf(database.open({ tinyint1: "boolean" }), "t");
    for (const value of [true, false]) {
      const filters: RowFilter[] = [
        { kind: "compare", column: "c", operator: "=", value: { type: { kind: "boolean" }, value } },
      ];
      await expect(readSource(source, { columns: ["c"], filters })).rejects.toThrow("not 0 or 1");
    }
  });

  it("are told in MySQL's words, with what cannot be asked left out, and a limit only where nothing is", async () => {
    await database.beside.query("create or replace table t (id int, `it's ``` varchar(20), y year, at datetime)");
    const source = sourceOf(database.connection, "t");
    const name = new URL(database.url).pathname.slice(1);
    const said = (filters: readonly RowFilter[]): Promise<string> =>
      source.explain!({ columns: ["id"], filters, limit: 5 }, NEVER_ABORTED);
    const text: RowFilter = { kind: "compare", column: "it's `", operator: "<", value: { type: TEXT, value: "o'c\\" } };
    const year: RowFilter = { kind: "compare", column: "y", operator: "=", value: { type: int(32), value: 5 } };
    const from = `select \`id\` from \`${name}\`.\`t\``;
    expect(await said([])).toBe(`${from} limit 5`);
    expect(await said([text])).toBe(`${from} where cast(\`it's \`\`\` as binary) < cast('o''c\\\\' as binary) limit 5`);
    expect(await said([year])).toBe(from);
    expect(
      await said([
        {
          kind: "or",
          parts: [
            { kind: "is_null", column: "y" },
            { kind: "is_not_null", column: "at" },
          ],
        },
      ]),
    ).toBe(`${from} where (\`y\` is null or \`at\` is not null) limit 5`);
  });
});
