import { strict as assert } from "node:assert";
import type { DataType } from "../../model/data-type.js";
import type { ParameterValue } from "../../model/job-definition.js";
import { allRows, NEVER_ABORTED, opened, type QueryEngineFixture, withParameters } from "./engine-fixture.js";

type Clauses = Readonly<Record<string, (fixture: QueryEngineFixture) => Promise<void>>>;

const TEXT: DataType = { kind: "text" };
const BIGINT: DataType = { kind: "integer", bits: 64, signed: true };

/** A type, a value in the form of docs/parameters.md, and what comes back of it. */
const EXACT: readonly (readonly [DataType, ParameterValue, unknown])[] = [
  [{ kind: "boolean" }, true, true],
  [{ kind: "integer", bits: 8, signed: true }, -128, -128],
  [BIGINT, "9223372036854775807", 9_223_372_036_854_775_807n],
  [{ kind: "float", bits: 64 }, 0.1, 0.1],
  [{ kind: "float", bits: 64 }, "NaN", Number.NaN],
  [{ kind: "float", bits: 64 }, "-Infinity", -Infinity],
  [{ kind: "float", bits: 64 }, "-0", -0],
  [{ kind: "decimal", precision: 18, scale: 2 }, "-12.50", "-12.50"],
  [{ kind: "date" }, "2001-02-28", "2001-02-28"],
  [{ kind: "timestamp", unit: "us", zoned: false }, "2001-02-28T12:00:00.123456", "2001-02-28 12:00:00.123456"],
  [{ kind: "timestamp", unit: "us", zoned: true }, "2001-02-28T12:00:00.5Z", "2001-02-28 12:00:00.5+00"],
  [{ kind: "bytes" }, "AP8=", Uint8Array.of(0, 255)],
];

/** Texts that a splice into SQL would not survive. */
const HOSTILE = [
  "it's",
  '"; drop table x; --',
  "/* {other} */ {value} $1 ? $p1",
  "a\0b",
  "\u{1F600}\uFEFF\u202E",
  "\\'\\",
  "$$x$$",
  "",
];

/** Values are bound: nothing in them is read as SQL, and nothing of them is lost. */
export const parameterClauses: Clauses = {
  "a value comes back exactly as it was bound, for every declared type": ({ engine }) =>
    opened(engine, {}, async () => {
      for (const [type, value, expected] of EXACT) {
        const query = withParameters("select {value} as value", { value: { type, value } });
        assert.deepEqual((await engine.describe(query, NEVER_ABORTED)).schema.columns[0]?.type, type);
        const [row] = await allRows(engine, query);
        assert.ok(Object.is(row?.["value"], expected) || deepEqual(row?.["value"], expected), JSON.stringify(value));
      }
    }),

  "a null keeps the declared type": ({ engine }) =>
    opened(engine, {}, async () => {
      for (const [type] of EXACT) {
        const query = withParameters("select {value} as value", { value: { type, value: null } });
        assert.deepEqual((await engine.describe(query, NEVER_ABORTED)).schema.columns[0]?.type, type);
        assert.deepEqual(await allRows(engine, query), [{ value: null }]);
      }
    }),

  "no text is read as SQL, or changed": ({ engine }) =>
    opened(engine, {}, async () => {
      for (const value of HOSTILE) {
        for (const type of [TEXT, null]) {
          const query = withParameters("select {value} as value, {other} as other", {
            value: { type, value },
            other: { type: TEXT, value: "other" },
          });
          assert.deepEqual(await allRows(engine, query), [{ value, other: "other" }]);
        }
      }
    }),

  "a parameter may stand several times, and in LIMIT": ({ engine, sql }) =>
    opened(engine, {}, async () => {
      const text = `select n + {step} as n from (${sql.numbers(10)}) as numbers where n >= {step} order by n limit {count}`;
      const query = withParameters(text, {
        step: { type: BIGINT, value: 4 },
        count: { type: BIGINT, value: 2 },
      });
      assert.deepEqual(
        (await allRows(engine, query)).map(({ n }) => Number(n)),
        [8, 9],
      );
    }),

  "a parameter of no type takes the one of its place": ({ engine }) =>
    opened(engine, {}, async () => {
      const text = "select cast('2001-02-03' as date) > {day} as later, cast('2001-02-03' as date) > {none} as nothing";
      const query = withParameters(text, {
        day: { type: null, value: "2000-01-01" },
        none: { type: null, value: null },
      });
      assert.deepEqual(await allRows(engine, query), [{ later: true, nothing: null }]);
    }),
};

function deepEqual(left: unknown, right: unknown): boolean {
  try {
    assert.deepStrictEqual(left, right);
    return true;
  } catch {
    return false;
  }
}
