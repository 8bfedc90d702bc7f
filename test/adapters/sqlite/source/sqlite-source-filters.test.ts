import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataType } from "../../../../src/model/data-type.js";
import type { FilterValue, RowFilter } from "../../../../src/model/row-filter.js";
import { filtersAgree } from "../../../support/filters-agree.js";
import { readSource, sourceOf } from "../../../support/read-source.js";
import { sqliteFile, type SqliteFile } from "../../../support/sqlite-file.js";

const NEVER_ABORTED = new AbortController().signal;
const INT: DataType = { kind: "integer", bits: 64, signed: true };
const TEXT: DataType = { kind: "text" };

let file: SqliteFile;

beforeAll(async () => {
  file = await sqliteFile();
});

afterAll(() => file[Symbol.asyncDispose]());

type Pushed = "exactly" | "widely" | "only nulls";

const TRIALS: readonly (readonly [
  declared: string,
  type: DataType,
  values: readonly string[],
  constants: readonly FilterValue["value"][],
  pushed: Pushed,
])[] = [
  [
    "INTEGER",
    INT,
    ["1", "-1", "9007199254740993", "9223372036854775807"],
    [1, "9007199254740992", "9223372036854775807"],
    "exactly",
  ],
  [
    "REAL",
    { kind: "float", bits: 64 },
    ["0.1", "-0.0", "9e999", "-9e999", "1"],
    [0.1, "-0", 0, "Infinity", "NaN", 1],
    "exactly",
  ],
  ["BOOLEAN", { kind: "boolean" }, ["0", "1"], [true, false], "exactly"],
  [
    "TEXT",
    TEXT,
    ["'a'", "'A'", "'a '", "''", "'é'", "'😀'", "char(65533)", "'ab'||char(0)||'c'"],
    ["a", "A ", "", "z", "\uFFFD", "😀", "ab\0", "é"],
    "exactly",
  ],
  ["TEXT collate nocase", TEXT, ["'a'", "'A'", "'b'", "'B'", "'_'"], ["a", "B", "_"], "exactly"],
  ["TEXT collate rtrim", TEXT, ["'a'", "'a  '", "'b'"], ["a", "a ", "b"], "exactly"],
  ["BLOB", { kind: "bytes" }, ["x''", "x'00'", "x'ff00'", "x'7f'"], ["", "AA==", "/wA="], "exactly"],
  [
    "DATE",
    { kind: "date" },
    ["'0001-01-01'", "'2001-02-03'", "'9999-12-31'", "'infinity'", "'-infinity'"],
    ["2001-02-03", "0001-01-01", "9999-12-31"],
    "exactly",
  ],
  [
    "UUID",
    { kind: "uuid" },
    ["'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'00000000-0000-0000-0000-000000000000'"],
    ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "exactly",
  ],
  [
    "TIME",
    { kind: "time", unit: "us", zoned: false },
    ["'12:00'", "'12:00:00.500'", "'12:00:59.999999'", "'11:59:59'", "'24:00:00'"],
    ["12:00:00", "12:00:00.5", "11:59:59", "00:00:00", "24:00:00"],
    "widely",
  ],
  [
    "TIMESTAMP",
    { kind: "timestamp", unit: "us", zoned: false },
    [
      "'2001-01-01'",
      "'2001-01-01T00:00'",
      "'2001-01-01 00:00:00.500'",
      "'2000-12-31 23:59:59'",
      "'2001-01-02 00:00:00'",
      "'infinity'",
      "'-infinity'",
    ],
    [
      "2001-01-01T00:00:00",
      "2001-01-01T00:00:00.5",
      "2000-12-31T23:59:59",
      "0001-01-01T00:00:00",
      "9999-12-31T23:59:59",
    ],
    "widely",
  ],
  [
    "TIMESTAMPTZ",
    { kind: "timestamp", unit: "us", zoned: true },
    [
      "'2001-01-01 00:30:00+01:00'",
      "'2000-12-31T23:30Z'",
      "'2001-01-01 23:30:00-12:00'",
      "'2001-01-02 00:00:00+00:00'",
      "'2001-01-03 00:00:00+14:00'",
      "'infinity'",
      "'-infinity'",
    ],
    [
      "2000-12-31T23:30:00Z",
      "2001-01-02T00:00:00Z",
      "2001-01-02T11:30:00Z",
      "0001-01-01T00:00:00Z",
      "9999-12-31T23:59:59Z",
    ],
    "widely",
  ],
  [
    "DECIMAL(10,2)",
    { kind: "decimal", precision: 10, scale: 2 },
    ["0.1", "1", "12.34"],
    ["0.10", "12.34"],
    "only nulls",
  ],
  ["", TEXT, ["1", "'1'", "'a'", "1.5"], ["1", "a"], "only nulls"],
  ["JSON", { kind: "json" }, ["'1'", "'\"a\"'"], ["1"], "only nulls"],
];

