import { afterAll, beforeAll, expect, it } from "vitest";
import { describeMysql } from "../../../support/describe-mysql.js";
import { type MariadbServer, startMariadb } from "../../../support/mariadb-server.js";
import { load, refusal } from "../../postgres/destination/loads.js";
import { reader, readWrite } from "./mysql-reader.js";

/** DuckDB's values of a type, the column that they make, and what the server says of them. */
const KEPT: readonly (readonly [values: readonly string[], column: string, texts: readonly string[], read?: string])[] =
  [
    [["true", "false"], "tinyint(1)", ["1", "0"]],
    [["127::tinyint", "'-128'::tinyint", "0::tinyint"], "tinyint", ["127", "-128", "0"]],
    [["255::utinyint", "0::utinyint"], "tinyint unsigned", ["255", "0"]],
    [["32767::smallint", "'-32768'::smallint"], "smallint", ["32767", "-32768"]],
    [["65535::usmallint", "10::usmallint"], "smallint unsigned", ["65535", "10"]],
    [["2147483647", "-2147483648", "-1", "1000000000"], "int", ["2147483647", "-2147483648", "-1", "1000000000"]],
    [["4294967295::uinteger", "2147483648::uinteger"], "int unsigned", ["4294967295", "2147483648"]],
    [
      [
        "9223372036854775807",
        "(-9223372036854775807 - 1)::bigint",
        "9007199254740993",
        "-9007199254740993",
        "-1::bigint",
      ],
      "bigint",
      ["9223372036854775807", "-9223372036854775808", "9007199254740993", "-9007199254740993", "-1"],
    ],
    [
      ["18446744073709551615::ubigint", "0::ubigint", "9223372036854775808::ubigint"],
      "bigint unsigned",
      ["18446744073709551615", "0", "9223372036854775808"],
    ],
    [
      ["170141183460469231731687303715884105727::hugeint", "-1::hugeint"],
      "decimal(39,0)",
      ["170141183460469231731687303715884105727", "-1"],
    ],
    [
      ["340282366920938463463374607431768211455::uhugeint"],
      "decimal(39,0)",
      ["340282366920938463463374607431768211455"],
    ],
    [
      ["1.50::decimal(4,2)", "-99.99::decimal(4,2)", "-0.01::decimal(4,2)"],
      "decimal(4,2)",
      ["1.50", "-99.99", "-0.01"],
    ],
    [["0.00001::decimal(5,5)", "-0.99999::decimal(5,5)"], "decimal(5,5)", ["0.00001", "-0.99999"]],
    [
      ["0.000000000000001::decimal(18,15)", "-123.999999999999999::decimal(18,15)"],
      "decimal(18,15)",
      ["0.000000000000001", "-123.999999999999999"],
    ],
    [["0.0000000000000001::decimal(18,16)"], "decimal(18,16)", ["0.0000000000000001"]],
    [["9007199254740993::decimal(18,0)", "-7::decimal(18,0)"], "decimal(18,0)", ["9007199254740993", "-7"]],
    [
      ["123456789012345678.123::decimal(38,3)", `-${"9".repeat(35)}.999::decimal(38,3)`, "0.1::decimal(38,3)"],
      "decimal(38,3)",
      ["123456789012345678.123", `-${"9".repeat(35)}.999`, "0.100"],
    ],
    [
      ["0.1::float", "'3.4028235e38'::float", "'1e-45'::float", "16777217::float"],
      "float",
      ["0.10000000149011612", "3.4028234663852886e38", "1.401298464324817e-45", "16777216"],
      "cast(value as double)",
    ],
    [
      ["0.1::double", "5e-324::double", "1.7976931348623157e308::double", "(-1/3)::double", "'-0'::double"],
      "double",
      ["0.1", "5e-324", "1.7976931348623157e308", "-0.3333333333333333", "0"],
    ],
    [
      [
        "''",
        "'ünï 漢字 🦆'",
        "repeat('é', 5000)",
        "'\\N'",
        "'a' || chr(0) || chr(9) || chr(10) || chr(13) || chr(92) || 'n'",
      ],
      "longtext",
      ["", "ünï 漢字 🦆", "é".repeat(5_000), "\\N", "a\0\t\n\r\\n"],
    ],
    [["'a '", "'A'", "' '"], "longtext", ["a ", "A", " "]],
    [[`'{"b": 1, "a": [1.0, 1e400]}'::json`, "'null'::json"], "longtext", ['{"b": 1, "a": [1.0, 1e400]}', "null"]],
    [["'ab'::enum('ab', 'c\td')", "'c\td'::enum('ab', 'c\td')"], "longtext", ["ab", "c\td"]],
    [["''::blob", "'\\x00\\xFF\\x5C\\x09\\xE0'::blob"], "longblob", ["", "00FF5C09E0"], "hex(value)"],
    [["'12345678-1e10-4000-8000-ffffffffffff'::uuid"], "char(36)", ["12345678-1e10-4000-8000-ffffffffffff"]],
    [
      ["date '2000-02-29'", "date '0001-01-01'", "date '9999-12-31'"],
      "date",
      ["2000-02-29", "0001-01-01", "9999-12-31"],
    ],
    [
      ["time '23:59:59.999999'", "time '24:00:00'", "time '00:00:00.000001'"],
      "time(6)",
      ["23:59:59.999999", "24:00:00.000000", "00:00:00.000001"],
    ],
    [
      [
        "timestamp '2001-02-03 04:05:06.000007'",
        "timestamp '1969-12-31 23:59:59.999999'",
        "timestamp '0001-01-01 00:00:00'",
        "timestamp '9999-12-31 23:59:59.999999'",
      ],
      "datetime(6)",
      [
        "2001-02-03 04:05:06.000007",
        "1969-12-31 23:59:59.999999",
        "0001-01-01 00:00:00.000000",
        "9999-12-31 23:59:59.999999",
      ],
    ],
    [["'1600-01-01 00:00:01'::timestamp_s"], "datetime", ["1600-01-01 00:00:01"]],
    [["'2001-02-03 04:05:06.007'::timestamp_ms"], "datetime(3)", ["2001-02-03 04:05:06.007"]],
    [
      ["timestamptz '2001-02-03 04:05:06.5+02'", "timestamptz '2038-01-19 03:14:07.999999+00'"],
      "timestamp(6)",
      ["2001-02-03 02:05:06.500000", "2038-01-19 03:14:07.999999"],
    ],
  ];

