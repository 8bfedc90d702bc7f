/** What one type takes: the value given, the form it is kept in, and SQL that means the same without a parameter. */
export interface ParameterCase {
  readonly type: string;
  readonly takes: readonly (readonly [given: unknown, kept: unknown, sql: string])[];
  readonly refuses: readonly unknown[];
}

const date = (text: string) => new Date(text);
const NO_WHOLE_NUMBERS = ["1.0", "0x1", "", " 1", "1e3", "--1", "１", 2 ** 53, NaN, 1.5, true];

export const PARAMETER_CASES: readonly ParameterCase[] = [
  {
    type: "BOOLEAN",
    takes: [
      [true, true, "true"],
      [false, false, "false"],
    ],
    refuses: ["true", 1, 0n, ""],
  },
  {
    type: "TINYINT",
    takes: [
      [-128, -128, "-128"],
      [127n, 127, "127"],
      [-0, 0, "0"],
    ],
    refuses: [128, -129, 128n, 1.5, NaN, Infinity, "1", true],
  },
  {
    type: "SMALLINT",
    takes: [
      [-32768, -32768, "-32768"],
      [32767, 32767, "32767"],
    ],
    refuses: [32768, -32769n, "5"],
  },
  {
    type: "INTEGER",
    takes: [
      [-2147483648, -2147483648, "-2147483648"],
      [2147483647n, 2147483647, "2147483647"],
    ],
    refuses: [2147483648, -2147483649, 0.1, "0", date("2001-01-01"), [1]],
  },
  {
    type: "UTINYINT",
    takes: [
      [255, 255, "255"],
      [0, 0, "0"],
    ],
    refuses: [-1, 256, -1n],
  },
  { type: "USMALLINT", takes: [[65535, 65535, "65535"]], refuses: [-1, 65536] },
  { type: "UINTEGER", takes: [[4294967295, 4294967295, "4294967295"]], refuses: [-1, 4294967296, "1"] },
  {
    type: "BIGINT",
    takes: [
      [9007199254740991, 9007199254740991, "9007199254740991"],
      [9007199254740992n, "9007199254740992", "9007199254740992"],
      [-(2n ** 63n), "-9223372036854775808", "-9223372036854775808"],
      ["9223372036854775807", "9223372036854775807", "9223372036854775807"],
      ["-007", -7, "-7"],
    ],
    refuses: [...NO_WHOLE_NUMBERS, 2n ** 63n, "9223372036854775808", -(2n ** 63n) - 1n],
  },
  {
    type: "UBIGINT",
    takes: [
      [2n ** 64n - 1n, "18446744073709551615", "18446744073709551615"],
      ["0", 0, "0"],
    ],
    refuses: [...NO_WHOLE_NUMBERS, -1, "-1", 2n ** 64n],
  },
  {
    type: "HUGEINT",
    takes: [
      [2n ** 127n - 1n, String(2n ** 127n - 1n), "170141183460469231731687303715884105727"],
      [-(2n ** 127n), String(-(2n ** 127n)), "cast('-170141183460469231731687303715884105728' as HUGEINT)"],
    ],
    refuses: [...NO_WHOLE_NUMBERS, 2n ** 127n, -(2n ** 127n) - 1n],
  },
  {
    type: "UHUGEINT",
    takes: [[2n ** 128n - 1n, String(2n ** 128n - 1n), "cast('340282366920938463463374607431768211455' as UHUGEINT)"]],
    refuses: [...NO_WHOLE_NUMBERS, -1n, 2n ** 128n],
  },
  {
    type: "BIGNUM",
    takes: [
      [-(10n ** 60n), String(-(10n ** 60n)), `cast('${-(10n ** 60n)}' as BIGNUM)`],
      [12, 12, "cast('12' as BIGNUM)"],
    ],
    refuses: [...NO_WHOLE_NUMBERS, 10n ** 10_000n, "1".repeat(10_001)],
  },
  {
    type: "DOUBLE",
    takes: [
      [0.1, 0.1, "0.1::DOUBLE"],
      [5e-324, 5e-324, "5e-324"],
      [Number.MAX_VALUE, Number.MAX_VALUE, "1.7976931348623157e308"],
      [2 ** 53, 2 ** 53, "9007199254740992::DOUBLE"],
      [NaN, "NaN", "'nan'::DOUBLE"],
      [Infinity, "Infinity", "'inf'::DOUBLE"],
      [-Infinity, "-Infinity", "'-inf'::DOUBLE"],
    ],
    refuses: ["1", "nan", "", true, 2n ** 53n + 1n, date("2001-01-01")],
  },
  {
    type: "FLOAT",
    takes: [
      [0.5, 0.5, "0.5::FLOAT"],
      [0.1, Math.fround(0.1), "0.1::FLOAT"],
      [1e-45, 1.401298464324817e-45, "1e-45::FLOAT"],
      [NaN, "NaN", "'nan'::FLOAT"],
    ],
    refuses: [1e39, -1e39, 1e-60, "0.5"],
  },
  {
    type: "DECIMAL(5,2)",
    takes: [
      ["12.5", "12.50", "12.50::DECIMAL(5,2)"],
      [0.1, "0.10", "0.10::DECIMAL(5,2)"],
      [-999.99, "-999.99", "-999.99::DECIMAL(5,2)"],
      [7n, "7.00", "7::DECIMAL(5,2)"],
      ["0012.3400", "12.34", "12.34::DECIMAL(5,2)"],
      [-0, "0.00", "0::DECIMAL(5,2)"],
      ["-0.00", "0.00", "0::DECIMAL(5,2)"],
      [1e2, "100.00", "100::DECIMAL(5,2)"],
    ],
    refuses: [
      1000,
      "1000",
      0.001,
      "1.005",
      0.1 + 0.2,
      NaN,
      Infinity,
      1e21,
      1e-7,
      "1e2",
      ".5",
      "5.",
      "+1",
      "",
      " 1",
      true,
    ],
  },
  {
    type: "DECIMAL(38,0)",
    takes: [
      ["9".repeat(38), "9".repeat(38), `${"9".repeat(38)}::DECIMAL(38,0)`],
      [1e21, "1" + "0".repeat(21), "1000000000000000000000::DECIMAL(38,0)"],
    ],
    refuses: ["1" + "0".repeat(38), 0.5],
  },
  {
    type: "DECIMAL(38,38)",
    takes: [[1e-7, `0.0000001${"0".repeat(31)}`, "0.0000001::DECIMAL(38,38)"]],
    refuses: [1, 1.5e-38],
  },
  {
    type: "VARCHAR",
    takes: [
      ["", "", "''"],
      ["it's {x} $1 -- /* \\ \"", "it's {x} $1 -- /* \\ \"", "'it''s {x} $1 -- /* \\ \"'"],
      ["a\0b", "a\0b", "'a' || chr(0) || 'b'"],
      ["😀\u{10ffff}\ufffd", "😀\u{10ffff}\ufffd", "'😀' || chr(1114111) || chr(65533)"],
      ["e\u0301", "e\u0301", "'e' || chr(769)"],
    ],
    refuses: ["\ud800", "a\udc00b", "\udc00\ud800", 1, true, {}, []],
  },
  {
    type: "JSON",
    takes: [
      [
        { b: [1, null, "é'\""], a: true },
        '{"b":[1,null,"é\'\\""],"a":true}',
        '\'{"b":[1,null,"é\'\'\\""],"a":true}\'::JSON',
      ],
      [
        '{"a": 12345678901234567890.10, "a": 1e400}',
        '{"a": 12345678901234567890.10, "a": 1e400}',
        `'{"a": 12345678901234567890.10, "a": 1e400}'::JSON`,
      ],
      [" [1] ", " [1] ", "' [1] '::JSON"],
      ["null", "null", "'null'::JSON"],
      [5, "5", "'5'::JSON"],
      [[], "[]", "'[]'::JSON"],
      ['"\\ud83d\\ude00\\\\ud800"', '"\\ud83d\\ude00\\\\ud800"', "'\"\\ud83d\\ude00\\\\ud800\"'::JSON"],
      ['"\\u0000"', '"\\u0000"', "'\"\\u0000\"'::JSON"],
    ],
    refuses: [
      "abc",
      "",
      "{a:1}",
      "\ufeff1",
      NaN,
      { a: 1n },
      { a: date("2001-01-01") },
      { a: "\ud800" },
      { "\ud800": 1 },
      '"\\ud800"',
      '"\\udc00\\ud800"',
      new Map(),
      new Uint8Array(),
    ],
  },
  {
    type: "ENUM('a','it''s','')",
    takes: [
      ["it's", "it's", "'it''s'::ENUM('a','it''s','')"],
      ["", "", "''::ENUM('a','it''s','')"],
    ],
    refuses: ["A", "b", 1],
  },
  {
    type: "BLOB",
    takes: [
      [new Uint8Array([0, 255]), "AP8=", "'\\x00\\xFF'::BLOB"],
      [Buffer.from("hi"), "aGk=", "'hi'::BLOB"],
      [new Uint8Array(), "", "''::BLOB"],
      ["AP8=", "AP8=", "'\\x00\\xFF'::BLOB"],
    ],
    refuses: ["AP8", "AP9=", "A===", "*", "AP8=\n", "AP_8", [0, 255], new ArrayBuffer(2)],
  },
  {
    type: "BIT",
    takes: [
      ["0101", "0101", "'0101'::BIT"],
      ["0".repeat(70), "0".repeat(70), `'${"0".repeat(70)}'::BIT`],
    ],
    refuses: ["", "2", 1, "01 "],
  },
  {
    type: "UUID",
    takes: [
      [
        "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID",
      ],
    ],
    refuses: ["a0eebc999c0b4ef8bb6d6bb9bd380a11", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "", 1],
  },
  {
    type: "DATE",
    takes: [
      ["2000-02-29", "2000-02-29", "date '2000-02-29'"],
      ["0001-01-01", "0001-01-01", "date '0001-01-01'"],
      [date("9999-12-31"), "9999-12-31", "date '9999-12-31'"],
      [date("1969-12-31"), "1969-12-31", "date '1969-12-31'"],
      [date("0050-01-01"), "0050-01-01", "date '0050-01-01'"],
    ],
    refuses: [
      "1900-02-29",
      "2001-02-30",
      "2001-13-01",
      "2001-00-01",
      "2001-01-00",
      "0000-01-01",
      "2001-1-1",
      "20010101",
      "10000-01-01",
      "-0001-01-01",
      "infinity",
      "epoch",
      "2001-01-01T00:00:00",
      " 2001-01-01",
      date("2001-01-01T00:00:00.001Z"),
      date("+010000-01-01"),
      date("-000001-01-01"),
      0,
    ],
  },
  {
    type: "TIME",
    takes: [
      ["23:59:59.999999", "23:59:59.999999", "time '23:59:59.999999'"],
      ["00:00", "00:00:00", "time '00:00:00'"],
      ["12:30:00.500000000", "12:30:00.5", "time '12:30:00.5'"],
      ["24:00:00", "24:00:00", "time '24:00:00'"],
    ],
    refuses: [
      "24:00:01",
      "24:00:00.1",
      "12:60:00",
      "12:00:60",
      "1:00",
      "12:00:00.0000001",
      "12:00:00Z",
      "12:00:00+01",
      "12",
      "",
      "12:00:00\n",
      date("2001-01-01"),
      0,
    ],
  },
  {
    type: "TIME_NS",
    takes: [["23:59:59.123456789", "23:59:59.123456789", "'23:59:59.123456789'::TIME_NS"]],
    refuses: ["12:00:00.0000000001", "25:00"],
  },
  {
    type: "TIME WITH TIME ZONE",
    takes: [
      ["12:00:00+05:30", "12:00:00+05:30", "'12:00:00+05:30'::TIMETZ"],
      ["12:00Z", "12:00:00+00:00", "'12:00:00+00'::TIMETZ"],
      ["12:00:00.25-15:59:59", "12:00:00.25-15:59:59", "'12:00:00.25-15:59:59'::TIMETZ"],
      ["12:00:00-00", "12:00:00+00:00", "'12:00:00+00'::TIMETZ"],
    ],
    refuses: ["12:00:00", "12:00:00+16", "12:00:00+1", "12:00:00+05:60", "12:00:00 UTC", "12:00:00z"],
  },
  {
    type: "TIMESTAMP",
    takes: [
      ["2001-02-28T12:00:00.123456", "2001-02-28T12:00:00.123456", "timestamp '2001-02-28 12:00:00.123456'"],
      ["2001-02-28 12:00", "2001-02-28T12:00:00", "timestamp '2001-02-28 12:00:00'"],
      ["2001-02-28", "2001-02-28T00:00:00", "timestamp '2001-02-28 00:00:00'"],
      [date("2001-02-28T12:00:00.120Z"), "2001-02-28T12:00:00.12", "timestamp '2001-02-28 12:00:00.12'"],
      [date("1969-12-31T23:59:59.999Z"), "1969-12-31T23:59:59.999", "timestamp '1969-12-31 23:59:59.999'"],
      ["0001-01-01T00:00:00", "0001-01-01T00:00:00", "timestamp '0001-01-01 00:00:00'"],
      ["9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999", "timestamp '9999-12-31 23:59:59.999999'"],
    ],
    refuses: [
      "2001-02-28T12:00:00Z",
      "2001-02-28T12:00:00+01:00",
      "2001-02-28T24:00:00",
      "2001-02-29T00:00:00",
      "2001-02-28t12:00:00",
      "2001-02-28T12:00:00.1234567",
      "2001-02-28T",
      "2001-02-28T12",
      "now",
      "infinity",
      date("+010000-01-01"),
      0,
      "0000-12-31T00:00:00",
    ],
  },
  {
    type: "TIMESTAMP_S",
    takes: [
      ["2001-02-28T12:00:01", "2001-02-28T12:00:01", "'2001-02-28 12:00:01'::TIMESTAMP_S"],
      [date("2001-02-28T12:00:01Z"), "2001-02-28T12:00:01", "'2001-02-28 12:00:01'::TIMESTAMP_S"],
    ],
    refuses: ["2001-02-28T12:00:01.5", date("2001-02-28T12:00:01.500Z")],
  },
  {
    type: "TIMESTAMP_MS",
    takes: [[date("2001-02-28T12:00:01.001Z"), "2001-02-28T12:00:01.001", "'2001-02-28 12:00:01.001'::TIMESTAMP_MS"]],
    refuses: ["2001-02-28T12:00:01.0001"],
  },
  {
    type: "TIMESTAMP_NS",
    takes: [
      [
        "2001-02-28T12:00:01.123456789",
        "2001-02-28T12:00:01.123456789",
        "'2001-02-28 12:00:01.123456789'::TIMESTAMP_NS",
      ],
      ["1677-09-22", "1677-09-22T00:00:00", "'1677-09-22 00:00:00'::TIMESTAMP_NS"],
      [
        "2262-04-11T23:47:16.854775806",
        "2262-04-11T23:47:16.854775806",
        "'2262-04-11 23:47:16.854775806'::TIMESTAMP_NS",
      ],
    ],
    refuses: [
      "1677-09-21T23:59:59",
      "2262-04-11T23:47:16.854775807",
      "2262-04-11T23:47:17",
      "2001-02-28T12:00:01.1234567891",
      date("2300-01-01"),
    ],
  },
  {
    type: "TIMESTAMP WITH TIME ZONE",
    takes: [
      ["2001-02-28T12:00:00.5+05:30", "2001-02-28T06:30:00.5Z", "timestamptz '2001-02-28 12:00:00.5+05:30'"],
      ["2001-01-01T00:00-01", "2001-01-01T01:00:00Z", "timestamptz '2001-01-01 01:00:00+00'"],
      [date("2001-02-28T12:00:00.001Z"), "2001-02-28T12:00:00.001Z", "timestamptz '2001-02-28 12:00:00.001+00'"],
      ["1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:00.000001Z", "timestamptz '1970-01-01 00:00:00.000001+00'"],
    ],
    refuses: [
      "2001-02-28T12:00:00",
      "2001-02-28",
      "2001-02-28T12:00:00 Europe/Rome",
      "2001-02-28T12:00:00+16:00",
      "0001-01-01T00:00:00+01:00",
      "9999-12-31T23:59:59-01:00",
      0,
    ],
  },
  {
    type: "INTERVAL",
    takes: [
      [{ months: 1 }, { months: 1, days: 0, micros: 0 }, "interval 1 month"],
      [{ days: -2n, micros: 3 }, { months: 0, days: -2, micros: 3 }, "to_days(-2) + interval 3 microsecond"],
      [
        { micros: 2n ** 63n - 1n },
        { months: 0, days: 0, micros: "9223372036854775807" },
        "to_microseconds(9223372036854775807)",
      ],
    ],
    refuses: [{}, "1 day", "P1D", { hours: 1 }, { days: 1.5 }, { days: 2 ** 31 }, { months: "1" }, 5, [1]],
  },
  {
    type: "INTEGER[]",
    takes: [
      [[1, null, 2n], [1, null, 2], "[1, NULL, 2]::INTEGER[]"],
      [[null, 1], [null, 1], "[NULL, 1]::INTEGER[]"],
      [[null], [null], "[NULL]::INTEGER[]"],
      [[], [], "[]::INTEGER[]"],
    ],
    refuses: [[1.5], ["1"], 1, new Set([1]), { 0: 1, length: 1 }],
  },
  {
    type: "VARCHAR[][]",
    takes: [
      [
        [["a,b", "NULL", null, ""], [], null],
        [["a,b", "NULL", null, ""], [], null],
        "[['a,b', 'NULL', NULL, ''], [], NULL]::VARCHAR[][]",
      ],
    ],
    refuses: [["a"]],
  },
  {
    type: "BIGINT[]",
    takes: [[[2n ** 62n, 1], ["4611686018427387904", 1], "[4611686018427387904, 1]::BIGINT[]"]],
    refuses: [[2n ** 63n]],
  },
  { type: "BLOB[]", takes: [[[new Uint8Array([0, 44])], ["ACw="], "['\\x00,'::BLOB]"]], refuses: [["?"]] },
  {
    type: "FLOAT[3]",
    takes: [[[1, null, 0.1], [1, null, Math.fround(0.1)], "array_value(1::FLOAT, NULL, 0.1::FLOAT)"]],
    refuses: [[1, 2], [1, 2, 3, 4], [], 1],
  },
  {
    type: 'STRUCT(a INTEGER, "b c" VARCHAR[])',
    takes: [
      [{ "b c": ["x"], a: 1 }, { a: 1, "b c": ["x"] }, "{'a': 1, 'b c': ['x']}::STRUCT(a INTEGER, \"b c\" VARCHAR[])"],
      [
        { a: null, "b c": null },
        { a: null, "b c": null },
        "{'a': NULL, 'b c': NULL}::STRUCT(a INTEGER, \"b c\" VARCHAR[])",
      ],
    ],
    refuses: [{ a: 1 }, { a: 1, "b c": [], d: 1 }, { A: 1, "b c": [] }, [1, []], { a: 1.5, "b c": [] }, 1],
  },
  {
    type: "MAP(VARCHAR, DOUBLE)",
    takes: [
      [
        new Map<unknown, unknown>([
          ["k=1", 1],
          ["", null],
        ]),
        [
          ["k=1", 1],
          ["", null],
        ],
        "MAP {'k=1': 1::DOUBLE, '': NULL}",
      ],
      [[["a", -Infinity]], [["a", "-Infinity"]], "MAP {'a': '-inf'::DOUBLE}"],
      [[], [], "MAP {}::MAP(VARCHAR, DOUBLE)"],
    ],
    refuses: [
      { a: 1 },
      [["a"]],
      [["a", 1, 2]],
      [
        ["a", 1],
        ["a", 2],
      ],
      [[null, 1]],
      ["a"],
      new Map([[1, 1]]),
    ],
  },
  {
    type: "UNION(n INTEGER, s VARCHAR)",
    takes: [
      [{ n: 1 }, { n: 1 }, "union_value(n := 1)::UNION(n INTEGER, s VARCHAR)"],
      [{ s: "1" }, { s: "1" }, "union_value(s := '1')::UNION(n INTEGER, s VARCHAR)"],
    ],
    refuses: [{ n: 1, s: "1" }, {}, { x: 1 }, 1, { n: "1" }],
  },
];
