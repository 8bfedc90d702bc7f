import type { ParameterValue } from "../../../src/model/job-definition.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import { type DataType, formatDataType } from "../../../src/model/data-type.js";
import type { BoundParameter } from "../../../src/ports/query-engine.js";
import type { SampleValue } from "../../../src/testing/rows/column-buffers.js";
import type { SampleRow } from "../../../src/testing/rows/record-batch.js";
import type { SampleTable } from "../../../src/testing/engine/strict-connection.js";

/** A query with values: `{name}` in the text is the place of `parameters.name`. */
export interface RandomQuery {
  readonly sql: string;
  readonly parameters: Readonly<Record<string, BoundParameter>>;
  /** Which rows come is left to the engine: this many of those that come without the limit. */
  readonly unlimited?: string;
}

/** Numbers from 0 up to 1 that the seed decides (Mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A value twice: as it lies in a row, and as a parameter. */
type Value = readonly [row: SampleValue, parameter: ParameterValue];

const COLUMNS: readonly (readonly [name: string, type: DataType, values: readonly Value[]])[] = [
  [
    "id",
    { kind: "integer", bits: 64, signed: true },
    [
      [1n, 1],
      [2n, 2],
      [3n, 3],
      [9_007_199_254_740_993n, "9007199254740993"],
      [-5n, -5],
    ],
  ],
  [
    "a.b",
    { kind: "integer", bits: 32, signed: true },
    [
      [0, 0],
      [1, 1],
      [-7, -7],
      [2_147_483_647, 2_147_483_647],
    ],
  ],
  [
    "select",
    { kind: "integer", bits: 8, signed: false },
    [
      [0, 0],
      [7, 7],
      [255, 255],
    ],
  ],
  [
    "h",
    { kind: "integer", bits: 128, signed: true },
    [
      [-1n, -1],
      [2n ** 100n, String(2n ** 100n)],
      [-(2n ** 126n), String(-(2n ** 126n))],
    ],
  ],
  [
    "n",
    { kind: "decimal", precision: 9, scale: 2 },
    [
      [150n, "1.50"],
      [-1n, "-0.01"],
      [0n, "0.00"],
    ],
  ],
  [
    "big",
    { kind: "decimal", precision: 38, scale: 3 },
    [
      [1_500n, "1.500"],
      [-(10n ** 37n), `-${"1".padEnd(35, "0")}.000`],
    ],
  ],
  [
    "d",
    { kind: "float", bits: 64 },
    [
      [0.1, 0.1],
      [-0, "-0"],
      [NaN, "NaN"],
      [Infinity, "Infinity"],
      [1e300, 1e300],
      [2.5, 2.5],
    ],
  ],
  [
    "f",
    { kind: "float", bits: 32 },
    [
      [0.5, 0.5],
      [NaN, "NaN"],
      [-Infinity, "-Infinity"],
    ],
  ],
  [
    "s",
    { kind: "text" },
    [
      ["", ""],
      ["ab", "ab"],
      ["abc", "abc"],
      ["ABC", "ABC"],
      ["b'\"\\", "b'\"\\"],
      ["\u{1F600}", "\u{1F600}"],
      ["a\0b", "a\0b"],
      ["5", "5"],
    ],
  ],
  [
    "we\"ird = 'x' and 1",
    { kind: "text" },
    [
      ["x", "x"],
      ["y", "y"],
      ["NaN", "NaN"],
    ],
  ],
  [
    "ok",
    { kind: "boolean" },
    [
      [true, true],
      [false, false],
    ],
  ],
  [
    "day",
    { kind: "date" },
    [
      [0, "1970-01-01"],
      [11_323, "2001-01-01"],
      [-719_162, "0001-01-01"],
      [2_147_483_647, "9999-12-31"],
    ],
  ],
  [
    "ts",
    { kind: "timestamp", unit: "us", zoned: false },
    [
      [978_307_200_000_000n, "2001-01-01T00:00:00"],
      [978_350_400_500_000n, "2001-01-01T12:00:00.5"],
      [-1n, "1969-12-31T23:59:59.999999"],
    ],
  ],
  [
    "tz",
    { kind: "timestamp", unit: "us", zoned: true },
    [
      [978_307_200_000_000n, "2001-01-01T00:00:00Z"],
      [1n, "1970-01-01T00:00:00.000001Z"],
      [9_223_372_036_854_775_807n, "9999-12-31T00:00:00Z"],
    ],
  ],
  [
    "ns",
    { kind: "timestamp", unit: "ns", zoned: false },
    [
      [978_307_200_123_456_789n, "2001-01-01T00:00:00.123456789"],
      [0n, "1970-01-01T00:00:00"],
    ],
  ],
  [
    "sec",
    { kind: "timestamp", unit: "s", zoned: false },
    [
      [978_307_200n, "2001-01-01T00:00:00"],
      [-1n, "1969-12-31T23:59:59"],
    ],
  ],
  [
    "clock",
    { kind: "time", unit: "us", zoned: false },
    [
      [0n, "00:00:00"],
      [43_200_000_001n, "12:00:00.000001"],
    ],
  ],
  [
    "u",
    { kind: "uuid" },
    [
      ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
      ["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000001"],
    ],
  ],
  [
    "e",
    { kind: "enum", values: ["z", "a", "m"] },
    [
      ["z", "z"],
      ["a", "a"],
      ["m", "m"],
    ],
  ],
  [
    "raw",
    { kind: "bytes" },
    [
      [Uint8Array.of(0, 255, 92, 34, 39), "AP9cIic="],
      [Uint8Array.of(), ""],
      [Uint8Array.of(97), "YQ=="],
    ],
  ],
];

