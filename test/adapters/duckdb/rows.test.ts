import { tableFromArrays, tableFromJSON, type RecordBatch } from "apache-arrow";
import { describe, expect, it } from "vitest";
import { arrow, rows, type RowsOptions } from "../../../src/adapters/duckdb/entry.js";
import { formatDataType } from "../../../src/model/data-type.js";
import type { Connection } from "../../../src/ports/connection.js";
import { withEngine } from "./engine-session.js";

function readAll(connection: Connection): Promise<{ columns: string[]; rows: Record<string, unknown>[] }> {
  return withEngine({ data: connection }, async ({ describe: ask, rows: read }) => {
    const { schema } = await ask("from data");
    return {
      columns: schema.columns.map(({ name, type }) => `${name} ${formatDataType(type)}`),
      rows: await read("from data"),
    };
  });
}

describe("rows()", () => {
  it("infers the types that the values show", async () => {
    const data = [
      {
        b: true,
        i: 1,
        h: 2n ** 70n,
        d: 1,
        s: "a\0\u{1F600}",
        t: new Date("2020-01-01T10:00:00.123Z"),
        y: Uint8Array.of(0, 255),
        l: [1, null],
        o: { x: 1, y: ["a"] },
      },
      {
        b: null,
        i: 9_223_372_036_854_775_807n,
        h: -1,
        d: 0.5,
        s: "",
        t: null,
        y: new Uint8Array(0),
        l: [],
        o: { x: null, z: 2.5 },
      },
      { b: undefined },
    ];
    expect(await readAll(rows(data))).toEqual({
      columns: [
        "b BOOLEAN",
        "i BIGINT",
        "h HUGEINT",
        "d DOUBLE",
        "s VARCHAR",
        "t TIMESTAMP WITH TIME ZONE",
        "y BLOB",
        "l BIGINT[]",
        'o STRUCT("x" BIGINT, "y" VARCHAR[], "z" DOUBLE)',
      ],
      rows: [
        {
          b: true,
          i: 1n,
          h: 2n ** 70n,
          d: 1,
          s: "a\0\u{1F600}",
          t: "2020-01-01 10:00:00.123+00",
          y: Uint8Array.of(0, 255),
          l: [1n, null],
          o: { x: 1n, y: ["a"], z: null },
        },
        {
          b: null,
          i: 9_223_372_036_854_775_807n,
          h: -1n,
          d: 0.5,
          s: "",
          t: null,
          y: new Uint8Array(0),
          l: [],
          o: { x: null, y: null, z: 2.5 },
        },
        { b: null, i: null, h: null, d: null, s: null, t: null, y: null, l: null, o: null },
      ],
    });
  });

  it("takes declared types, exactly", async () => {
    const columns = {
      i8: "TINYINT",
      i16: "SMALLINT",
      i32: "INTEGER",
      u8: "UTINYINT",
      u64: "UBIGINT",
      f: "FLOAT",
      dec: "DECIMAL(18,2)",
      neg: "DECIMAL(38,3)",
      day: "DATE",
      at: "TIMESTAMP",
      zoned: "TIMESTAMPTZ",
      id: "UUID",
      j: "JSON",
      list: "SMALLINT[]",
      none: "DATE",
    };
    const row = {
      i8: -128,
      i16: 32767,
      i32: -2147483648,
      u8: 255,
      u64: 18_446_744_073_709_551_615n,
      f: 0.5,
      dec: "12.5",
      neg: "-0.001",
      day: "2020-02-29",
      at: "2020-01-01T10:00:00.123456",
      zoned: "2020-01-01T10:00:00+05:30",
      id: "A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11",
      j: { a: [1] },
      list: [1, null],
    };
    expect(await readAll(rows([row], { columns }))).toEqual({
      columns: Object.entries(columns).map(
        ([name, type]) => `${name} ${type === "TIMESTAMPTZ" ? "TIMESTAMP WITH TIME ZONE" : type}`,
      ),
      rows: [
        {
          i8: -128,
          i16: 32767,
          i32: -2147483648,
          u8: 255,
          u64: 18_446_744_073_709_551_615n,
          f: 0.5,
          dec: "12.50",
          neg: "-0.001",
          day: "2020-02-29",
          at: "2020-01-01 10:00:00.123456",
          zoned: "2020-01-01 04:30:00+00",
          id: "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
          j: '{"a":[1]}',
          list: [1, null],
          none: null,
        },
      ],
    });
  });

  const refused: readonly (readonly [name: string, data: unknown, options: RowsOptions, message: RegExp])[] = [
    ["two kinds", [{ a: 1 }, { a: "x" }], {}, /"a" in row 1 .* VARCHAR where .* BIGINT/],
    ["a bigint beside a fraction beyond 64 bits", [{ a: 2n ** 64n }, { a: 0.5 }], {}, /"a" in row 1/],
    ["kinds inside a list", [{ a: [1, "x"] }], {}, /"a" in row 0/],
    ["a function", [{ a: () => 1 }], {}, /"a" in row 0 .* function/],
    ["a class", [{ a: new (class Point {})() }], {}, /"a" in row 0 .* class/],
    ["half a surrogate pair", [{ a: "\ud800" }], {}, /"a" in row 0 .* VARCHAR/],
    ["an invalid Date", [{ a: new Date("x") }], {}, /"a" in row 0/],
    ["only nulls", [{ a: null }, { a: undefined }], {}, /"a" of rows shows no type/],
    ["no columns", [], {}, /no columns/],
    ["no array", 5, {}, /no array/],
    ["a row that is none", [[1]], {}, /no array of plain objects/],
    ["too large", [{ a: 128 }], { columns: { a: "TINYINT" } }, /"a" in row 0 .* TINYINT/],
    ["a fraction", [{ a: 1 }, { a: 1.5 }], { columns: { a: "INTEGER" } }, /"a" in row 1/],
    ["too many digits", [{ a: "1.005" }], { columns: { a: "DECIMAL(5,2)" } }, /"a" in row 0/],
    ["a day that is none", [{ a: "2020-02-30" }], { columns: { a: "DATE" } }, /"a" in row 0/],
    ["a time of a day", [{ a: new Date("2020-01-01T10:00:00Z") }], { columns: { a: "DATE" } }, /"a" in row 0/],
    ["an offset", [{ a: "2020-01-01T10:00:00Z" }], { columns: { a: "TIMESTAMP" } }, /"a" in row 0/],
    ["no offset", [{ a: "2020-01-01T10:00:00" }], { columns: { a: "TIMESTAMPTZ" } }, /"a" in row 0/],
    ["a number that FLOAT rounds", [{ a: 0.1 }], { columns: { a: "FLOAT" } }, /"a" in row 0/],
    ["a type of no name", [{ a: 1 }], { columns: { a: "NUMBER" } }, /NUMBER/],
  ];
  it.each(refused)("refuses %s, naming row and column", (_, data, options, message) => {
    expect(() => rows(data as never, options)).toThrow(
      expect.objectContaining({ code: "invalid_definition", message: expect.stringMatching(message) }),
    );
  });

  it("copies what it is given", async () => {
    const data = [{ a: 1, l: [1], y: Uint8Array.of(1) }];
    const connection = rows(data);
    data[0]!.a = 2;
    data[0]!.l.push(2);
    data[0]!.y[0] = 2;
    data.push({ a: 3, l: [], y: new Uint8Array(0) });
    expect((await readAll(connection)).rows).toEqual([{ a: 1n, l: [1n], y: Uint8Array.of(1) }]);
  });

  it("of several tables are read by their names", async () => {
    const crm = rows({ orders: [{ id: 1, who: "Ada" }], People: [{ name: "Ada" }] });
    await withEngine({ crm }, async ({ rows: read }) => {
      expect(await read("select o.id from crm.orders o join crm.People p on o.who = p.name")).toEqual([{ id: 1n }]);
      await expect(read("from crm")).rejects.toMatchObject({
        code: "sql_plan_failure",
        hint: expect.stringContaining("crm.<table>"),
      });
      await expect(read("from crm.nothing")).rejects.toMatchObject({ code: "sql_plan_failure", connection: "crm" });
    });
  });

  it("are loaded once, also by queries that come at once", async () => {
    const source = rows([{ a: 1 }]);
    let scans = 0;
    const counted: Connection = {
      capabilities: source.capabilities,
      source: (table) => {
        const held = source.source?.(table);
        if (held?.scan === undefined) return held;
        const scan = held.scan.bind(held);
        return {
          immutable: true,
          schema: (signal) => held.schema(signal),
          scan: (request) => ((scans += 1), scan(request)),
        };
      },
      check: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    await withEngine({ data: counted }, async ({ rows: read }) => {
      await Promise.all([read("from data"), read("from data"), read("select sum(a) as s from data")]);
      expect(await read("from data")).toEqual([{ a: 1n }]);
    });
    expect(scans).toBe(1);
  });

  it("many do not hold the event loop while they are loaded", async () => {
    const data = rows(Array.from({ length: 200_000 }, (_, i) => ({ i, s: `row ${i}` })));
    await withEngine({ data }, async ({ rows: read }) => {
      let longest = 0;
      let last = performance.now();
      const timer = setInterval(() => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }, 1);
      expect(await read("select count(*) as n, count(distinct s) as d from data")).toEqual([
        { n: 200_000n, d: 200_000n },
      ]);
      clearInterval(timer);
      expect(longest).toBeLessThan(100);
    });
  });
});

