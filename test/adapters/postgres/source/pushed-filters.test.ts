import { afterAll, beforeAll, expect, it } from "vitest";
import { type DataType, formatDataType } from "../../../../src/model/data-type.js";
import type { ParameterValue } from "../../../../src/model/job-definition.js";
import type { RowFilter } from "../../../../src/model/row-filter.js";
import { describePostgres } from "../../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../../support/postgres-server.js";
import { reader } from "../destination/loads.js";
import { NEVER_ABORTED, query, readOnly, sourceOf, values } from "./reads.js";

const OPERATORS = ["=", "<>", "<", "<=", ">", ">="] as const;
type Operator = (typeof OPERATORS)[number];

const TEXTS = ["", "a", "A", "b", "B", "ä", "a ", "ab", "é", "\uffff", "😀", "a\\b", "it's", "ß", "ss"];
const NUMBERS = ["-1", "0", "1", "2", "127", "32767", "-32768"];
const LABELS = ["z", "a", "it's"];

interface Compared {
  /** The column's type, and values of it as the server reads them. */
  readonly column: string;
  readonly held: readonly string[];
  /** What they are compared with. */
  readonly type: DataType;
  readonly constants: readonly ParameterValue[];
  /** Operators of which the server is asked nothing. */
  readonly kept?: readonly Operator[];
  /** Operators for which the server may give more rows. */
  readonly wider?: readonly Operator[];
}

const integer = (bits: 8 | 16 | 32 | 64 | 128) => ({ kind: "integer", bits, signed: true }) as const;