const SCHEMA: TableSchema = { columns: COLUMNS.map(([name, type]) => ({ name, type, nullable: true })) };

/** The tables `t` and `u`, and random queries over both, as the connection `crm`. */
export class RandomQueries {
  readonly tables: Readonly<Record<"t" | "u", SampleTable>>;
  private parameters: Record<string, BoundParameter> = {};

  constructor(private readonly random: () => number) {
    const table = (): SampleTable => ({ schema: SCHEMA, rows: Array.from({ length: 12 }, () => this.row()) });
    this.tables = { t: table(), u: table() };
  }

  next(): RandomQuery {
    this.parameters = {};
    const shape = this.pick(SHAPES);
    const { sql, unlimited } = shape(this);
    return { sql, parameters: this.parameters, ...(unlimited !== undefined && { unlimited }) };
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)]!;
  }

  /** Some columns of an alias. */
  columns(alias: string): string {
    const names = COLUMNS.map(([name]) => name).filter(() => this.random() < 0.15);
    return (names.length === 0 ? ["id"] : names).map((name) => `${alias}.${quoted(name)}`).join(", ");
  }

  /** A condition on an alias. */
  condition(alias: string, depth = 2): string {
    const chance = this.random();
    if (depth === 0 || chance < 0.4) return this.simple(alias);
    const both = [this.condition(alias, depth - 1), this.condition(alias, depth - 1)];
    return chance < 0.85 ? `(${both.join(chance < 0.65 ? " and " : " or ")})` : `not (${both[0]})`;
  }

  private simple(alias: string): string {
    const [name, type, values] = this.pick(COLUMNS);
    const column = `${alias}.${quoted(name)}`;
    const value = (): string => this.value(type, this.pick(values)[1]);
    const operator = this.pick(["=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from"]);
    return this.pick([
      () => `${column} ${operator} ${value()}`,
      () => `${column} ${operator} ${value()}`,
      () => `${value()} ${operator} ${column}`,
      () => `${column} in (${value()}, ${value()}, ${this.pick([value(), "null"])})`,
      () => `${column} in (${Array.from({ length: 7 }, value).join(", ")})`,
      () => `${column} not in (${value()}, ${value()})`,
      () => `${column} between ${value()} and ${value()}`,
      () => `${column} is ${this.pick(["", "not "])}null`,
      () => this.pick([`${alias}.ok`, `not ${alias}.ok`, `${alias}.ok is not true`]),
      () => `${alias}.s ${this.pick(["like 'ab%'", "like '%b%'", "ilike 'a%'", "not like 'a%'", "= 'ab'", "< 'b'"])}`,
      () => `${alias}.e ${operator} ${this.pick(["'a'", "'z'", "'nothing'"])}`,
      () => `cast(${column} as varchar) ${operator} '2001-01-01'`,
      () => `cast(${alias}.ts as date) ${operator} date '2001-01-01'`,
      () => `year(${alias}.ts) = 2001`,
      () => `${alias}.id ${operator} ${this.pick(["2.5", "2", "'3'", "1e3"])}`,
      () => `${alias}.n ${operator} ${this.pick(["1.5", "1.505", "1", "-0.01::double"])}`,
      () => `${alias}.d ${operator} ${this.pick(["0", "2.5", "'nan'", "'-inf'"])}`,
      () => `${alias}."select" ${operator} ${this.pick(["7", "300", "-1", "7.0"])}`,
      () => `${alias}.f ${operator} ${this.pick(["0.5", "0.1", "0.5::double"])}`,
      () => `coalesce(${column}, ${value()}) ${operator} ${value()}`,
      () => `${alias}.id ${operator} ${alias}."a.b"`,
      () => `random() >= 0`,
      () => `${alias}.tz < now()`,
      () => `${alias}.id in (select x.id from crm.u x where ${this.condition("x", 0)})`,
      () => `exists (select 1 from crm.u x where x.s = ${alias}.s and ${this.condition("x", 0)})`,
      () => `${alias}.id < (select max(x.id) from crm.u x where ${this.condition("x", 0)})`,
    ])();
  }

  private value(type: DataType, value: ParameterValue): string {
    if (this.random() < 0.1) return `cast(null as ${formatDataType(type)})`;
    const name = `p${Object.keys(this.parameters).length}`;
    this.parameters[name] = { type, value };
    return `{${name}}`;
  }

  private row(): SampleRow {
    return Object.fromEntries(
      COLUMNS.map(([name, , values]) => [name, this.random() < 0.2 ? null : this.pick(values)[0]]),
    );
  }
}

