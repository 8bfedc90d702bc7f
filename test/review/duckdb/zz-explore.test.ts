import { it } from "vitest";
import { mkdtemp, writeFile, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { DuckDBEngine, csv, rows, duckdb } from "../../../src/adapters/duckdb/entry.js";
import { allRows, NEVER_ABORTED, opened, plain } from "../../../src/testing/engine/engine-fixture.js";
import { isJobError } from "../../../src/model/job-error.js";

it("explore", async () => {
  const dir = await mkdtemp(join(tmpdir(), "law13-"));
  await writeFile(join(dir, "a1.csv"), "id,v\n1,x\n");
  await writeFile(join(dir, "k_secret.csv"), "id,v\n7,secret\n");
  await mkdir(join(dir, "w"));
  await writeFile(join(dir, "w/w1.csv"), "id,v\n1,one\n");
  await writeFile(join(dir, "w/w[1].csv"), "id,v\n2,two\n");
  const file = join(dir, "shop.duckdb");
  const inst = await DuckDBInstance.create(file);
  const c = await inst.connect();
  await c.run(`create table orders(id int); insert into orders values (1); create view spy as select * from read_csv('${dir}/k_secret.csv'); create view spy2 as select * from duckdb_settings()`);
  c.disconnectSync(); inst.closeSync();
  const engine = new DuckDBEngine({ memoryLimit: "1GB" });
  const K = "\u212A";
  const qs = [
    `with recursive duckdb_settings as (select name::varchar as name, value::varchar as value from duckdb_settings union all select name, value from duckdb_settings where false) select name, value from duckdb_settings limit 2`,
    `with recursive duckdb_views as (select view_name as a, sql as b from duckdb_views union all select a,b from duckdb_views where false) select * from duckdb_views where b like '%read_csv%' limit 2`,
    `with recursive "${dir}/k_secret.csv" as (select * from "${dir}/k_secret.csv" union all select * from "${dir}/k_secret.csv" where false) select * from "${dir}/k_secret.csv"`,
    `with "duc${K}db_settings" as (select 1) select name, value from duckdb_settings limit 2`,
    `with "${dir}/${K}_secret.csv" as (select 1) select * from "${dir}/k_secret.csv"`,
    `with "duc${K}db_databases" as (select 1) select database_name, path from duckdb_databases`,
    `with recursive a1 as (select 1 union all select * from a1) select 1 as x`,
    `select * from shop.duckdb_settings limit 1`,
    `select name,file from shop.pragma_database_list`,
    `select view_name, sql from shop.duckdb_views where sql like '%read_csv%'`,
    `select name, setting from shop.pg_catalog.pg_settings limit 1`,
    `select table_catalog, table_name from shop.information_schema.tables limit 3`,
    `select * from shop.sqlite_master limit 3`,
    `select * from shop.main.duckdb_databases limit 3`,
    `select * from shop.spy`,
    `select * from shop.spy2 limit 1`,
    `select * from w order by 1`,
    `select * from range(3 order by (select content from read_text('/etc/passwd')))`,
    `select * from range(3) t(i) where i in (select current_setting('threads'))`,
    `with recursive t(a,b) using key (a) as (select 1,2 union select a,b from t where false) select * from t`,
    `with t(a,b) using key (a, max(current_setting('threads'))) as (select 1,2) select * from t`,
    `with recursive t(a,b) using key (a) as (select 1,2 union select a+1,b from recurring.t where a < 3) select * from t`,
    `select $a::int as x`, `select $p1 as x`, `select ? as x`, `select ?::int as x`, `select $1::int as x`,
    `select 1e999 as x`, `select 'a\ud800' as x`, `select -1e999 as x`, `select 'nan'::double as x`,
    `select 1 as x /* unclosed`, `select 1 as x; -- c`, `select 1 as x; ;`, `select 1 as x;\u00a0`, `select 1 as x\u037e select 2`, `select 1 as x;\u2003select 2`,
    `select * from crm.Orders o`, `select * from crm.orders o`, `select o.a as a, p.a as b from crm.Orders o, crm.orders p`,
    `select * from orders`, `from crm`, `from "crm.orders"`, `from crm."orders"`, `from crm.main.orders`, `from memory.main.g`, `from main.g`,
    `from millrace.main.t1`, `from t1`, `from shop.shop.orders`,
    `select current_setting as x`, `select user as u, current_schema() as s, current_database() as d`, `select pg_postmaster_start_time() as d`,
    `select list_aggregate([1], 'current_setting') as d`,
    `pivot g on v in (select 1)`, `from g pivot (sum(id) for v in ('x'))`, `pivot g on v using sum(id)`,
    `select * from (pivot g on v using sum(id))`,
    `select * from (values ((select current_setting('threads')))) t(x)`,
    `select 'threads'.current_setting() as x`, `select [x.current_setting() for x in ['threads']] as x`,
    `select list_transform(['threads'], lambda y: current_setting(y)) as x`,
    `select * from g at (version => (select 1 from read_text('/etc/passwd')))`,
    `select columns(lambda c: current_setting('threads') = c) from g`,
    `select * from g tablesample reservoir(1 rows)`, `from g semi join g h using (id)`, `select * from g positional join g h`,
    `select 1 as x from g qualify row_number() over (order by current_setting('threads')) = 1`,
    `select count(*) filter (where current_setting('threads') is not null) as x from g`,
    `from (show tables)`, `from (describe g)`, `describe g`, `summarize g`, `show tables`, `pragma version`, `call pragma_version()`, `explain select 1`,
    `table g`, `values (1)`, `from g`, `select * from duckdb_settings()`, `select * from json_execute_serialized_sql('x')`, `from pragma_version()`, `from seq_scan('g')`,
    `select system.main.current_setting('threads') as x`, `select main.current_setting('threads') as x`, `select "current_setting"('threads') as x`, `select CURRENT_SETTING('threads') as x`,
    `select pg_catalog.version() as x`, `select version() as x`,
    `select (select content from read_text('/etc/passwd')) as x`, `select 1 as x order by (select content from read_text('/etc/passwd'))`, `select 1 as x limit (select count(*) from glob('/etc/*'))`,
    `with a as materialized (from glob('/etc/*')) from a`, `select 1 as x union all select count(*) from glob('/etc/*')`,
    `select * from g, lateral (select * from glob(v))`, `select 1 as x offset (select 1 from glob('/etc/*'))`,
    `select 1 as x where 'a' in (from glob('/etc/*'))`, `select * exclude (id) replace ((select file from glob('/etc/*')) as v) from g`,
    `select struct_pack(a := (select file from glob('/etc/*'))) as x`, `select array(select file from glob('/etc/*')) as x`, `select exists(from glob('/etc/*')) as x`,
    `select 1 = any(select file from glob('/etc/*')) as x`, `select case when true then (from glob('/etc/*')) end as x`,
    `from unnest((select list(file) from glob('/etc/*')))`, `from repeat_row((select 1 from glob('/etc/*')), num_rows := 1)`,
    `select sum(id) over (partition by v order by (select 1 from glob('/etc/*'))) as x from g`, `select sum(id) over w as x from g window w as (order by (select 1 from glob('/etc/*')))`,
    `select 1 as x group by grouping sets ((select 1 from glob('/etc/*')))`, `select distinct on ((select 1 from glob('/etc/*'))) id from g`,
    `select * from g h join g j on h.id = (select 1 from glob('/etc/*'))`, `select * from g asof join g j on g.id >= j.id and (select true from glob('/etc/*'))`,
    `with a as (insert into g values (1) returning *) from a`, `select * from crm`, `select 'x'::"/etc/passwd" as x`, `select * from generate_series(1, 2) as t(x)`,
    `select cast('g' as regclass) as x`, `select nextval('s') as x`, `select json_serialize_plan('select 1') as x`, `select json_serialize_sql('select 1') as x`,
    `select * from 'a1.csv'`, `select * from "${dir}/a1.csv"`, `select * from '${dir}/../${dir.split("/").pop()}/a1.csv'`, `from g.v`, `from "g"."v"`, `select g.v.read_text() from g`,
    `from "https://example.com/x.csv"`, `from 's3://x/y.parquet'`, `select 1 as x; drop table g`, `select 1 as x -- \u0000`, `$$select 1$$`, `select $$;drop$$ as x`, `from (from (from glob('/etc/*')))`,
    `unpivot g on id, v`, `select * from (unpivot (select 1 as a, 2 as b) on a, b)`, `select unnest(['a']) as x`, `from test_all_types() select bool`, `select in_search_path('a','b') as x`,
    `from parquet_metadata('/etc/passwd')`, `from sniff_csv('/etc/passwd')`, `from which_secret('a','s3')`, `from duckdb_secrets()`, `from checkpoint()`, `checkpoint`, `force checkpoint`,
    `from enable_logging()`, `from sql_auto_complete('x')`, `from pg_timezone_names()`, `from icu_calendar_names()`, `from summary((from g))`, `from histogram_values(g, id)`, `from arrow_scan(1,2,3)`,
  ];
  await opened(engine, { g: csv(join(dir, "a*.csv")), w: csv(join(dir, "w/*.csv")), shop: duckdb(file), crm: rows({ Orders: [{ a: 1 }], orders: [{ a: 2 }] }) }, async () => {
    for (const q of qs) {
      let d = "desc ok";
      try { await engine.describe(plain(q), NEVER_ABORTED); } catch (e) { d = "desc " + (isJobError(e) ? e.code : "NOT A JOBERROR " + String(e)); }
      try {
        const r = await allRows(engine, plain(q));
        console.log("ROWS", d, q.replaceAll(dir, "DIR").slice(0, 130), "=>", JSON.stringify(r, (_, v) => (typeof v === "bigint" ? Number(v) : v)).slice(0, 220));
      } catch (e) { console.log("    ", d, isJobError(e) ? e.code : "NOT A JOBERROR", q.replaceAll(dir, "DIR").slice(0, 100), "=>", String((e as Error).message).slice(0, 110).replaceAll("\n", " ")); }
    }
    for (const t of ["spy", "spy2", "duckdb_settings"]) try { console.log("schema", t, JSON.stringify(await duckdb(file).source!(t)!.schema(NEVER_ABORTED))?.slice(0,150)); } catch (e) { console.log("schema", t, String(e).slice(0, 200)); }
  });
}, 120000);
