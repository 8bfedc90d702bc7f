import { describe, expect, it } from "vitest";
import type { DataType } from "../../../src/model/data-type.js";
import type { ParameterValue } from "../../../src/model/job-definition.js";
import type { RowFilter } from "../../../src/model/row-filter.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import type { WantedRows } from "../../../src/ports/table-source.js";
import { strict } from "../../../src/testing/engine/strict-connection.js";
import { NEVER_ABORTED, query, withEngine } from "./engine-session.js";

const BIGINT: DataType = { kind: "integer", bits: 64, signed: true };
const TEXT: DataType = { kind: "text" };
const BOOLEAN: DataType = { kind: "boolean" };
const INSTANT: DataType = { kind: "timestamp", unit: "us", zoned: true };
const ENUM: DataType = { kind: "enum", values: ["open", "done"] };

const T: TableSchema = columns({
  id: BIGINT,
  name: TEXT,
  ok: BOOLEAN,
  moment: INSTANT,
  state: ENUM,
  day: { kind: "date" },
  j: { kind: "json" },
  s: { kind: "struct", fields: [{ name: "a", type: BIGINT }] },
  "a \"b\".c = 'd'": TEXT,
});

/** What a query asks of `crm.t`. */
async function wanted(sql: string, parameters: Parameters<typeof query>[1] = {}): Promise<WantedRows | undefined> {
  const crm = strict({ t: { schema: T, rows: [] }, u: { schema: T, rows: [] } });
  return withEngine({ crm }, async ({ engine }) => {
    const { scans } = await engine.explain(query(sql, parameters), NEVER_ABORTED);
    const scan = scans.find(({ table }) => table === "crm.t");
    if (scan === undefined) return undefined;
    const { table, asked, ...rows } = scan;
    expect([table, asked]).toEqual(["crm.t", `reads ${rows.columns.join(", ")}`]);
    return rows;
  });
}

function is(
  column: string,
  operator: "=" | "<>" | "<" | "<=" | ">" | ">=",
  type: DataType,
  value: ParameterValue,
): RowFilter {
  return { kind: "compare", column, operator, value: { type, value } };
}

const ID_5 = is("id", ">", BIGINT, 5);