const COMPARED: readonly Compared[] = [
  { column: "boolean", held: ["true", "false"], type: { kind: "boolean" }, constants: [true, false] },
  { column: "smallint", held: NUMBERS, type: integer(16), constants: [0, 1, -32768, 32767] },
  { column: "smallint", held: NUMBERS, type: integer(64), constants: [0, "9223372036854775807"] },
  { column: "integer", held: NUMBERS, type: integer(32), constants: [0, 2147483647, -2147483648] },
  {
    column: "bigint",
    held: [...NUMBERS, "9223372036854775807", "-9223372036854775808"],
    type: integer(64),
    constants: [0, "9223372036854775807", "-9223372036854775808"],
  },
  {
    column: "bigint",
    held: NUMBERS,
    type: integer(128),
    constants: ["9223372036854775808", "-170141183460469231731687303715884105728"],
  },
  { column: "integer", held: NUMBERS, type: { kind: "decimal", precision: 9, scale: 2 }, constants: ["1.50", "-1.00"] },
  { column: "positive", held: ["1", "2"], type: integer(32), constants: [1] },
  {
    column: "numeric(9,2)",
    held: ["0", "1.50", "-1.50", "1.51", "9999999.99"],
    type: { kind: "decimal", precision: 9, scale: 2 },
    constants: ["1.50", "0.00", "-1.50"],
  },
  { column: "numeric(9,2)", held: ["0", "1.50", "2"], type: integer(32), constants: [0, 2] },
  {
    column: "real",
    held: ["0", "-0", "0.1", "NaN", "Infinity", "-Infinity", "1e-45"],
    type: { kind: "float", bits: 32 },
    constants: [0, Math.fround(0.1), "NaN", "Infinity", "-Infinity", "-0"],
  },
  {
    column: "double precision",
    held: ["0", "-0", "0.1", "NaN", "Infinity", "-Infinity", "5e-324", "1e300"],
    type: { kind: "float", bits: 64 },
    constants: [0, 0.1, "NaN", "Infinity", "-Infinity", "-0", 5e-324, 1e300],
  },
  { column: "text", held: TEXTS, type: { kind: "text" }, constants: TEXTS },
  { column: 'text collate "en-x-icu"', held: TEXTS, type: { kind: "text" }, constants: TEXTS },
  { column: "text collate caseless", held: TEXTS, type: { kind: "text" }, constants: TEXTS, wider: ["="] },
  { column: "varchar(5)", held: TEXTS, type: { kind: "text" }, constants: ["a", "a "] },
  { column: "char(3)", held: ["", "a", "A", "ab", "ä"], type: { kind: "text" }, constants: ["", "a", "a ", "ab", "b"] },
  { column: '"char"', held: ["a", "b"], type: { kind: "text" }, constants: ["a"] },
  { column: "name", held: ["a", "B"], type: { kind: "text" }, constants: ["a", "b"] },
  {
    column: "numeric",
    held: ["1.50", "1.5", "NaN", "10", "9"],
    type: { kind: "text" },
    constants: ["1.5", "NaN", "9"],
  },
  { column: "inet", held: ["10.0.0.1", "10.0.0.0/8"], type: { kind: "text" }, constants: ["10.0.0.1/32", "10.0.0.1"] },
  { column: "pair", held: ["(,)", "(1,a)"], type: { kind: "text" }, constants: ["(,)"] },
  { column: "mood", held: LABELS, type: { kind: "enum", values: LABELS }, constants: LABELS },
  { column: "feeling", held: LABELS, type: { kind: "enum", values: LABELS }, constants: LABELS },
  {
    column: "bytea",
    held: ["\\x", "\\x00", "\\xff", "\\x5c27", "\\x61"],
    type: { kind: "bytes" },
    constants: ["", "AA==", "/w==", "XCc="],
  },
  {
    column: "uuid",
    held: [
      "00000000-0000-0000-0000-000000000000",
      "7fffffff-ffff-ffff-ffff-ffffffffffff",
      "80000000-0000-0000-0000-000000000000",
    ],
    type: { kind: "uuid" },
    constants: ["7fffffff-ffff-ffff-ffff-ffffffffffff", "80000000-0000-0000-0000-000000000000"],
  },
  {
    column: "date",
    held: ["infinity", "-infinity", "2000-01-01", "0001-01-01", "4713-11-24 BC", "9999-12-31", "10000-01-01"],
    type: { kind: "date" },
    constants: ["2000-01-01", "0001-01-01", "9999-12-31", "infinity", "-infinity"],
  },
  {
    column: "time",
    held: ["00:00:00", "12:34:56.789012", "24:00:00"],
    type: { kind: "time", unit: "us", zoned: false },
    constants: ["12:34:56.789012", "24:00:00", "00:00:00"],
  },
  {
    column: "timestamp",
    held: ["infinity", "-infinity", "2000-01-01 00:00:00.000001", "4713-11-24 00:00:00 BC"],
    type: { kind: "timestamp", unit: "us", zoned: false },
    constants: ["2000-01-01T00:00:00.000001", "infinity", "-infinity"],
  },
  {
    column: "timestamptz",
    held: ["infinity", "-infinity", "2000-01-01 00:00:00+00", "1999-12-31 23:00:00-02"],
    type: { kind: "timestamp", unit: "us", zoned: true },
    constants: ["2000-01-01T00:00:00Z", "infinity"],
  },
  {
    column: "interval",
    held: ["1 month", "30 days", "31 days"],
    type: { kind: "interval" },
    constants: [{ months: 1, days: 0, micros: 0 }],
    kept: OPERATORS,
  },
  {
    column: "timetz",
    held: ["12:00:00+00", "13:00:00+01"],
    type: { kind: "time", unit: "us", zoned: true },
    constants: ["12:00:00+00:00"],
    kept: OPERATORS,
  },
  { column: "json", held: ['{"a": 1}'], type: { kind: "json" }, constants: ['{"a": 1}'], kept: OPERATORS },
  { column: "jsonb", held: ['{"a": 1}'], type: { kind: "json" }, constants: ['{"a": 1}'], kept: OPERATORS },
  { column: "bit varying", held: ["1", "10"], type: { kind: "bit" }, constants: ["1"], kept: OPERATORS },
];

