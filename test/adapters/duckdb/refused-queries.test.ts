import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { csv, DuckDBEngine, duckdb, rows } from "../../../src/adapters/duckdb/entry.js";
import { isJobError } from "../../../src/model/job-error.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";
import { NEVER_ABORTED, query } from "./engine-session.js";

/** Law 13, by example: what each door of the engine lets through, and what it does not. */

const folder = mkdtempSync(join(tmpdir(), "millrace-refused-"));
const secret = join(folder, "secret.csv");
const shop = join(folder, "shop.duckdb");
const engine = new DuckDBEngine({ memoryLimit: "1GB" });

beforeAll(async () => {
  writeFileSync(join(folder, "open.csv"), "a\n1\n");
  writeFileSync(secret, "word\nxyzzy\n");
  const instance = await DuckDBInstance.create(shop);
  const connection = await instance.connect();
  await connection.run(`
    create table orders as select 1 as id;
    create macro leak() as current_setting('temp_directory');
    create macro leak_table() as table from read_csv('${secret}');
    create sequence counter;
  `);
  connection.closeSync();
  instance.closeSync();
  const silent = (): void => undefined;
  await engine.open({
    connections: new Map([
      ["data", csv(join(folder, "open.csv"))],
      ["shop", duckdb(shop)],
      ["crm", rows({ people: [{ name: "Ada" }] })],
    ]),
    clock: new ManualClock(),
    logger: { debug: silent, info: silent, warn: silent, error: silent },
  });
});

afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

/** The code with which all doors refuse a query; anything that comes through is the test's failure. */
async function refusal(text: string): Promise<string> {
  const codes = new Set<string>();
  const doors = [
    () => engine.describe(query(text), NEVER_ABORTED),
    () => engine.explain(query(text), NEVER_ABORTED),
    () => engine.stream(query(text), { signal: NEVER_ABORTED }),
  ];
  for (const door of doors) {
    const error: unknown = await door().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    codes.add(isJobError(error) ? error.code : `let through: ${String(error)}`);
  }
  return [...codes].join(", ");
}

describe("what is exactly one SELECT is let through", () => {
  it.each([
    "select 1 as x;",
    "select 1 as x;; -- done",
    "/* a */ select /* b; */ 1 as x -- c",
    "from data",
    "values (1, 'a')",
    "table data",
    "select 1 as x union all select 2 except select 3",
    "with a as (select 1 as x), b as (select x + 1 as x from a) select a.x, c.y from a, b as c(y)",
    "with recursive t(n) as (select 1 union all select n + 1 from t where n < 3) from t",
    "select (select count(*) from data d where d.a = o.id) as n from shop.orders o",
    "select exists (from data) as x",
    "select * from data d, lateral (select d.a + 1 as b)",
    "select data.a, o.id from data positional join shop.orders o",
    "unpivot (select 1 as a, 2 as b) on a, b into name n value v",
    "pivot (select 'u' as k, 1 as v) on k in ('u', 'w') using sum(v)",
    "select [x + 1 for x in [1, 2]] as l",
    "select list_transform([1, 2], lambda x: x + 1) as l",
    "select * from range(3) as r(i), unnest([1, 2]) as u(j), generate_series(1, 2) as g(k)",
    "select id from shop.main.orders",
    'select id from "SHOP"."Orders"',
    "select a, row_number() over (order by a) as n from data using sample 50 percent (bernoulli, 1)",
    "select interval 1 day as i, '1'::int as c, {'k': 1} as s, map {'k': 1} as m",
  ])("%s", async (text) => {
    const described = await engine.describe(query(text), NEVER_ABORTED);
    const stream = await engine.stream(query(text), { signal: NEVER_ABORTED });
    for await (const batch of stream) expect(batch.numCols).toBe(described.schema.columns.length);
  });
});

describe("what is not exactly one SELECT is refused", () => {
  it.each([
    "",
    ";",
    "-- nothing",
    "select 1; select 2",
    "select 1; drop table data",
    "select 1 as a\0 from nowhere",
    "insert into data values (1)",
    "insert into shop.orders values (1) returning id",
    "with x as (insert into shop.orders values (1) returning id) select * from x",
    "from (insert into shop.orders values (1) returning id)",
    "update shop.orders set id = 2",
    "delete from shop.orders",
    "truncate shop.orders",
    "merge into shop.orders using data on true when matched then delete",
    "create table t as select 1",
    "create temp macro m() as 1",
    "create view v as select 1",
    "select 1 as x into t",
    "drop view data",
    "alter table shop.orders add column x int",
    "copy data to 'out.csv'",
    "copy (select 1) to 'out.csv'",
    "copy data from 'in.csv'",
    "attach 'x.duckdb' as other",
    "attach ':memory:' as other",
    "detach shop",
    "use shop",
    "set threads = 1",
    "set variable x = 1",
    "reset threads",
    "pragma database_list",
    "pragma enable_profiling",
    "call pragma_version()",
    "checkpoint",
    "vacuum",
    "analyze",
    "begin",
    "commit",
    "prepare p as select 1",
    "execute p",
    "deallocate p",
    "explain select 1",
    "explain analyze select 1",
    "install httpfs",
    "load httpfs",
    "export database 'x'",
    "import database 'x'",
    "describe data",
    "describe select 1",
    "summarize data",
    "show tables",
    "show all tables",
    "select * from (describe data)",
    "select * from (summarize data)",
    "select * from (show tables)",
    "pivot data on a",
    "select $1",
    "select ?",
  ])("%j", async (text) => {
    expect(await refusal(text)).toBe("unsupported_query");
  });
});