describe("filters that SQLite is asked for", () => {
  it.each(TRIALS)("leave out no row that the engine keeps: %s", async (declared, type, values, constants, pushed) => {
    const rows = ["null", ...values].map((value, index) => `(${index}, ${value})`);
    file
      .open()
      .exec(
        `drop table if exists t; create table t (id integer, c ${declared}); insert into t values ${rows.join(", ")}`,
      );
    const { wrong, narrowed, limited } = await filtersAgree(sourceOf(file.connection, "t"), type, constants);
    expect(wrong).toEqual([]);
    if (pushed === "only nulls") expect(narrowed).toBe(2);
    else expect(narrowed).toBeGreaterThan(4);
    if (pushed === "exactly") expect(limited).toBeGreaterThan(0);
  });

  it.each([
    ["INTEGER", INT, 5, "''", "TEXT"],
    ["REAL", { kind: "float", bits: 64 }, 5, "'x'", "TEXT"],
    ["BOOLEAN", { kind: "boolean" }, true, "'true'", "TEXT"],
    ["BOOLEAN", { kind: "boolean" }, false, "2", "INTEGER"],
    ["TEXT", TEXT, "z", "x'00'", "BLOB"],
    ["BLOB", { kind: "bytes" }, "AA==", "'x'", "TEXT"],
    ["DATE", { kind: "date" }, "2001-02-03", "1000000000", "INTEGER"],
    ["TIMESTAMP", { kind: "timestamp", unit: "us", zoned: false }, "2001-02-03T00:00:00", "2450000.5", "REAL"],
    // Texts that SQLite would put in another place than that of what they mean.
    ["DATE", { kind: "date" }, "2001-02-03", "'2001-1-3'", ""],
    ["DATE", { kind: "date" }, "2001-02-03", "'2001-01-03 '", ""],
    ["TIME", { kind: "time", unit: "us", zoned: false }, "10:00:00", "'9:30'", ""],
    ["TIMESTAMP", { kind: "timestamp", unit: "us", zoned: false }, "2001-02-03T00:00:00", "'3/2/2001 10:00'", ""],
    ["TIMESTAMPTZ", { kind: "timestamp", unit: "us", zoned: true }, "2001-02-03T00:00:00Z", "'2001-1-3 10:00Z'", ""],
    ["UUID", { kind: "uuid" }, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "'a0eebc999c0b4ef8bb6d6bb9bd380a11'", ""],
  ] as const)(
    "do not hide values that the column does not say it has: %s",
    async (declared, type, value, bad, kept) => {
      file
        .open()
        .exec(
          `drop table if exists t; create table t (id integer, c ${declared}); insert into t values (1, null), (2, ${bad})`,
        );
      const source = sourceOf(file.connection, "t");
      for (const operator of type.kind === "uuid" ? (["="] as const) : (["<", "=", ">"] as const)) {
        const filters: RowFilter[] = [
          { kind: "or", parts: [{ kind: "compare", column: "c", operator, value: { type, value } }] },
        ];
        await expect(readSource(source, { columns: ["id"], filters })).rejects.toThrow(
          `the row of rowid 2 has ${kept === "" ? "a text of another form" : `a value of class ${kept}`}, and a filter compares it.`,
        );
      }
      const filters: RowFilter[] = [{ kind: "is_null", column: "c" }];
      expect(await readSource(source, { columns: ["id"], filters })).toEqual([{ id: 1n }]);
    },
  );

  it("compare texts by their bytes also where the file keeps UTF-16", async () => {
    await using wide = await sqliteFile(`pragma encoding = 'UTF-16le';
      create table t (id integer, c text); insert into t values (1, char(0xff)), (2, char(0x100)), (3, '😀'), (4, char(0xfffd))`);
    const { wrong, narrowed } = await filtersAgree(sourceOf(wide.connection, "t"), TEXT, [
      "\u00ff",
      "\u0100",
      "\uFFFD",
    ]);
    expect(wrong).toEqual([]);
    expect(narrowed).toBeGreaterThan(4);
  });

  it("are not more than SQLite takes", async () => {
    file
      .open()
      .exec("drop table if exists t; create table t (id integer, c text); insert into t (id) values (1), (2), (3000)");
    const source = sourceOf(file.connection, "t");
    const compare = (operator: "=" | "<>", value: number): RowFilter => {
      return { kind: "compare", column: "id", operator, value: { type: INT, value } };
    };
    const numbers = Array.from({ length: 2_000 }, (_, index) => index + 2);
    const others = [...numbers.map((value) => compare("<>", value)), compare("=", 1)];
    const ids = async (filters: readonly RowFilter[], limit?: number): Promise<unknown[]> =>
      (await readSource(source, { columns: ["id"], filters, ...(limit !== undefined && { limit }) })).map(
        ({ id }) => id,
      );
    // Those that are left out are not counted, either.
    expect(await ids(others, 1)).toEqual([1n, 3_000n]);
    expect(await ids([{ kind: "or", parts: numbers.map((value) => compare("=", value)) }, compare("=", 1)])).toEqual([
      1n,
    ]);
    const long: RowFilter = {
      kind: "compare",
      column: "c",
      operator: "=",
      value: { type: TEXT, value: "x".repeat(400_000) },
    };
    expect(await source.explain!({ columns: ["id"], filters: [long] }, NEVER_ABORTED)).not.toContain("where");
  });

  it("are told in SQLite's words, with what cannot be asked left out, and a limit only where nothing is", async () => {
    file.open().exec(`drop table if exists t; create table t (id integer, "it's" text, at timestamp, d decimal(4,2))`);
    const source = sourceOf(file.connection, "t");
    const said = (filters: readonly RowFilter[], columns = ["id"]): Promise<string> =>
      source.explain!({ columns, filters, limit: 5 }, NEVER_ABORTED);
    const text: RowFilter = { kind: "compare", column: "it's", operator: "=", value: { type: TEXT, value: "o'clock" } };
    const decimal: RowFilter = {
      kind: "compare",
      column: "d",
      operator: "<",
      value: { type: { kind: "decimal", precision: 4, scale: 2 }, value: "1.00" },
    };
    const at: RowFilter = {
      kind: "compare",
      column: "at",
      operator: ">",
      value: { type: { kind: "timestamp", unit: "us", zoned: false }, value: "2001-01-01T12:00:00" },
    };
    expect(await said([])).toBe(`select "id" from main."t" limit 5`);
    expect(await said([text])).toBe(`select "id" from main."t" where "it's" collate binary = 'o''clock' limit 5`);
    expect(await said([decimal])).toBe(`select "id" from main."t"`);
    expect(await said([text, decimal])).toBe(`select "id" from main."t" where "it's" collate binary = 'o''clock'`);
    expect(await said([at])).toBe(`select "id" from main."t" where "at" collate binary >= '2001-01-01'`);
    expect(await said([{ kind: "or", parts: [text, decimal] }])).toBe(`select "id" from main."t"`);
    expect(await said([{ kind: "or", parts: [text, { kind: "is_null", column: "d" }] }])).toBe(
      `select "id" from main."t" where ("it's" collate binary = 'o''clock' or "d" is null) limit 5`,
    );
  });

  it("may name columns that are not read, and use an index", async () => {
    file
      .open()
      .exec("drop table if exists t; create table t (id integer, c text); insert into t values (1, 'a'), (2, 'b')");
    const filters: RowFilter[] = [{ kind: "compare", column: "c", operator: ">=", value: { type: TEXT, value: "b" } }];
    expect(await readSource(sourceOf(file.connection, "t"), { columns: ["id"], filters })).toEqual([{ id: 2n }]);
  });
});
