import { afterAll, beforeAll, expect, it } from "vitest";
import { describePostgres } from "../../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../../support/postgres-server.js";
import { load, reader, readWrite, refusal } from "./loads.js";

/** DuckDB's values of a type, the column that they make, and what the server says of them. */
const KEPT: readonly (readonly [values: readonly string[], column: string, texts: readonly string[]])[] = [
  [["true", "false"], "boolean", ["t", "f"]],
  [["127::tinyint", "'-128'::tinyint", "0::tinyint"], "smallint", ["127", "-128", "0"]],
  [["255::utinyint", "0::utinyint"], "smallint", ["255", "0"]],
  [["32767::smallint", "'-32768'::smallint"], "smallint", ["32767", "-32768"]],
  [["65535::usmallint", "0::usmallint"], "integer", ["65535", "0"]],
  [["2147483647", "-2147483648", "-1"], "integer", ["2147483647", "-2147483648", "-1"]],
  [["4294967295::uinteger", "2147483648::uinteger"], "bigint", ["4294967295", "2147483648"]],
  [
    ["9223372036854775807", "(-9223372036854775807 - 1)::bigint", "4294967296", "-1::bigint"],
    "bigint",
    ["9223372036854775807", "-9223372036854775808", "4294967296", "-1"],
  ],
  [
    ["18446744073709551615::ubigint", "0::ubigint", "10000::ubigint"],
    "numeric(20,0)",
    ["18446744073709551615", "0", "10000"],
  ],
  [
    [
      "170141183460469231731687303715884105727::hugeint",
      "(-170141183460469231731687303715884105727::hugeint - 1)",
      "-1::hugeint",
    ],
    "numeric(39,0)",
    ["170141183460469231731687303715884105727", "-170141183460469231731687303715884105728", "-1"],
  ],
  [["340282366920938463463374607431768211455::uhugeint"], "numeric(39,0)", ["340282366920938463463374607431768211455"]],
  [
    [`'1${"0".repeat(60)}'::bignum`, `'-123456789${"0".repeat(4)}1'::bignum`, "'0'::bignum"],
    "numeric",
    [`1${"0".repeat(60)}`, `-123456789${"0".repeat(4)}1`, "0"],
  ],
  [["1.50::decimal(4,2)", "-99.99::decimal(4,2)", "0::decimal(4,2)"], "numeric(4,2)", ["1.50", "-99.99", "0.00"]],
  [["0.00001::decimal(5,5)", "-0.99999::decimal(5,5)"], "numeric(5,5)", ["0.00001", "-0.99999"]],
  [["9007199254740993::decimal(18,0)", "99990000::decimal(18,0)"], "numeric(18,0)", ["9007199254740993", "99990000"]],
  [
    ["123456789012345678.123::decimal(38,3)", `-${"9".repeat(35)}.999::decimal(38,3)`, "0.1::decimal(38,3)"],
    "numeric(38,3)",
    ["123456789012345678.123", `-${"9".repeat(35)}.999`, "0.100"],
  ],
  [["1.5::float", "'nan'::float", "'-inf'::float", "'-0'::float"], "real", ["1.5", "NaN", "-Infinity", "-0"]],
  [
    ["0.1::double", "'nan'::double", "'inf'::double", "5e-324::double", "'-0'::double"],
    "double precision",
    ["0.1", "NaN", "Infinity", "5e-324", "-0"],
  ],
  [["''", "'ünï 漢字 🦆'", `repeat('é', 5000)`, "'\\N'"], "text", ["", "ünï 漢字 🦆", "é".repeat(5_000), "\\N"]],
  [[`'{"b": 1, "a": [1.0, 1e400]}'::json`, "'null'::json"], "json", ['{"b": 1, "a": [1.0, 1e400]}', "null"]],
  [["'ab'::enum('ab', 'c')", "'c'::enum('ab', 'c')"], "text", ["ab", "c"]],
  [["''::blob", "'\\x00\\xFF\\x5C'::blob"], "bytea", ["\\x", "\\x00ff5c"]],
  [["'1'::bit", "'0101010101'::bit", "'11111111'::bit"], "bit varying", ["1", "0101010101", "11111111"]],
  [["'12345678-1e10-4000-8000-ffffffffffff'::uuid"], "uuid", ["12345678-1e10-4000-8000-ffffffffffff"]],
  [
    ["date '2000-01-01'", "'infinity'::date", "'-infinity'::date", "'4713-11-24 (BC)'::date", "date '5874897-12-31'"],
    "date",
    ["2000-01-01", "infinity", "-infinity", "4713-11-24 BC", "5874897-12-31"],
  ],
  [["time '23:59:59.999999'", "time '24:00:00'"], "time without time zone", ["23:59:59.999999", "24:00:00"]],
  [
    ["timetz '12:34:56.789+05:30'", "timetz '00:00:00-15:59:59'", "timetz '24:00:00+00'"],
    "time with time zone",
    ["12:34:56.789+05:30", "00:00:00-15:59:59", "24:00:00+00"],
  ],
  [
    [
      "timestamp '2001-02-03 04:05:06.000007'",
      "'infinity'::timestamp",
      "'-infinity'::timestamp",
      "timestamp '1999-12-31 23:59:59.999999'",
      "'4714-11-24 (BC) 00:00:00'::timestamp",
      "'294246-12-31 23:59:59'::timestamp",
    ],
    "timestamp without time zone",
    [
      "2001-02-03 04:05:06.000007",
      "infinity",
      "-infinity",
      "1999-12-31 23:59:59.999999",
      "4714-11-24 00:00:00 BC",
      "294246-12-31 23:59:59",
    ],
  ],
  [
    ["'2001-02-03 04:05:06'::timestamp_s", "'1600-01-01 00:00:01'::timestamp_s", "'infinity'::timestamp_s"],
    "timestamp without time zone",
    ["2001-02-03 04:05:06", "1600-01-01 00:00:01", "infinity"],
  ],
  [
    ["'2001-02-03 04:05:06.007'::timestamp_ms", "'0001-01-01 00:00:00.001'::timestamp_ms"],
    "timestamp without time zone",
    ["2001-02-03 04:05:06.007", "0001-01-01 00:00:00.001"],
  ],
  [
    ["timestamptz '2001-02-03 04:05:06+02'", "'-infinity'::timestamptz"],
    "timestamp with time zone",
    ["2001-02-03 02:05:06+00", "-infinity"],
  ],
  [
    ["interval '14 months -3 days 4.000005 seconds'", "interval '-1 month'"],
    "interval",
    ["1 year 2 mons -3 days +00:00:04.000005", "-1 mons"],
  ],
  [["[1, null, -3]", "[]::integer[]", "[7]"], "integer[]", ["{1,NULL,-3}", "{}", "{7}"]],
  [["['a', 'b,\"c', null, '']"], "text[]", ['{a,"b,\\"c",NULL,""}']],
  [["[1.5, 2.25]::decimal(9,2)[]"], "numeric(9,2)[]", ["{1.50,2.25}"]],
  [
    ["[timestamp '2001-01-01', null]", "[timestamp '1970-01-01']"],
    "timestamp without time zone[]",
    ['{"2001-01-01 00:00:00",NULL}', '{"1970-01-01 00:00:00"}'],
  ],
  [["[true, false]"], "boolean[]", ["{t,f}"]],
  [["[1, 2, null]::integer[3]", "[4, 5, 6]::integer[3]"], "integer[]", ["{1,2,NULL}", "{4,5,6}"]],
];