describe("no file is reached by its name", () => {
  it.each([
    `from '${secret}'`,
    `from "${secret}"`,
    `select * from data, '${secret}' s`,
    `select (select max(word) from '${secret}') as w`,
    `select 1 as x where exists (from '${secret}')`,
    `select 1 as x where 'a' in (from '${secret}')`,
    `select 1 as x order by (select count(*) from '${secret}')`,
    `select 1 as x limit (select count(*) from '${secret}')`,
    `with s as (from '${secret}') select 1 as x`,
    `with s as materialized (from '${secret}') select 1 as x`,
    `with recursive s as (select 1 as n union all select n + 1 from s, '${secret}' where n < 2) from s`,
    `from data union all from '${secret}'`,
    `values ((select count(*) from '${secret}'))`,
    `select list_transform([1], lambda x: x + (select count(*) from '${secret}')) as l`,
    `select case when true then (select word from '${secret}') end as w`,
    `select sum(a) filter (where exists (from '${secret}')) as w from data`,
    `select row_number() over (order by (select count(*) from '${secret}')) as w from data`,
    `select * from data d join '${secret}' s on true`,
    `select * from data d, lateral (select * from '${secret}') s`,
    `unpivot '${secret}' on word into name n value v`,
    `pivot '${secret}' on word in ('xyzzy') using count(*)`,
    `select * from (values (1)) v(x), (from '${secret}') s`,
    // Names of CTEs that are not in scope where the file is read.
    `select * from (with "${secret}" as (select 1 as x) from "${secret}") a, "${secret}" b`,
    `with "${secret}" as (from "${secret}") from "${secret}"`,
    `with a as (from "${secret}"), "${secret}" as (select 1 as x) from a`,
    "from '/etc/passwd'",
    "from 'https://example.org/x.parquet'",
    "from 's3://bucket/x.parquet'",
    "from 'x.json'",
    "from '*.csv'",
  ])("%s", async (text) => {
    expect(await refusal(text)).toBe("unsupported_query");
  });
});

describe("no function reaches beyond its values", () => {
  it.each([
    `from read_csv('${secret}')`,
    `from READ_CSV('${secret}')`,
    `from "read_csv"('${secret}')`,
    `from main.read_csv('${secret}')`,
    `from system.main.read_csv('${secret}')`,
    `from sniff_csv('${secret}')`,
    "from read_text('/etc/passwd')",
    "from read_blob('/etc/passwd')",
    "from read_json('x.json')",
    "from read_parquet('x.parquet')",
    "from parquet_schema('x.parquet')",
    `from read_duckdb('${shop}')`,
    "from glob('/*')",
    "select content from query('from read_text(''/etc/passwd'')')",
    `from query_table('${secret}')`,
    "from query_table('memory.main.data')",
    "from histogram('data', 'a')",
    "from histogram_values('data', a)",
    "from duckdb_settings()",
    "from duckdb_secrets()",
    "from duckdb_variables()",
    "from which_secret('x', 'y')",
    "from pragma_database_size()",
    "from enable_logging()",
    "from checkpoint()",
    "from json_execute_serialized_sql('{}')",
    "from seq_scan('data')",
    "from arrow_scan(1, 2, 3)",
    "from shop.leak_table()",
    "from shop.main.leak_table()",
    "select getenv('HOME') as x",
    "select Current_Setting('temp_directory') as x",
    "select \"current_setting\"('temp_directory') as x",
    "select main.current_setting('temp_directory') as x",
    "select system.main.current_setting('temp_directory') as x",
    "select 'temp_directory'.current_setting() as x",
    "select [current_setting(s) for s in ['temp_directory']] as x",
    "select list_transform(['temp_directory'], lambda s: current_setting(s)) as x",
    "select getvariable('millrace:crm.people') as x",
    "select nextval('shop.counter') as x",
    "select setseed(0.5) as x",
    "select sleep_ms(1) as x",
    "select pg_sleep(1) as x",
    "select write_log('x') as x",
    "select current_query() as x",
    "select shop.leak() as x",
    "select shop.main.leak() as x",
    `select json_serialize_plan('from read_csv(''${secret}'')') as x`,
    "select json_deserialize_sql('{}') as x",
    "select pg_get_viewdef(1) as x",
    "select * from range(1) where current_setting('temp_directory') is not null",
    "select a from data qualify current_setting('temp_directory') is not null",
    "select a from data group by a having current_setting('temp_directory') is not null",
    "select row_number() over w as n from data window w as (order by current_setting('temp_directory'))",
    "select columns(c -> current_setting('temp_directory') is not null) from data",
    "select * replace (current_setting('temp_directory') as a) from data",
    "select * from range(length(current_setting('temp_directory'))::int)",
    "values (current_setting('temp_directory'))",
  ])("%s", async (text) => {
    expect(await refusal(text)).toBe("unsupported_query");
  });

  it("a macro of a declared file is not a function", async () => {
    expect(await refusal("select leak() as x")).toBe("sql_plan_failure");
  });
});

describe("no catalogue is read", () => {
  it.each([
    "from information_schema.tables",
    "from pg_catalog.pg_tables",
    "from pg_tables",
    "from duckdb_settings",
    "from sqlite_master",
    "from main.data",
    "from memory.data",
    "from memory.main.data",
    "from system.main.duckdb_views",
    "from temp.x",
    "from millrace.t1",
    "from millrace.millrace_work.t1",
  ])("%s", async (text) => {
    expect(await refusal(text)).toBe("unsupported_query");
  });
});

it("a refusal tells what is declared", async () => {
  await expect(engine.describe(query("from 'x.csv'"), NEVER_ABORTED)).rejects.toMatchObject({
    hint: expect.stringContaining("Declared are crm, data, shop"),
  });
});
