import { afterAll, beforeAll, expect, it } from "vitest";
import { formatDataType } from "../../../../src/model/data-type.js";
import { checkedTable, readPage } from "../../../docs/pages.js";
import { describePostgres } from "../../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../../support/postgres-server.js";
import { load, reader, readWrite } from "../destination/loads.js";
import { NEVER_ABORTED, query, readOnly, sourceOf } from "./reads.js";

/** A column's type, values of it as the server reads them, the type that they arrive as, and what DuckDB says of them. */
const READ: readonly (readonly [column: string, values: readonly string[], type: string, texts?: readonly string[]])[] =
  [
    ["boolean", ["true", "false"], "BOOLEAN"],
    ["smallint", ["32767", "-32768"], "SMALLINT"],
    ["integer", ["2147483647", "-2147483648"], "INTEGER"],
    ["bigint", ["9223372036854775807", "-9223372036854775808", "-1"], "BIGINT"],
    ["real", ["1.5", "NaN", "Infinity", "-Infinity", "-0"], "FLOAT", ["1.5", "nan", "inf", "-inf", "-0.0"]],
    [
      "double precision",
      ["0.1", "NaN", "Infinity", "-Infinity", "5e-324", "-0"],
      "DOUBLE",
      ["0.1", "nan", "inf", "-inf", "5e-324", "-0.0"],
    ],
    ["numeric(18,2)", ["1234567890123456.78", "-0.01", "0.00"], "DECIMAL(18,2)"],
    ["numeric(38,0)", ["9".repeat(38), `-${"9".repeat(38)}`], "DECIMAL(38,0)"],
    [
      "numeric(38,38)",
      [`0.${"9".repeat(38)}`, `-0.${"0".repeat(37)}1`],
      "DECIMAL(38,38)",
      [`.${"9".repeat(38)}`, `-.${"0".repeat(37)}1`],
    ],
    ["numeric(5,-2)", ["1234567", "-99"], "DECIMAL(7,0)", ["1234600", "-100"]],
    ["numeric(3,5)", ["0.00999", "-0.00001"], "DECIMAL(5,5)", [".00999", "-.00001"]],
    ["numeric(39,0)", ["9".repeat(39), "NaN"], "VARCHAR"],
    ["numeric", [`${"9".repeat(60)}.${"1".repeat(60)}`, "NaN", "Infinity", "1.500"], "VARCHAR"],
    ["money", ["$1,234.50"], "VARCHAR"],
    ["text", ["", "ünï 漢字 🦆\n\t\\", "x".repeat(100_000)], "VARCHAR"],
    ["varchar(5)", ["abc  "], "VARCHAR"],
    ["char(5)", ["ab"], "VARCHAR"],
    ["name", ["ab"], "VARCHAR"],
    ['"char"', ["a"], "VARCHAR"],
    ["json", ['{"b": 1, "a": [1.0, 1e400]}', "null"], "JSON"],
    ["jsonb", ['{"a": [1.0, 2]}'], "JSON"],
    ["bytea", ["\\x", "\\x00ff5c61"], "BLOB", ["", "\\x00\\xFF\\x5Ca"]],
    ["uuid", ["12345678-1e10-4000-8000-ffffffffffff", "ffffffff-ffff-ffff-ffff-ffffffffffff"], "UUID"],
    [
      "date",
      ["2000-01-01", "infinity", "-infinity", "4713-11-24 BC", "5874897-12-31"],
      "DATE",
      ["2000-01-01", "infinity", "-infinity", "4713-11-24 (BC)", "5874897-12-31"],
    ],
    ["time", ["00:00:00", "23:59:59.999999", "24:00:00"], "TIME"],
    ["time(0)", ["12:34:56"], "TIME"],
    ["timetz", ["12:34:56.789+05:30", "00:00:00-15:59:59", "24:00:00+00"], "TIME WITH TIME ZONE"],
    [
      "timestamp",
      ["2001-02-03 04:05:06.000007", "infinity", "-infinity", "4713-11-24 00:00:00 BC", "294247-01-10 04:00:54.775806"],
      "TIMESTAMP",
      [
        "2001-02-03 04:05:06.000007",
        "infinity",
        "-infinity",
        "4713-11-24 (BC) 00:00:00",
        "294247-01-10 04:00:54.775806",
      ],
    ],
    ["timestamp(3)", ["2001-02-03 04:05:06.007"], "TIMESTAMP"],
    [
      "timestamptz",
      ["2001-02-03 04:05:06+02", "infinity", "-infinity", "1969-12-31 23:59:59.999999+00"],
      "TIMESTAMP WITH TIME ZONE",
      ["2001-02-03 02:05:06+00", "infinity", "-infinity", "1969-12-31 23:59:59.999999+00"],
    ],
    [
      "interval",
      ["14 mons -3 days 00:00:04.000005", "-178000000 years", "0"],
      "INTERVAL",
      ["1 year 2 months -3 days 00:00:04.000005", "-178000000 years", "00:00:00"],
    ],
    ["bit(3)", ["101"], "BIT"],
    ["bit varying", ["1", "0101010101", "11111111"], "BIT"],
    ["mood", ["sad", "it's ünï"], "ENUM('sad', 'it''s ünï', 'ok')"],
    ["positive", ["7"], "INTEGER"],
    ["strictly", ["7"], "INTEGER"],
    ["price", ["7.50"], "DECIMAL(9,2)"],
    ["moody", ["ok"], "ENUM('sad', 'it''s ünï', 'ok')"],
    ["oid", ["4294967295"], "BIGINT"],
    ["xid", ["4294967295"], "VARCHAR"],
    ["inet", ["10.0.0.1/8"], "VARCHAR"],
    ["cidr", ["10.0.0.0/8"], "VARCHAR"],
    ["macaddr", ["08:00:2b:01:02:03"], "VARCHAR"],
    ["xml", ["<a>b</a>"], "VARCHAR"],
    ["tsvector", ["'a':1 'b'"], "VARCHAR"],
    ["tsquery", ["'a' & 'b'"], "VARCHAR"],
    ["point", ["(0.1,2)"], "VARCHAR"],
    ["int4range", ["[1,3)"], "VARCHAR"],
    ["tstzrange", ['["2001-02-03 02:05:06+00",infinity)'], "VARCHAR"],
    ["int4multirange", ["{[1,3),[5,7)}"], "VARCHAR"],
    ["pair", ['(1,"a b")', "(,)"], "VARCHAR"],
    ["int2vector", ["1 2 3"], "VARCHAR"],
    ["integer[]", ["{1,NULL,-3}", "{}"], "INTEGER[]", ["[1, NULL, -3]", "[]"]],
    ["text[]", ['{a,"b c",NULL,""}'], "VARCHAR[]", ["[a, b c, NULL, '']"]],
    ["numeric(9,2)[]", ["{1.50,2.25}"], "DECIMAL(9,2)[]", ["[1.50, 2.25]"]],
    ["numeric[]", ["{1.50,NaN}"], "VARCHAR[]", ["[1.50, NaN]"]],
    [
      "timestamptz[]",
      ['{"2001-01-01 00:00:00+00",NULL}'],
      "TIMESTAMP WITH TIME ZONE[]",
      ["['2001-01-01 00:00:00+00', NULL]"],
    ],
    ["uuid[]", ["{12345678-1e10-4000-8000-ffffffffffff}"], "UUID[]", ["[12345678-1e10-4000-8000-ffffffffffff]"]],
    ["jsonb[]", ['{"{\\"a\\": 1}"}'], "JSON[]", ['[{"a": 1}]']],
    ["mood[]", ["{sad,NULL}"], "ENUM('sad', 'it''s ünï', 'ok')[]", ["[sad, NULL]"]],
    ["price[]", ["{7.50}"], "DECIMAL(9,2)[]", ["[7.50]"]],
    ["prices", ["{7.50}"], "DECIMAL(9,2)[]", ["[7.50]"]],
    ["char(3)[]", ["{ab}"], "VARCHAR[]", ["[ab]"]],
    ["point[]", ['{"(0.1,2)"}'], "VARCHAR[]", ["['(0.1,2)']"]],
    ["pair[]", ['{"(1,a)"}'], "VARCHAR[]", ["['(1,a)']"]],
  ];