describe("what a query asks of a scanned table", () => {
  it.each<[string, WantedRows]>([
    ["select name from crm.t where id > 5", { columns: ["id", "name"], filters: [ID_5] }],
    ["select count(*) from crm.t", { columns: ["ok"] }],
    ["select 1 from crm.t where id > 5", { columns: ["id"], filters: [ID_5] }],
    ["select name from (select * from crm.t) where id > 5", { columns: ["id", "name"], filters: [ID_5] }],
    ["select s.a from crm.t where s.a = 5", { columns: ["s"] }],
    ["from crm.t select columns('^(id|name)$')", { columns: ["id", "name"] }],
    [
      'select id from crm.t where "a ""b"".c = \'d\'" = \'x\'',
      {
        columns: ["id", "a \"b\".c = 'd'"],
        filters: [is("a \"b\".c = 'd'", "=", TEXT, "x")],
      },
    ],
    // Conditions on other values than those of the column.
    ["select id from crm.t where cast(id as varchar) = '5'", { columns: ["id"] }],
    ["select id from crm.t where id + 1 = 5.5", { columns: ["id"] }],
    ["select id from crm.t where j = '{}'", { columns: ["id", "j"] }],
    ["select id from crm.t where upper(name) = 'A'", { columns: ["id", "name"] }],
    ["select id from crm.t where name = state", { columns: ["id", "name", "state"] }],
    ["select id from crm.t where random() < 0.5", { columns: ["id"] }],
    ["select id from crm.t where id > 5 and random() < 0.5 limit 3", { columns: ["id"], filters: [ID_5] }],
    // An enum is compared by its texts, which stand in another order.
    [
      "select id from crm.t where state = 'open'",
      { columns: ["id", "state"], filters: [is("state", "=", ENUM, "open")] },
    ],
    ["select id from crm.t where state < 'open'", { columns: ["id", "state"] }],
    ["select id from crm.t where state = 'gone'", { columns: ["id", "state"] }],
    // Some conditions are asked for, the others are not.
    [
      "select id from crm.t where ok and upper(name) = 'A'",
      { columns: ["id", "name", "ok"], filters: [is("ok", "=", BOOLEAN, true)] },
    ],
    [
      "select id from crm.t where not ok or id > 5",
      {
        columns: ["id", "ok"],
        filters: [{ kind: "or", parts: [is("ok", "=", BOOLEAN, false), ID_5] }],
      },
    ],
    ["select id from crm.t where id > 5 or upper(name) = 'A'", { columns: ["id", "name"] }],
    [
      "select id from crm.t where (id > 5 and upper(name) = 'A') or ok",
      {
        columns: ["id", "name", "ok"],
        filters: [{ kind: "or", parts: [ID_5, is("ok", "=", BOOLEAN, true)] }],
      },
    ],
    [
      "select id from crm.t where id in (1, null)",
      { columns: ["id"], filters: [{ kind: "in", column: "id", values: [{ type: BIGINT, value: 1 }] }] },
    ],
    [
      "select id from crm.t where id is distinct from 5",
      {
        columns: ["id"],
        filters: [{ kind: "or", parts: [is("id", "<>", BIGINT, 5), { kind: "is_null", column: "id" }] }],
      },
    ],
    // Joins.
    [
      "select u.id from crm.u u left join crm.t t on t.name = u.name and t.id > 5",
      { columns: ["id", "name"], filters: [ID_5] },
    ],
    ["select t.id from crm.t t left join crm.u u on t.name = u.name and t.id > 5", { columns: ["id", "name"] }],
    [
      "select a.id from crm.t a, crm.t b where a.id > 5 and b.name = 'x'",
      {
        columns: ["id", "name"],
        filters: [{ kind: "or", parts: [ID_5, is("name", "=", TEXT, "x")] }],
      },
    ],
    ["select a.id from crm.t a, crm.t b where a.id > 5", { columns: ["id"] }],
    [
      "select id from crm.t where id > 5 union all select id from crm.t where id > 5",
      { columns: ["id"], filters: [ID_5] },
    ],
    // Limits.
    ["select id from crm.t limit 3", { columns: ["id"], limit: 3 }],
    ["select id * 2 from crm.t where id > 5 limit 3 offset 4", { columns: ["id"], filters: [ID_5], limit: 7 }],
    ["select id from crm.t where upper(name) = 'A' limit 3", { columns: ["id", "name"] }],
    ["select id from crm.t limit 10%", { columns: ["id"] }],
    ["select id from crm.t offset 3", { columns: ["id"] }],
    ["select id from crm.t order by id limit 3", { columns: ["id"] }],
    ["select distinct id from crm.t limit 3", { columns: ["id"] }],
    ["select max(id) from crm.t limit 3", { columns: ["id"] }],
    ["select unnest([id, id]) from crm.t limit 3", { columns: ["id"] }],
    ["select id from (select id from crm.t limit 3) where id > 5", { columns: ["id"], limit: 3 }],
    ["select id from crm.t union all select id from crm.u limit 3", { columns: ["id"] }],
    ["select a.id from (from crm.t limit 3) a, crm.t b", { columns: ["id"] }],
    ["select id from crm.t using sample 3 rows", { columns: ["id"] }],
    ["select id from crm.t tablesample 50% where id > 5 limit 3", { columns: ["id"] }],
    ["select u.id from crm.u u, lateral (select * from crm.t t where t.id = u.id limit 3)", { columns: ["id"] }],
    // Beside table functions.
    ["select t.id, r.i from crm.t, range(3) r(i) where t.id > 5", { columns: ["id"], filters: [ID_5] }],
    ["select t.id from crm.t, unnest([t.name]) where t.id > 5", { columns: ["id", "name"], filters: [ID_5] }],
    ["select t.id from crm.t, json_each(t.j) e where t.id > 5", { columns: ["id", "j"], filters: [ID_5] }],
    ["with c as (from crm.t) select 1 as x", { columns: ["ok"], limit: 0 }],
    // Nothing of it.
    ["select id from crm.t where 1 = 0", { columns: ["ok"], limit: 0 }],
    ["select id from crm.t where id > 5 and id < 3", { columns: ["ok"], limit: 0 }],
    // The time goes on until the query runs.
    ...[
      "now()",
      "current_timestamp",
      "transaction_timestamp()",
      "today()",
      "current_date",
      "localtimestamp",
      "main.now()",
    ].map((clock): [string, WantedRows] => [
      `select id from crm.t where moment < ${clock} and id > 5`,
      { columns: ["id", "moment"], filters: [ID_5] },
    ]),
    [
      "select id from crm.t where moment > timestamptz '2001-01-01' + age(timestamp '2001-01-01')",
      { columns: ["id", "moment"] },
    ],
    [
      "select id from crm.t where moment > timestamptz '2001-01-01' + age(timestamp '2001-01-02', timestamp '2001-01-01')",
      {
        columns: ["id", "moment"],
        filters: [is("moment", ">", INSTANT, "2001-01-02T00:00:00Z")],
      },
    ],
    ["select id from crm.t where current_date < date '2001-01-01'", { columns: ["id"] }],
    // Plans that DuckDB writes down at the second try only.
    [
      "with c as (from crm.t) select a.id, b.name from c a join c b on a.id = b.id where a.id > 5",
      { columns: ["id", "name"], filters: [ID_5] },
    ],
  ])("%s", async (sql, expected) => {
    expect(await wanted(sql)).toEqual(expected);
  });

  it("parameters count with their values, in filters and limits", async () => {
    const sql = "select id from crm.t where moment >= {since} and name in ({a}, {b}) and id > {none} limit {most}";
    const found = await wanted(sql, {
      since: { type: INSTANT, value: "2001-02-28T12:00:00.5Z" },
      a: { type: null, value: "it's" },
      b: { type: TEXT, value: "a\0\u{1F600}" },
      none: { type: null, value: 5 },
      most: { type: BIGINT, value: 3 },
    });
    expect(found).toMatchObject({ columns: ["id", "name", "moment"], limit: 3 });
    const names = ["it's", "a\0\u{1F600}"].map((value) => ({ type: TEXT, value }));
    const filters = [
      is("moment", ">=", INSTANT, "2001-02-28T12:00:00.5Z"),
      { kind: "in", column: "name", values: names },
      ID_5,
    ];
    expect(new Set(found?.filters)).toEqual(new Set(filters));
  });

  it("the result's own limit counts, too", async () => {
    const crm = strict({ t: { schema: T, rows: Array.from({ length: 50 }, (_, id) => ({ id: BigInt(id) })) } });
    await withEngine({ crm }, async ({ engine }) => {
      for (const sql of [
        "select id from crm.t where id > 5;",
        "select id from crm.t where id > 5 limit 30",
        "select id from crm.t limit 30 offset 2",
      ]) {
        const stream = await engine.stream(query(sql), { signal: NEVER_ABORTED, limit: 4 });
        let rows = 0;
        for await (const batch of stream) rows += batch.numRows;
        expect(rows).toBe(4);
      }
      expect(crm.asked.map(({ limit }) => limit)).toEqual([4, 4, 6]);
    });
  });

  it("infinite dates and years beyond the calendar of parameters are not asked for", async () => {
    for (const day of ["infinity", "-infinity", "12000-01-01", "0001-01-01 (BC)"]) {
      expect(await wanted(`select day from crm.t where day <= date '${day}'`)).toEqual({ columns: ["day"] });
    }
  });

  it("a query that this DuckDB cannot write down reads whole tables", async () => {
    expect(await wanted("select id from crm.t where '0101'::bit = cast(name as bit)")).toEqual({
      columns: T.columns.map(({ name }) => name),
    });
  });

  it("columns that it does not ask for are there by their names, whatever their types", async () => {
    const everything = "select * exclude (geometry) from test_all_types()";
    const schema = await withEngine({}, async ({ describe: described }) => (await described(everything)).schema);
    const crm = strict({ t: { schema, rows: [{ int: 7 }] } });
    await withEngine({ crm }, async ({ rows }) => {
      const [row] = await rows('select "int", typeof(columns(* exclude "int")) from crm.t where "int" = 7');
      expect(crm.asked.map(({ columns: asked }) => asked)).toEqual([["int"]]);
      const [types] = await rows(`select 7 as "int", typeof(columns(* exclude "int")) from (${everything}) limit 1`);
      expect(row).toEqual(types);
    });
  });

  it("names are found whatever their case, and columns that changed", async () => {
    const tables = { t: { schema: columns({ name: TEXT, id: BIGINT }), rows: [] } };
    const crm = strict(tables);
    await withEngine({ Crm: crm }, async ({ engine }) => {
      const scans = async (sql: string): Promise<unknown> => (await engine.explain(query(sql), NEVER_ABORTED)).scans;
      const scan = { table: "Crm.t", asked: "reads id" };
      expect(await scans("select ID from CRM.t where Id > 5")).toMatchObject([{ ...scan, filters: [ID_5] }]);
      tables.t = { schema: columns({ id: TEXT }), rows: [] };
      expect(await scans("select id from crm.t where id > '5'")).toMatchObject([
        { ...scan, filters: [is("id", ">", TEXT, "5")] },
      ]);
    });
  });

  it("tables of one connection without a dot, and of schemas, are told apart", async () => {
    const table = strict({ "": { schema: T, rows: [] }, "s.t": { schema: T, rows: [] }, t: { schema: T, rows: [] } });
    await withEngine({ a: table, b: table }, async ({ engine }) => {
      const sql = "select a.id, x.name, y.day from a, b.s.t x, b.t y where a.id > 5 and x.ok";
      const { scans } = await engine.explain(query(sql), NEVER_ABORTED);
      expect(scans.map(({ table: name, columns: read }) => [name, read])).toEqual([
        ["a", ["id"]],
        ["b.s.t", ["name", "ok"]],
        ["b.t", ["day"]],
      ]);
    });
  });
});

function columns(types: Readonly<Record<string, DataType>>): TableSchema {
  return { columns: Object.entries(types).map(([name, type]) => ({ name, type, nullable: true })) };
}
