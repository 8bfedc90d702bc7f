import { expect, it } from "vitest";
import { strict } from "../../../src/testing/engine/strict-connection.js";
import { fixture } from "../../../src/testing/fixture-connection.js";
import { NEVER_ABORTED, query, withEngine } from "./engine-session.js";
const schema = { columns: [
  { name: "id", type: { kind: "integer", bits: 64, signed: true }, nullable: true },
  { name: "s", type: { kind: "text" }, nullable: true },
  { name: "tz", type: { kind: "timestamp", unit: "us", zoned: true }, nullable: true },
  { name: "ts", type: { kind: "timestamp", unit: "us", zoned: false }, nullable: true },
  { name: "f", type: { kind: "float", bits: 32 }, nullable: true },
] } as const;
const rows = Array.from({ length: 6 }, (_, i) => ({ id: BigInt(i), s: ["a", "A", "\u007f", "ÿ", "b", null][i]!, tz: 1n + BigInt(i), ts: 978_307_200_000_000n * BigInt(i), f: [Math.fround(0.1), 0.5, NaN, -0, Infinity, null][i]! }));
it("asks", async () => {
  const crm = strict({ t: { schema, rows } as never, u: { schema, rows } as never });
  const out: string[] = [];
  await withEngine({ crm: fixture({ t: { schema, rows }, u: { schema, rows } } as never) }, (plain) => withEngine({ crm }, async ({ engine, rows: read }) => {
    for (const sql of [
      "select id from crm.t where tz < system.main.now()",
      "select id from crm.t where tz < pg_catalog.now()",
      "select id from crm.t where tz < main.now()",
      "select id from crm.t where tz < memory.main.now()",
      "select id from crm.t where tz < pg_catalog.transaction_timestamp()",
      "select id from crm.t where tz < system.main.get_current_timestamp()",
      "select id from crm.t where tz < 'now'::timestamptz",
      "select id from crm.t where ts < 'today'::timestamp",
      "select id from crm.t where ts::date < system.main.today()",
      "select id from crm.t where current_database() = 'memory' and current_schema() = 'main'",
      "select id from crm.t where version() = 'v1.5.6'",
      "select id from crm.t where s = 'A' collate nocase",
      "select id from crm.t where s collate nocase = 'a'",
      "select id from crm.t where s < 'B' collate nocase limit 1",
      "select id from crm.t where s in ('a' collate nocase, 'b' collate nocase, 'q' collate nocase, 'z' collate nocase)",
      "select id from crm.t where s = 'A' collate noaccent.nocase",
      "select id from crm.t where s like '\u007f%'",
      "select id from crm.t where s like 'ÿ%'",
      "select id from crm.t where f = 0.1::float",
      "select id from crm.t where f < 0.1",
      "select id from crm.t tablesample 100% where id > 3",
      "select id from crm.t tablesample reservoir(2 rows) where id >= 0",
      "select id from (select * from crm.t using sample 6 rows) where id > 2",
      "select id from (select * from crm.t limit 3) where id >= 0 limit 1",
      "select id from (select * from crm.t order by id desc limit 3) where id < 5",
      "select id, unnest([1,2]) from crm.t limit 3",
      "select id from crm.t where id in (select unnest([1,2,3]))",
      "select id from crm.t where id = any([1,2])",
      "select * from (select id, row_number() over () as r from crm.t) where r <= 2 ",
      "select id from crm.t qualify row_number() over (order by id desc) = 1",
      "select a.id, b.id as o from crm.t a asof join crm.u b on a.s = b.s and a.ts >= b.ts where b.id > 1",
      "select a.id, b.id as o from crm.t a asof left join crm.u b on a.ts >= b.ts where a.id > 1",
      "select a.id, b.id as o from crm.t a positional join crm.u b where a.id > 1",
      "select a.id, b.id as o from crm.t a positional join (select * from crm.u where id > 2) b",
      "with c as materialized (select * from crm.t) select count(*) as n from c a, c b where a.id > 3 and b.id < 2",
      "with recursive r(id, d) using key (id) as (select id, 0 from crm.t where id = 1 union select t.id, r.d + 1 from crm.t join r on t.id = r.id + 1 where r.d < 2) select * from r",
      "select count(*) as n from crm.t where id > 5 or exists (select 1 from crm.u where u.id = t.id and u.s = 'a')",
      "select id from crm.t where (select count(*) from crm.u where u.id < t.id) > 2 limit 1",
      "select id from crm.t limit (select count(*) - 4 from crm.u)",
      "select id from crm.t where id > 1 limit 50%",
      "select id from crm.t where false",
      "select max(id) as m from crm.t",
      "select id from crm.t where id > 1 union all (select id from crm.t limit 1)",
      "select * from (pivot (select id, s from crm.t where id < 3) on s in ('a','A') using sum(id))",
      "select id from crm.t where grouping_id is null".replace("grouping_id", "s"),
      "select id from crm.t where try(id / 0) is null limit 1",
      "select id from crm.t where id between symmetric 4 and 2",
      "select t from crm.t where id = 1",
      "select t.* exclude (s) from crm.t where struct_extract(t, 'id') = 2",
      "select id from crm.t where row(id, s) = row(1, 'A')",
      "select id from crm.t where (id, s) in ((1, 'A'), (0, 'a'))",
      "select id from crm.t where (id, s) > (1, 'A')",
      "select id from crm.t where coalesce(s, 'q') = 'q'",
      "select id from crm.t where nullif(s, 'a') is null",
      "select id from crm.t where s is distinct from null limit 2",
      "select id from crm.t where id::double = 9007199254740993",
      "select id from crm.t where id::varchar::bigint = 3",
      "select id from crm.t where s similar to 'a|b'",
      "select id from crm.t where starts_with(s, 'a')",
      "select id from crm.t where s ^@ 'a' limit 1",
      "select id from crm.t where ts between timestamp '2001-01-01' and timestamp 'infinity'",
      "select summarize_me from (select count(*) as summarize_me from crm.t)",
      "summarize select id, s from crm.t where id > 2",
      "from crm.t select id order by id limit 2 offset 3",
      "select id from crm.t where id > 0 order by random() limit 10",
      "select distinct on (s) s, id from crm.t order by s, id desc limit 3",
      "select first(id order by id desc) filter (where id < 3) as x from crm.t",
      "select a.id from crm.t a, lateral (select b.id from crm.u b where b.id > a.id order by b.id limit 1) x",
      "select a.id, x.id as y from crm.t a left join lateral (select b.id from crm.u b where b.id > a.id limit 100) x on true where a.id > 2",
      "select id from crm.t where id not in (select id from crm.u where id > 2)",
      "select id from crm.t where id > all (select id from crm.u where id < 2)",
      "select * from (select id from crm.t union select id from crm.u) where id > 2 limit 2",
      "select * from (select id, s from crm.t intersect all select id, s from crm.u) where s = 'a'",
      "select id from crm.t group by grouping sets ((id), ()) having id > 2",
      "select s, id from crm.t group by rollup(s, id) having id is null",
      "select count(*) as n from crm.t group by all having count(*) > 2",
    ]) {
      const before = crm.asked.length;
      const show = async (r: typeof read): Promise<string> => r(query(sql)).then((x) => JSON.stringify(x, (_, v) => typeof v === "bigint" ? String(v) : v)).catch((e) => String(e));
      const expected = await show(plain.rows);
      const found = await show(read);
      const scans = JSON.stringify(crm.asked.slice(before).map(({ table, filters, limit }) => ({ table, filters, limit })), (_, v) => typeof v === "bigint" ? String(v) : v);
      out.push(`${expected === found ? "  " : "!!"} ${sql}\n      ${found.slice(0, 200)}${expected === found ? "" : `\n      expected ${expected.slice(0, 300)}`}\n      ${scans}`);
    }
    void engine; void NEVER_ABORTED;
  }));
  console.log(out.join("\n"));
  expect(1).toBe(1);
}, 120_000);
