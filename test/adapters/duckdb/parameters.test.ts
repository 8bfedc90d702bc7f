import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parquet, rows } from "../../../src/adapters/duckdb/entry.js";
import { parseDataType } from "../../../src/jobs/parse-data-type.js";
import { type DataType, formatDataType } from "../../../src/model/data-type.js";
import type { ParameterValue } from "../../../src/model/job-definition.js";
import { PARAMETER_CASES } from "../../jobs/parameter-cases.js";
import { NEVER_ABORTED, query, withEngine } from "./engine-session.js";

function typeOf(text: string): DataType {
  const { type, problem } = parseDataType(text);
  if (type === undefined) throw new Error(problem);
  return type;
}

const TEXT: DataType = { kind: "text" };

describe("declared parameters", () => {
  // `docs/parameters.md` is tested with the same cases.
  it.each(PARAMETER_CASES.map((one) => [one.type, one] as const))(
    "%s is bound as the literal that means the same",
    async (_, one) => {
      const type = typeOf(one.type);
      await withEngine({}, async ({ describe: ask, rows: read }) => {
        for (const [, kept, sql] of one.takes) {
          const bound = { v: { type, value: kept as ParameterValue } };
          // As text too: 0 and -0 are not distinct, and two NaN are not equal.
          const same = `select {v} is not distinct from cast(${sql} as ${formatDataType(type)}) as same,
          cast({v} as varchar) is not distinct from cast(cast(${sql} as ${formatDataType(type)}) as varchar) as looks`;
          expect(await read(query(same, bound)), `${JSON.stringify(kept)} is ${sql}`).toEqual([
            { same: true, looks: true },
          ]);
          const described = await ask(query("select {v} as v", bound));
          expect(described.schema.columns).toEqual([{ name: "v", type, nullable: true }]);
          expect(described.parameters).toEqual(new Map([["v", type]]));
        }
        const none = { v: { type, value: null } };
        expect((await ask(query("select {v} as v", none))).schema.columns[0]?.type).toEqual(type);
        expect(await read(query("select {v} as v, {v} is null as n", none))).toEqual([{ v: null, n: true }]);
      });
    },
  );

  it("a null inside a list, a struct, a map and an array stays where it is", async () => {
    const cases: readonly [string, ParameterValue, unknown][] = [
      ["INTEGER[]", [null, 1, null], [null, 1, null]],
      ["INTEGER[]", [], []],
      ["INTEGER[]", [null], [null]],
      ["VARCHAR[][]", [[], null, [null, "a"]], [[], null, [null, "a"]]],
      ['STRUCT("a" INTEGER, "b" VARCHAR[])', { a: null, b: null }, { a: null, b: null }],
      ["INTEGER[3]", [1, null, 3], [1, null, 3]],
      ["MAP(VARCHAR, INTEGER)", [["a", null]], new Map([["a", null]])],
      ["MAP(VARCHAR, INTEGER)", [], new Map()],
    ];
    await withEngine({}, async ({ rows: read }) => {
      for (const [type, value, expected] of cases) {
        expect(await read(query("select {v} as v", { v: { type: typeOf(type), value } }))).toEqual([{ v: expected }]);
      }
    });
  });

  it("128 bits are not wrapped, and a decimal has all its digits", async () => {
    const cases: readonly [string, string][] = [
      ["HUGEINT", "170141183460469231731687303715884105727"],
      ["UHUGEINT", "340282366920938463463374607431768211455"],
      ["DECIMAL(38,10)", "9999999999999999999999999999.9999999999"],
      ["BIGNUM", "123456789012345678901234567890123456789012345678901234567890"],
    ];
    await withEngine({}, async ({ rows: read }) => {
      for (const [type, value] of cases) {
        const [row] = await read(query("select cast({v} as varchar) as v", { v: { type: typeOf(type), value } }));
        expect(row).toEqual({ v: value });
      }
    });
  });

  it("a list stands where a list may stand, and a number in LIMIT, OFFSET and an interval", async () => {
    const data = rows([{ a: 1 }, { a: 2 }, { a: 3 }]);
    const integer = typeOf("BIGINT");
    await withEngine({ data }, async ({ rows: read }) => {
      const wanted = { list: { type: typeOf("BIGINT[]"), value: [1, 3] } };
      expect(await read(query("select a from data where a in {list} order by a", wanted))).toEqual([
        { a: 1n },
        { a: 3n },
      ]);
      expect(await read(query("select unnest({list}) as a", wanted))).toEqual([{ a: 1n }, { a: 3n }]);
      const page = { limit: { type: integer, value: 1 }, skip: { type: integer, value: 1 } };
      expect(await read(query("select a from data order by a limit {limit} offset {skip}", page))).toEqual([{ a: 2n }]);
      const days = { days: { type: integer, value: 3 } };
      expect(await read(query("select cast(date '2020-01-01' + interval {days} day as date) as d", days))).toEqual([
        { d: "2020-01-04" },
      ]);
      expect(await read(query("select {'k': {days}, 'l': 1} as s, {days}::int + 1 as n", days))).toEqual([
        { s: { k: 3n, l: 1 }, n: 4 },
      ]);
    });
  });

  it("a value is pushed down into the files like a literal", async () => {
    const flights = parquet(join(import.meta.dirname, "../../../node_modules/vega-datasets/data/flights-3m.parquet"));
    await withEngine({ flights }, async ({ engine }) => {
      const bound = { least: { type: typeOf("DOUBLE"), value: 1000 } };
      const { plan } = await engine.explain(
        query("select delay from flights where distance > {least}", bound),
        NEVER_ABORTED,
      );
      expect(plan).toMatch(/Filters:[^]*distance[^]*> 1000/);
      expect(plan).toMatch(/PARQUET/i);
    });
  });
});