const REFUSED: readonly (readonly [value: string, says: RegExp])[] = [
  ["[[1], [2]]", /to_json/],
  ["{a: 1}", /to_json/],
  ["map {'a': 1}", /to_json/],
  ["union_value(a := 1)", /to_json/],
  ["[{a: 1}]", /to_json/],
  ["'2001-01-01'::timestamp_ns", /microseconds/],
];

/** Rows into a column that is there: kept as the text, or refused by the column's name. */
const EXISTING: readonly (readonly [column: string, value: string, end: string | RegExp])[] = [
  ["smallint", "7::tinyint", "7"],
  ["integer", "7::utinyint", "7"],
  ["bigint", "-7::integer", "-7"],
  ["bigint", "4294967295::uinteger", "4294967295"],
  ["bigint", "-123::decimal(18,0)", "-123"],
  ["smallint", "-12::decimal(4,0)", "-12"],
  ["real", "-7::smallint", "-7"],
  ["double precision", "-7::integer", "-7"],
  ["double precision", "-123456789012345::decimal(15,0)", "-123456789012345"],
  ["double precision", "1.5::float", "1.5"],
  ["numeric", "1.50::decimal(4,2)", "1.50"],
  ["numeric", "-12::smallint", "-12"],
  ["numeric(30,4)", "1.50::decimal(4,2)", "1.5000"],
  ["numeric(50,0)", "-9223372036854775807", "-9223372036854775807"],
  ["varchar(4)", "'漢字ab'", "漢字ab"],
  ["varchar(4)", "'abc  '", /more than 4 characters/],
  ["text", "'{}'::json", "{}"],
  ["jsonb", `'{"b": 1, "a": 2}'::json`, '{"a": 2, "b": 1}'],
  ["jsonb[]", `['{"b":1}'::json]`, '{"{\\"b\\": 1}"}'],
  ["bit(3)", "'101'::bit", "101"],
  ["bit(3)", "'1010'::bit", /bit string length/],
  ["mood", "'sad'::enum('sad')", "sad"],
  ["mood", "'angry'::enum('angry')", /mood does not keep/],
  ["mood", "'sad'", /mood does not keep/],
  ["positive", "7", "7"],
  ["positive", "-7", /violates check constraint/],
  ["bigint[]", "[1::bigint, null]", "{1,NULL}"],
  ["bigint[]", "[1::integer]", "{1}"],
  ["timestamp(3)", "'2001-01-01 00:00:00.007'::timestamp_ms", "2001-01-01 00:00:00.007"],
  ["timestamp(0)", "'2001-01-01'::timestamp_s", "2001-01-01 00:00:00"],
  ["timestamp(3)", "'2001-01-01 00:00:00.0000007'::timestamp", /timestamp\(3\)/],
  ["integer", "7.9::double", /integer/],
  ["integer", "9223372036854775807", /integer does not keep/],
  ["integer", "1.0::decimal(4,1)", /integer/],
  ["numeric(4,2)", "1.234::decimal(5,3)", /numeric\(4,2\)/],
  ["char(4)", "'ab'", /character\(4\)/],
  ["json", "'{}'", /json/],
  ["time(0)", "time '12:00:00.5'", /time\(0\)/],
  ["interval(0)", "interval '1 second'", /interval\(0\)/],
  ["interval year to month", "interval '1 month'", /interval year to month/],
  ["mood[]", "['sad'::enum('sad')]", /mood\[\]/],
  ["point", "'(1,2)'", /point/],
  ["text", "7", /text does not keep/],
  ["text", "'a' || chr(0) || 'b'", /0x00/],
  ["date", "'5877642-06-25 (BC)'::date", /4713 BC to 5874897/],
  ["date", "date '5874898-01-01'", /4713 BC to 5874897/],
  ["timestamp", "'290309-12-22 (BC) 00:00:00'::timestamp", /4713 BC/],
];