describe("arrow()", () => {
  it("reads a table", async () => {
    const table = tableFromArrays({ i: Int32Array.of(1, 2, 3), f: Float64Array.of(0.5, 1.5, 2.5), s: ["a", "b", "a"] });
    expect(await readAll(arrow(table))).toEqual({
      columns: ["i INTEGER", "f DOUBLE", "s VARCHAR"],
      rows: [
        { i: 1, f: 0.5, s: "a" },
        { i: 2, f: 1.5, s: "b" },
        { i: 3, f: 2.5, s: "a" },
      ],
    });
  });

  it("reads a batch, and several", async () => {
    const table = tableFromJSON([
      { a: 1, b: "x" },
      { a: 2, b: null },
    ]);
    const [batch] = table.batches as [RecordBatch];
    expect((await readAll(arrow(batch))).rows).toHaveLength(2);
    expect((await readAll(arrow([batch, batch]))).rows).toHaveLength(4);
  });

  it("reads an empty table", async () => {
    expect(await readAll(arrow(tableFromArrays({ i: new Int32Array(0) })))).toEqual({
      columns: ["i INTEGER"],
      rows: [],
    });
  });

  it("reads a batch of a million rows", async () => {
    const table = tableFromArrays({ i: Int32Array.from({ length: 1_000_000 }, (_, i) => i) });
    await withEngine({ data: arrow(table) }, async ({ rows: read }) => {
      expect(await read("select count(distinct i) as n from data")).toEqual([{ n: 1_000_000n }]);
    });
  });

  it.each([[[]], [{}], [[1]], ["x"], [null]])("refuses %j", (data) => {
    expect(() => arrow(data as never)).toThrow(expect.objectContaining({ code: "invalid_definition", field: "data" }));
  });
});