const REFUSED: readonly (readonly [value: string, says: RegExp])[] = [
  ["[1, 2]", /to_json/],
  ["{a: 1}", /to_json/],
  ["map {'a': 1}", /to_json/],
  ["union_value(a := 1)", /to_json/],
  ["'2001-01-01'::timestamp_ns", /microseconds/],
  ["interval '1 day'", /no intervals/],
  ["timetz '12:00:00+02'", /no time with a zone/],
  ["'1'::bignum", /65 digits/],
  ["'101'::bit", /bit\(n\)/],
  ["0.1::decimal(38,31)", /behind the point/],
];

/** Rows into a column that is there: kept as the text, or refused by the column's name. */
const EXISTING: readonly (readonly [column: string, value: string, end: string | RegExp, read?: string])[] = [
  ["smallint", "7::tinyint", "7"],
  ["smallint unsigned", "255::utinyint", "255"],
  ["smallint unsigned", "7::tinyint", /smallint/],
  ["mediumint", "-7::smallint", "-7"],
  ["mediumint", "7::integer", /mediumint/],
  ["int", "65535::usmallint", "65535"],
  ["bigint", "-123::decimal(18,0)", "-123"],
  ["bigint", "1::decimal(19,0)", /bigint/],
  ["tinyint", "true", /tinyint/],
  ["int(11) zerofill", "7::utinyint", "00000000007"],
  ["float", "-7::smallint", "-7"],
  ["float", "7::integer", /float/],
  ["float(10,2)", "1.5::float", /float\(10,2\)/],
  ["double", "-123456789012345::decimal(15,0)", "-123456789012345"],
  ["double unsigned", "1.5::double", /double unsigned/],
  ["double", "'nan'::double", /NaN or infinity/],
  ["double", "'-inf'::double", /NaN or infinity/],
  ["decimal(10,2)", "1.5::double", /decimal/],
  ["decimal(30,4)", "1.50::decimal(4,2)", "1.5000"],
  ["decimal(4,2)", "1.234::decimal(5,3)", /decimal\(4,2\)/],
  ["decimal(65,30)", "1.5::decimal(38,30)", "1.500000000000000000000000000000"],
  ["decimal(10,2) unsigned", "1.5::decimal(4,2)", /unsigned/],
  ["decimal(20,0) unsigned", "18446744073709551615::ubigint", "18446744073709551615"],
  ["varchar(4)", "'漢字ab'", "漢字ab"],
  ["varchar(4)", "'abc  '", /more than 4 characters/],
  ["char(4)", "'ab'", "ab"],
  ["char(4)", "'ab '", /ends in a space/],
  ["char(4)", "'abcde'", /more than 4 characters/],
  ["tinytext", "repeat('x', 255)", "x".repeat(255)],
  ["tinytext", "repeat('x', 256)", /truncated for column/],
  ["varchar(9) character set latin1", "'ü'", "ü"],
  ["varchar(9) character set latin1", "'漢'", /Incorrect string value/],
  ["varchar(9) character set utf8mb3", "'🦆'", /Incorrect string value/],
  ["text", "'{}'::json", "{}"],
  ["json", `'{"b": 1}'::json`, '{"b": 1}'],
  ["json", "'{'::varchar", /CONSTRAINT/],
  ["enum('sad','ok')", "'sad'::enum('sad')", "sad"],
  ["enum('b','1')", "'1'::enum('1')", "1"],
  [String.raw`enum('it''s','a\\b')`, String.raw`'a\b'::enum('it''s', 'a\b')`, String.raw`a\b`],
  ["enum('sad','ok')", "'angry'::enum('angry')", /enum/],
  ["enum('sad','ok')", "'sad'", /enum/],
  ["set('a','b')", "'a'", /set/],
  ["binary(3)", "'abc'::blob", "616263", "hex(value)"],
  ["binary(3)", "'ab'::blob", /not 3 in number/],
  ["varbinary(3)", "'ab'::blob", "6162", "hex(value)"],
  ["varbinary(3)", "'abcd'::blob", /more than 3 bytes/],
  ["bit(10)", "'1111100000'::bit", "1111100000", "bin(value)"],
  ["bit(64)", `'1${"0".repeat(62)}1'::bit`, `1${"0".repeat(62)}1`, "bin(value)"],
  ["bit(3)", "'1010'::bit", /not 3 in number/],
  ["uuid", "'12345678-1e10-4000-8000-ffffffffffff'::uuid", "12345678-1e10-4000-8000-ffffffffffff"],
  ["char(35)", "'12345678-1e10-4000-8000-ffffffffffff'::uuid", /char\(35\)/],
  ["date", "'infinity'::date", /years 1 to 9999/],
  ["date", "date '10000-01-01'", /years 1 to 9999/],
  ["date", "'0001-12-31 (BC)'::date", /years 1 to 9999/],
  ["datetime(6)", "'-infinity'::timestamp", /years 1 to 9999/],
  ["datetime(6)", "timestamp '2001-01-01 00:00:00.5'", "2001-01-01 00:00:00.500000"],
  ["datetime(3)", "'2001-01-01'::timestamp", /datetime\(3\)/],
  ["datetime", "'2001-01-01'::timestamp_s", "2001-01-01 00:00:00"],
  ["datetime(6)", "timestamptz '2001-01-01 00:00:00+00'", /datetime\(6\)/],
  ["timestamp(6)", "timestamp '2001-01-01 00:00:00'", /timestamp\(6\)/],
  ["timestamp(6) null", "timestamptz '2039-01-01 00:00:00+00'", /Out of range value for column 'value'/],
  ["timestamp(6) null", "timestamptz '1970-01-01 00:00:00+00'", /Out of range value for column 'value'/],
  ["time", "time '12:00:00.5'", /time/],
  ["year", "2001::smallint", /year/],
  ["point", "'(1,2)'", /point/],
  ["text", "7", /text does not keep/],
  ["int check (value > 0)", "-7::integer", /CONSTRAINT/],
];