type Shape = (queries: RandomQueries) => { readonly sql: string; readonly unlimited?: string };

const JOINS = ["join", "left join", "right join", "full join"] as const;

const SHAPES: readonly Shape[] = [
  (q) => ({ sql: `select ${q.columns("t")} from crm.t where ${q.condition("t")}` }),
  (q) => ({ sql: `select * from crm.t where ${q.condition("t")}` }),
  (q) => ({ sql: `select count(*) as n, min(t.id) as low from crm.t where ${q.condition("t")}` }),
  () => ({ sql: `select count(*) as n from crm.t` }),
  (q) => ({
    sql: `select t.s, count(*) as n, max(t.day) as last from crm.t where ${q.condition("t")} group by t.s having count(*) > 1`,
  }),
  (q) => ({
    sql: `select t.id, u.s as other from crm.t ${q.pick(JOINS)} crm.u on t.id = u.id and ${q.condition(q.pick(["t", "u"]), 1)} where ${q.condition(q.pick(["t", "u"]), 1)}`,
  }),
  (q) => ({
    sql: `select a.id, b."a.b" from crm.t a ${q.pick(JOINS)} crm.t b on a.s = b.s where ${q.condition("a", 1)} and ${q.condition("b", 1)}`,
  }),
  (q) => ({
    sql: `with c as ${q.pick(["", "materialized ", "not materialized "])}(select * from crm.t where ${q.condition("t", 1)}) select a.id, b.s from c a ${q.pick(JOINS)} c b on a.id = b.id where ${q.condition("a", 1)} and ${q.condition("b", 1)}`,
  }),
  (q) => ({
    sql: `select t.id from crm.t where ${q.condition("t", 1)} ${q.pick(["union all", "union", "except", "intersect"])} select u.id from crm.u where ${q.condition("u", 1)}`,
  }),
  (q) => ({
    sql: `select t.id, (select count(*) from crm.u x where x.id = t.id and ${q.condition("x", 1)}) as n from crm.t where ${q.condition("t", 1)}`,
  }),
  (q) => ({
    sql: `select id, last from (select t.*, max(t.day) over (partition by t.s) as last from crm.t where ${q.condition("t", 1)}) t where ${q.condition("t", 1)}`,
  }),
  (q) => ({ sql: `select distinct t.s from crm.t where ${q.condition("t", 1)} order by t.s limit 2 offset 1` }),
  (q) => ({
    sql: `with recursive r as (select t.id, 1 as depth from crm.t where ${q.condition("t", 0)} union select t.id, r.depth + 1 from crm.t join r on t."a.b" = r.depth where r.depth < 3 and ${q.condition("t", 0)}) select * from r`,
  }),
  (q) => limited(q, `select ${q.columns("t")} from crm.t where ${q.condition("t", 1)}`),
  (q) => limited(q, `select ${q.columns("t")} from crm.t`),
  (q) => limited(q, `select t.id, u.id as other from crm.t left join crm.u on t.s = u.s where ${q.condition("t", 0)}`),
  (q) =>
    limited(
      q,
      `select t.id + 1 as next from (select * from crm.t where ${q.condition("t", 0)}) t where ${q.condition("t", 0)}`,
    ),
  // A projection that no filter gets past.
  (q) =>
    limited(
      q,
      `select id from (select t.*, t.s || random() as r from crm.t) t where r like 'ab%' and ${q.condition("t", 0)}`,
    ),
  () => ({ sql: `select count(*) as n from (select * from crm.t limit 5) t` }),
  (q) => ({
    sql: `select ok, count(*) as n from (unpivot (select t.ok, t.s, t."we""ird = 'x' and 1" from crm.t where ${q.condition("t", 0)}) on columns(* exclude ok) into name k value v) group by ok`,
  }),
];

function limited(queries: RandomQueries, unlimited: string): { sql: string; unlimited: string } {
  return { sql: `${unlimited} limit ${queries.pick([1, 3, 100])} offset ${queries.pick([0, 2])}`, unlimited };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