describe("inferred parameters", () => {
  it("take the type of their place", async () => {
    const data = rows([{ day: "2020-01-01", n: 1, word: "a" }], { columns: { day: "DATE", n: "INTEGER" } });
    await withEngine({ data }, async ({ describe: ask, rows: read }) => {
      const bound = {
        day: { type: null, value: "2019-12-31" },
        word: { type: null, value: "a" },
        some: { type: null, value: "2" },
      };
      const wanted = query("select n from data where day > {day} and word = {word} limit {some}", bound);
      expect(Object.fromEntries((await ask(wanted)).parameters)).toEqual({
        day: { kind: "date" },
        word: TEXT,
        some: { kind: "integer", bits: 64, signed: true },
      });
      expect(await read(wanted)).toEqual([{ n: 1 }]);
    });
  });

  it("are text where the place says nothing, and a null is a null of no type", async () => {
    await withEngine({}, async ({ describe: ask, rows: read }) => {
      const text = query("select {v} as v, {w} as w", {
        v: { type: null, value: "it's" },
        w: { type: null, value: "2" },
      });
      const described = await ask(text);
      expect(described.parameters).toEqual(
        new Map([
          ["v", null],
          ["w", null],
        ]),
      );
      expect(described.schema.columns.map(({ type }) => type)).toEqual([TEXT, TEXT]);
      expect(await read(text)).toEqual([{ v: "it's", w: "2" }]);
      expect(
        await read(query("select 1 + {v} as v, coalesce({v}, 5) as w", { v: { type: null, value: null } })),
      ).toEqual([{ v: null, w: 5 }]);
    });
  });

  it("do not hide each other: one that DuckDB cannot place leaves the others theirs", async () => {
    const data = rows([{ n: 1 }], { columns: { n: "SMALLINT" } });
    await withEngine({ data }, async ({ describe: ask, rows: read }) => {
      const bound = { a: { type: null, value: "x" }, b: { type: null, value: "1" }, c: { type: null, value: "1" } };
      const mixed = query("select {a} as a, n = {b} as same from data limit {c}", bound);
      expect(Object.fromEntries((await ask(mixed)).parameters)).toEqual({
        a: null,
        b: { kind: "integer", bits: 16, signed: true },
        c: { kind: "integer", bits: 64, signed: true },
      });
      expect(await read(mixed)).toEqual([{ a: "x", same: true }]);
    });
  });

  it("a text that the place's type cannot take is told", async () => {
    await withEngine({}, async ({ rows: read }) => {
      const bound = { v: { type: null, value: "someday" } };
      await expect(read(query("select date '2020-01-01' > {v} as x", bound))).rejects.toMatchObject({
        message: expect.stringContaining("someday"),
      });
    });
  });
});

describe("result types that depend on a value", () => {
  it("are described with the values bound", async () => {
    const shape = { shape: { type: TEXT, value: '{"a":"INTEGER","b":["VARCHAR"]}' } };
    const text = `select json_transform('{"a":1,"b":["x"]}', {shape}) as j; -- with a comment`;
    await withEngine({}, async ({ describe: ask, rows: read }) => {
      const plain = query(text.replace("; -- with a comment", ";"), shape);
      expect((await ask(plain)).schema.columns[0]?.type).toMatchObject({ kind: "struct" });
      expect(await read(plain)).toEqual([{ j: { a: 1, b: ["x"] } }]);
    });
  });
});