describeMysql("the types of a MySQL destination", () => {
  let server: MariadbServer;
  let url: string;
  let tables = 0;
  beforeAll(async () => {
    server = await startMariadb({ fsync: false });
    url = await server.createDatabase();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const kept = KEPT.map(([values, column, texts, read = "value"]) => ({ values, column, texts, read }));
  it.each(kept)("$values: a new column is $column", async ({ values, column, texts, read }) => {
    await using out = readWrite(url);
    await using own = await reader(url);
    const table = `kept_${(tables += 1)}`;
    const rows = [...values, "null"].map((value, n) => `(${n}, ${value})`).join(", ");
    const query = `from (values ${rows}) t(n, value)`;
    const run = await load(out, { query, table, createIfMissing: true });
    expect(run.error).toBeNull();
    expect(await own.values(`select ${read} from ${table} order by n`)).toEqual([...texts, null]);
    const [type] = await own.values(
      `select column_type from information_schema.columns where table_schema = database() and table_name = '${table}' and column_name = 'value'`,
    );
    // Some servers tell how wide they would show an integer.
    expect(type?.replace(/^((?:small|big|tiny)?int)\((?!1\)).*?\)/, "$1")).toBe(column);
    // What was made takes the same again.
    expect((await load(out, { query, table })).status).toBe("succeeded");
  });

  it.each(REFUSED)("%s is refused before the first row", async (value, says) => {
    await using out = readWrite(url);
    const error = await refusal(out, { query: `select ${value} as value`, table: "refused", createIfMissing: true });
    expect(error).toMatchObject({ code: "schema_mismatch", columns: ["value"] });
    expect(error.message).toMatch(says);
  });

  const existing = EXISTING.map(([column, value, end, read = "value"]) => ({ column, value, end, read }));
  it.each(existing)("a column $column takes $value: $end", async ({ column, value, end, read }) => {
    await using out = readWrite(url);
    await using own = await reader(url);
    const table = `existing_${(tables += 1)}`;
    await own.run(`create table ${table} (n int, value ${column})`);
    const query = `from (values (1, ${value}), (2, null)) t(n, value)`;
    if (typeof end === "string") {
      expect((await load(out, { query, table })).error).toBeNull();
      expect(await own.values(`select ${read} from ${table} order by n`)).toEqual([end, null]);
      return;
    }
    const error = await refusal(out, { query, table });
    expect(error.message).toMatch(end);
    expect(error.retryable).toBe(false);
    if (!error.message.includes("CONSTRAINT")) expect(error.columns).toEqual(["value"]);
    expect(await own.values(`select count(*) from ${table}`)).toEqual(["0"]);
  });
});