describePostgres("the types of a Postgres destination", () => {
  let server: PostgresServer;
  let url: string;
  let tables = 0;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
    url = await server.createDatabase();
    await using own = await reader(url);
    await own.client.query(
      "create type mood as enum ('sad', 'ok'); create domain positive as integer check (value > 0)",
    );
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it.each(KEPT)("%s: a new column is %s", async (values, column, texts) => {
    await using out = readWrite(url);
    await using own = await reader(url);
    const table = `kept_${(tables += 1)}`;
    const rows = [...values, "null"].map((value, n) => `(${n}, ${value})`).join(", ");
    const query = `from (values ${rows}) t(n, value)`;
    const run = await load(out, { query, table, createIfMissing: true });
    expect(run.error).toBeNull();
    expect(await own.values(`select value from ${table} order by n`)).toEqual([...texts, null]);
    const [type] = await own.values(
      `select format_type(atttypid, atttypmod) from pg_attribute where attrelid = '${table}'::regclass and attname = 'value'`,
    );
    expect(type).toBe(column);
    // What was made takes the same again.
    expect((await load(out, { query, table })).status).toBe("succeeded");
  });

  it.each(REFUSED)("%s: no column keeps it", async (value, says) => {
    await using out = readWrite(url);
    const error = await refusal(out, { query: `select ${value} as value`, table: "refused", createIfMissing: true });
    expect(error).toMatchObject({ code: "schema_mismatch", columns: ["value"] });
    expect(error.message).toMatch(says);
  });

  it.each(EXISTING)("a column of type %s, given %s", async (column, value, end) => {
    await using out = readWrite(url);
    await using own = await reader(url);
    const table = `existing_${(tables += 1)}`;
    await own.client.query(`create table ${table} (n integer, value ${column})`);
    // The value at fault is not the first of its batch.
    const given = { query: `select i as n, case when i = 2 then ${value} end as value from range(4) t(i)`, table };
    const query = given.query.replace("i as n", "i::integer as n");
    if (typeof end === "string") {
      expect((await load(out, { query, table })).error).toBeNull();
      expect(await own.values(`select value from ${table} order by n`)).toEqual([null, null, end, null]);
      return;
    }
    const error = await refusal(out, { query, table });
    expect(["schema_mismatch", "destination_failed"]).toContain(error.code);
    expect(error.message).toMatch(end);
    expect(error.retryable).toBe(false);
    if (column !== "positive") expect(error.columns).toEqual(["value"]);
    expect(await own.values(`select count(*) from ${table}`)).toEqual(["0"]);
  });
});