describePostgres("the filters that a Postgres source leaves to the server", () => {
  let server: PostgresServer;
  let url: string;
  let tables = 0;
  const newTable = () => `t${(tables += 1)}`;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
    url = await server.createDatabase();
    await using own = await reader(url);
    await own.client.query(`
      create type mood as enum ('z', 'a', 'it''s'); create type pair as (a integer, b text);
      create domain passing as mood; create domain feeling as passing;
      create domain positive as integer check (value > 0);
      create collation caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it.each(COMPARED.map((compared) => [compared.column, formatDataType(compared.type), compared] as const))(
    "%s with %s: the engine misses no row",
    async (column, typeName, { held, type, constants, kept = [], wider = [] }) => {
      const table = newTable();
      await using own = await reader(url);
      await own.client.query(`create table ${table} (n integer, value ${column})`);
      const bare = column.replace(/ collate .*/, "");
      await own.client.query(
        `insert into ${table} values (-1, null), ${held.map((text, n) => `(${n}, ${literal(text)}::${bare})`).join(", ")}`,
      );
      await using crm = readOnly(url);

      // What the engine says of every comparison, all in one query.
      const comparisons = OPERATORS.flatMap((operator) => constants.map((value) => ({ operator, value })));
      const tests = comparisons.map(
        ({ operator, value }, index) => `coalesce(value ${operator} ${constant(value, type)}, false) as c${index}`,
      );
      const rows = await query(crm, `select n, ${tests.join(", ")} from crm.${table}`);
      for (const [index, { operator, value }] of comparisons.entries()) {
        const expected = rows.filter((row) => row[`c${index}`] === true).map(({ n }) => n as number);
        const filter: RowFilter = { kind: "compare", column: "value", operator, value: { type, value } };
        const wanted = { columns: ["n"], filters: [filter] };
        const given = (await values(crm, table, wanted)) as number[];
        const asked = await sourceOf(crm, table).explain({ ...wanted, limit: 1_000 }, NEVER_ABORTED);
        const about = `${operator} ${JSON.stringify(value)}: ${asked}`;
        expect(asked.includes(" where "), about).toBe(!kept.includes(operator));
        const isExact = !kept.includes(operator) && !wider.includes(operator);
        expect(asked.includes(" limit "), about).toBe(isExact);
        if (isExact) expect([...given].sort(), about).toEqual([...expected].sort());
        else expect(given, about).toEqual(expect.arrayContaining(expected));
      }

      const any: RowFilter = { kind: "in", column: "value", values: constants.map((value) => ({ type, value })) };
      const expected = rows.filter((row) => constants.some((_, index) => row[`c${index}`] === true)).map(({ n }) => n);
      expect(await values(crm, table, { columns: ["n"], filters: [any] })).toEqual(expect.arrayContaining(expected));
      expect(await values(crm, table, { columns: ["n"], filters: [{ kind: "is_null", column: "value" }] })).toEqual([
        -1,
      ]);
      expect(
        await values(crm, table, { columns: ["n"], filters: [{ kind: "is_not_null", column: "value" }] }),
      ).toHaveLength(held.length);
      expect(typeName).not.toBe("");
    },
  );

  it("keep of an and what can be said, and of an or all or nothing", async () => {
    const table = newTable();
    await using own = await reader(url);
    await own.client.query(`create table ${table} as select n, n::text::json as odd from generate_series(1, 5) n`);
    await using crm = readOnly(url);
    const above = (value: number): RowFilter => ({
      kind: "compare",
      column: "n",
      operator: ">",
      value: { type: integer(32), value },
    });
    const odd: RowFilter = {
      kind: "compare",
      column: "odd",
      operator: "=",
      value: { type: { kind: "json" }, value: "1" },
    };
    const conditions = async (...filters: RowFilter[]) => {
      const asked = await sourceOf(crm, table).explain({ columns: ["n"], filters, limit: 9 }, NEVER_ABORTED);
      return /from \S+( .*)?\) to stdout/.exec(asked)![1] ?? "";
    };
    const one = `"n" > '1'::pg_catalog.int8`;
    expect(await conditions(above(1))).toBe(` where ${one} limit 9`);
    expect(await conditions(above(1), odd)).toBe(` where ${one}`);
    expect(await conditions({ kind: "and", parts: [odd, above(1)] })).toBe(` where ${one}`);
    expect(await conditions({ kind: "or", parts: [odd, above(1)] })).toBe("");
    expect(await conditions({ kind: "or", parts: [above(1), { kind: "is_null", column: "odd" }] })).toBe(
      ` where (${one} or "odd" is null) limit 9`,
    );
    expect(await conditions({ kind: "and", parts: [] }, { kind: "in", column: "n", values: [] })).toBe("");
    expect(await conditions({ kind: "is_null", column: "nowhere" })).toBe("");
  });

  it("carry constants that look like SQL as what they are", async () => {
    const table = newTable();
    const hostile = ["'", "''", "\\", "\\'", "'; drop table x; --", "$$", "E'\\x'", "%", "{x}", "\n", "\u2028", "a\\"];
    await using own = await reader(url);
    await own.client.query({ text: `create table ${table} (n integer, value text)` });
    for (const [n, value] of hostile.entries())
      await own.client.query(`insert into ${table} values ($1, $2)`, [n, value]);
    for (const conforming of ["on", "off"]) {
      await using crm = readOnly(
        `${url}?options=-c%20standard_conforming_strings%3D${conforming}%20-c%20escape_string_warning%3Doff`,
      );
      for (const [n, value] of hostile.entries()) {
        const filters: RowFilter[] = [
          { kind: "compare", column: "value", operator: "=", value: { type: { kind: "text" }, value } },
        ];
        expect(await values(crm, table, { columns: ["n"], filters })).toEqual([n]);
      }
    }
  });

  it.each(["a\0b", "\ud800"])("leave out a text that Postgres cannot have: %j", async (value) => {
    await using crm = readOnly(url);
    const table = newTable();
    await using own = await reader(url);
    await own.client.query(`create table ${table} as select 'a' as value`);
    const filters: RowFilter[] = [
      { kind: "compare", column: "value", operator: "<>", value: { type: { kind: "text" }, value } },
    ];
    expect(await values(crm, table, { columns: ["value"], filters })).toEqual(["a"]);
  });

  it("leave out letters, and the order of them, that a database in another encoding may not have", async () => {
    await using own = await reader(url);
    const name = `latin_${crypto.randomUUID().replaceAll("-", "")}`;
    await own.client.query(`create database ${name} encoding 'LATIN1' template template0 locale 'C'`);
    const latin = Object.assign(new URL(url), { pathname: `/${name}` }).href;
    {
      await using there = await reader(latin);
      await there.client.query("create table t as select unnest(array['é', 'z']) as value");
      await using crm = readOnly(latin);
      const asked = (operator: Operator, value: string) =>
        values(crm, "t", {
          columns: ["value"],
          filters: [{ kind: "compare", column: "value", operator, value: { type: { kind: "text" }, value } }],
        });
      expect(await asked("=", "z")).toEqual(["z"]);
      expect(await asked("=", "漢")).toEqual(["é", "z"]);
      expect(await asked("<", "z")).toEqual(["é", "z"]);
    }
    await own.client.query(`drop database ${name} with (force)`);
  });
});

function literal(value: string): string {
  return `E'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** A constant as DuckDB reads it. */
function constant(value: ParameterValue, type: DataType): string {
  if (type.kind === "interval") return "interval 1 month";
  const text = typeof value === "string" ? value.replaceAll("'", "''") : JSON.stringify(value);
  return type.kind === "bytes" ? `from_base64('${text}')` : `cast('${text}' as ${formatDataType(type)})`;
}