/** Values that no exact counterpart exists for. */
const REFUSED: readonly (readonly [column: string, value: string, says: RegExp])[] = [
  ["numeric(5,2)", "NaN", /NaN/],
  ["numeric(5,2)[]", "{NaN}", /NaN/],
  ["timestamp", "294276-12-31 23:59:59", /294247/],
  ["timestamp", "294247-01-10 04:00:54.775807", /294247/],
  ["interval", "infinity", /infinite/],
  ["integer[]", "{{1,2},{3,4}}", /dimension/],
  ["integer[]", "[0:1]={1,2}", /numbered/],
  ["bit varying", "", /./],
];

/** What Millrace writes comes back as it was. */
const ROUND_TRIPS: readonly (readonly string[])[] = [
  ["true", "false"],
  ["'-128'::tinyint::smallint", "127::smallint"],
  ["2147483647", "-2147483648"],
  ["9223372036854775807", "(-9223372036854775807 - 1)::bigint"],
  ["18446744073709551615::decimal(20,0)"],
  ["1.5::float", "'nan'::float", "'-inf'::float", "'-0'::float"],
  ["0.1::double", "'nan'::double", "'inf'::double", "5e-324::double", "'-0'::double"],
  [`${"9".repeat(35)}.999::decimal(38,3)`, `-${"9".repeat(35)}.999::decimal(38,3)`],
  ["''", "'ünï 漢字 🦆'", "repeat('é', 5000)"],
  [`'{"b": 1, "a": [1.0, 1e400]}'::json`],
  ["''::blob", "'\\x00\\xFF\\x5C'::blob"],
  ["'1'::bit", "'0101010101'::bit"],
  ["'12345678-1e10-4000-8000-ffffffffffff'::uuid"],
  ["date '2000-01-01'", "'infinity'::date", "'-infinity'::date", "'4713-11-24 (BC)'::date", "date '5874897-12-31'"],
  ["time '23:59:59.999999'", "time '24:00:00'"],
  ["timetz '12:34:56.789+05:30'", "timetz '00:00:00-15:59:59'", "timetz '24:00:00+00'"],
  [
    "timestamp '2001-02-03 04:05:06.000007'",
    "'infinity'::timestamp",
    "'-infinity'::timestamp",
    "'4714-11-24 (BC) 00:00:00'::timestamp",
  ],
  ["timestamptz '2001-02-03 04:05:06+02'", "'-infinity'::timestamptz"],
  ["interval '14 months -3 days 4.000005 seconds'", "interval '-1 month'"],
  ["[1, null, -3]", "[]::integer[]"],
  ["['a', 'b,\"c', null, '']"],
  ["[timestamp '2001-01-01', null]"],
];

describePostgres("the types of a Postgres source", () => {
  let server: PostgresServer;
  let url: string;
  let tables = 0;
  const newTable = () => `t${(tables += 1)}`;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
    url = await server.createDatabase();
    await using own = await reader(url);
    await own.client.query(`
      create type mood as enum ('sad', 'it''s ünï', 'ok');
      create domain positive as integer check (value > 0);
      create domain strictly as positive not null;
      create domain price as numeric(9,2);
      create domain prices as price[];
      create domain moody as mood;
      create type pair as (a integer, b text)`);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it.each(READ.map(([column, values, type, texts = values]) => [column, values, type, texts] as const))(
    "%s %j arrives as %s",
    async (column, values, type, texts) => {
      const table = newTable();
      await using own = await reader(url);
      await own.client.query(`create table ${table} (n integer, value ${column})`);
      const rows = values.map((value, n) => `(${n}, ${literal(value)}::${column})`).join(", ");
      await own.client.query(`insert into ${table} values ${rows}`);
      if (column !== "strictly") await own.client.query(`insert into ${table} values (${values.length}, null)`);
      await using crm = readOnly(url);

      const schema = await sourceOf(crm, table).schema(NEVER_ABORTED);
      expect(formatDataType(schema!.columns[1]!.type)).toBe(type);
      expect(schema!.columns[1]!.nullable).toBe(column !== "strictly");
      const read = await query(crm, `select value::varchar as text from crm.${table} order by n`);
      expect(read.map(({ text }) => text)).toEqual(column === "strictly" ? texts : [...texts, null]);
    },
  );

  it.each(REFUSED)("%s %j is refused by the column's name", async (column, value, says) => {
    const table = newTable();
    await using own = await reader(url);
    await own.client.query(`create table ${table} (n integer, "the value" ${column})`);
    await own.client.query(`insert into ${table} values (1, null), (2, ${literal(value)})`);
    await using crm = readOnly(url);
    const reading = query(crm, `select n, "the value" from crm.${table}`);
    await expect(reading).rejects.toMatchObject({ code: "query_failed", retryable: false, columns: ["the value"] });
    await expect(reading).rejects.toThrow(says);
    // A query that does not need the column does not mind.
    expect(await query(crm, `select n from crm.${table} order by n`)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it("docs/types.md says what arrives", async () => {
    const page = checkedTable(readPage("docs/types.md"), "test/adapters/postgres/source/read-types.test.ts");
    const documented = page.map(([columns, types]) => [columns, types].map(codes));
    const columns = documented.flatMap(([names]) => names!);
    await using own = await reader(url);
    await own.client.query(`
      create schema documented; set search_path = documented, public;
      create type mood as enum ('sad', 'ok');
      create table everything (${columns.map((column, index) => `c${index} ${column}`).join(", ")})`);
    await using crm = readOnly(url, { schema: "documented" });
    const schema = await sourceOf(crm, "everything").schema(NEVER_ABORTED);
    expect(schema!.columns.map(({ type }) => formatDataType(type))).toEqual(documented.flatMap(([, types]) => types!));
  });

  it("takes an unbounded numeric as the decimal that it is told, where it fits", async () => {
    const table = newTable();
    await using own = await reader(url);
    await own.client.query(`create table ${table} (n integer, value numeric, huge numeric(50,0))`);
    await own.client.query(`insert into ${table} values (1, 12345.67, 1), (2, null, null), (3, -0.01, -1)`);
    await using crm = readOnly(url, { unboundedNumeric: { precision: 9, scale: 2 } });
    const schema = await sourceOf(crm, table).schema(NEVER_ABORTED);
    expect(schema!.columns.map((column) => formatDataType(column.type))).toEqual([
      "INTEGER",
      "DECIMAL(9,2)",
      "DECIMAL(9,2)",
    ]);
    expect(await query(crm, `select value::varchar as v, huge::varchar as h from crm.${table} order by n`)).toEqual([
      { v: "12345.67", h: "1.00" },
      { v: null, h: null },
      { v: "-0.01", h: "-1.00" },
    ]);
    for (const tooMuch of ["0.001", "12345678", "NaN"]) {
      await own.client.query(
        `delete from ${table} where n > 3; insert into ${table} values (4, ${literal(tooMuch)}, 0)`,
      );
      await expect(query(crm, `select value from crm.${table}`)).rejects.toMatchObject({
        code: "query_failed",
        columns: ["value"],
      });
    }
  });

  it.each(ROUND_TRIPS.map((values) => [values]))("%j: what is written is read again", async (values) => {
    const table = newTable();
    await using both = readWrite(url);
    const given = `from (values ${[...values, "null"].map((value, n) => `(${n}, ${value})`).join(", ")}) t(n, value)`;
    expect((await load(both, { query: given, table, createIfMissing: true })).error).toBeNull();
    const sent = await query(both, `select n, value, typeof(value) as type from (${given}) order by n`);
    const back = await query(both, `select n, value, typeof(value) as type from crm.${table} order by n`);
    expect(back).toEqual(sent);
  });
});

/** What stands in back-ticks. */
function codes(cell: string | undefined): string[] {
  return [...(cell ?? "").matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
}

function literal(value: string): string {
  return `E'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
