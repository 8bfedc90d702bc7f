import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { csv, DuckDBEngine, duckdb, rows } from "../../../src/adapters/duckdb/entry.js";
import { isJobError } from "../../../src/model/job-error.js";
import { allRows, NEVER_ABORTED, plain, withParameters } from "../../../src/testing/engine/engine-fixture.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";

/** Law 13: a query reaches only what the host named. */

const engine = new DuckDBEngine({ memoryLimit: "1GB" });
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-law-13-"));
  await mkdir(join(folder, "open"));
  await writeFile(join(folder, "open/a1.csv"), "id,v\n1,x\n");
  await writeFile(join(folder, "open/secret.csv"), "id,v\n7,secret\n");
  await writeFile(join(folder, "outside.csv"), "id,v\n8,outside\n");
  await symlink(join(folder, "outside.csv"), join(folder, "open/link.csv"));
  const instance = await DuckDBInstance.create(join(folder, "shop.duckdb"));
  const connection = await instance.connect();
  await connection.run("create table orders (id integer); insert into orders values (5); create sequence seq");
  await connection.run(`create view outside as from read_csv('${folder}/outside.csv')`);
  connection.disconnectSync();
  instance.closeSync();
  const silent = (): void => undefined;
  await engine.open({
    connections: new Map([
      ["g", csv(join(folder, "open/a*.csv"))],
      ["crm", rows({ orders: [{ a: 1 }], "odd name": [{ a: 2 }] })],
      ["people", rows([{ a: 3 }])],
      ["shop", duckdb(join(folder, "shop.duckdb"))],
    ]),
    clock: new ManualClock(),
    logger: { debug: silent, info: silent, warn: silent, error: silent },
  });
});

afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const FILE = "(select content from read_text('/etc/passwd'))";
const SETTING = "current_setting('threads')";

/** Refused before anything is planned: the text itself is not one SELECT over declared tables. */
const UNSUPPORTED: Readonly<Record<string, readonly string[]>> = {
  "what is not one SELECT": [
    "select 1 as x; drop table g",
    "select 1 as x;\u2003select 2",
    "select 1 as x\u037e select 2",
    "select 1 as x /* never closed",
    "select 1 as x -- \u0000",
    "$$select 1$$",
    "with a as (insert into g values (1) returning *) from a",
    "insert into crm.orders values (1)",
    "create table x as select 1",
    "copy g to '/tmp/x.csv'",
    "attach '/tmp/x.db'",
    "install httpfs",
    "load icu",
    "set threads = 1",
    "set variable x = 1",
    "use shop",
    "prepare p as select 1",
    "pragma version",
    "call pragma_version()",
    "checkpoint",
    "explain select 1",
    "describe g",
    "summarize g",
    "show tables",
    "from (show tables)",
    "from (describe g)",
    "from (summarize g)",
    "",
    ";",
  ],
  "files by their path": [
    "from '/etc/passwd.csv'",
    'from "/etc/passwd.csv"',
    "from 'a1.csv'",
    "from 'open/secret.csv'",
    "from '../outside.csv'",
    "from 's3://bucket/x.parquet'",
    'from "https://example.com/x.csv"',
    'from "crm.orders"',
  ],
  "names of DuckDB's own": [
    "from memory.main.g",
    "from main.g",
    "from temp.x",
    "from system.information_schema.tables",
    "from information_schema.tables",
    "from pg_catalog.pg_settings",
    "from pg_settings",
    "from duckdb_settings",
    "from sqlite_master",
    "from pragma_database_list",
    "from millrace.main.t1",
    "with duckdb_views as (select * from duckdb_views) select * from duckdb_views",
    "with duckdb_views as materialized (select view_name from duckdb_views) from duckdb_views",
    "select * from (with duckdb_views as (select 1 as a) from duckdb_views), (from duckdb_views)",
    "(with duckdb_views as (select 1 as a) from duckdb_views) union all (select view_name from duckdb_views)",
    "with recursive x as (select 1 as a union all (with duckdb_views as (select 1) select a from x where false)) from duckdb_views",
  ],
  "table functions": [
    "read_text('/etc/passwd')",
    "read_blob('/etc/passwd')",
    "glob('/etc/*')",
    "read_csv('/etc/passwd')",
    "read_csv_auto('/etc/passwd')",
    "read_json('/etc/passwd')",
    "read_ndjson_objects('/etc/passwd')",
    "read_parquet('/x')",
    "parquet_scan('/x')",
    "parquet_metadata('/x')",
    "sniff_csv('/etc/passwd')",
    "query('select 1')",
    "query_table('g')",
    "json_execute_serialized_sql('x')",
    "sql_auto_complete('x')",
    "seq_scan('g')",
    "arrow_scan(1, 2, 3)",
    "duckdb_settings()",
    "duckdb_secrets()",
    "duckdb_tables()",
    "duckdb_variables()",
    "duckdb_logs()",
    "which_secret('a', 's3')",
    "pragma_version()",
    "pragma_table_info('g')",
    "pg_timezone_names()",
    "icu_calendar_names()",
    "checkpoint()",
    "force_checkpoint()",
    "enable_logging()",
    "truncate_duckdb_logs()",
    "parse_duckdb_log('x')",
    "summary((from g))",
    "histogram_values(g, id)",
    "from_substrait('x')",
    "sleep_ms(1)",
  ].map((call) => `from ${call}`),
  "functions that reach further": [
    SETTING,
    SETTING.toUpperCase(),
    "\"current_setting\"('threads')",
    "main.current_setting('threads')",
    "system.main.current_setting('threads')",
    "pg_catalog.version()",
    "getvariable('millrace:people')",
    "getenv('HOME')",
    "nextval('s')",
    "currval('s')",
    "setseed(0.5)",
    "write_log('x')",
    "txid_current()",
    "json_serialize_plan('select 1')",
    "json_deserialize_sql('x')",
    "current_query()",
    "sleep_ms(1)",
    "pg_sleep(1)",
    "pg_get_viewdef(1)",
    "get_block_size('memory')",
    "[x.current_setting() for x in ['threads']]",
    "list_transform(['threads'], lambda y: current_setting(y))",
    "list_filter(['threads'], lambda y: current_setting(y) = '1')",
    `list_reduce(['threads'], lambda a, b: ${SETTING})`,
  ].map((call) => `select ${call} as x`),
  "the same in every place": [
    ...[FILE, SETTING].flatMap((inner) => [
      `select (${inner}) as x`,
      `select 1 as x where 'a' = (${inner})`,
      `select 1 as x order by (${inner})`,
      `select 1 as x limit (${inner})::int`,
      `select 1 as x offset (${inner})::int`,
      `select 1 as x union all select (${inner})`,
      `with a as materialized (select ${inner} as x) from a`,
      `with recursive a as (select ${inner} as x union all from a) from a`,
      `select * from g, lateral (select ${inner} || v as y)`,
      `select * replace ((${inner}) as v) from g`,
      `select columns(lambda c: ${inner} = c) from g`,
      `select {'a': ${inner}} as x`,
      `select [${inner}] as x`,
      `select map {'a': ${inner}} as x`,
      `select case when true then ${inner} end as x`,
      `select exists(select ${inner}) as x`,
      `select 'a' = any(select ${inner}) as x`,
      `select 'a' in (select ${inner}) as x`,
      `select array(select ${inner}) as x`,
      `select count(*) filter (where ${inner} is not null) as x from g`,
      `select max(v order by ${inner}) as x from g`,
      `select sum(id) over (partition by ${inner}) as x from g`,
      `select sum(id) over w as x from g window w as (order by ${inner})`,
      `select sum(id) over (rows ${inner}::int preceding) as x from g`,
      `select 1 as x from g qualify row_number() over (order by ${inner}) = 1`,
      `select count(*) as x from g group by grouping sets ((${inner}), ())`,
      `select count(*) as x from g group by cube (${inner})`,
      `select count(*) as x from g having max(${inner}) = 'a'`,
      `select distinct on (${inner}) id from g`,
      `select g.id from g join g h on g.v = ${inner}`,
      `select g.id from g asof join g h on g.id >= h.id and g.v = ${inner}`,
      `select g.id from g positional join (select ${inner} as y)`,
      `from (values (${inner})) t(x)`,
      `values (${inner})`,
      `from unnest([${inner}])`,
      `from repeat_row(${inner}, num_rows := 1)`,
      `from range(length(${inner}))`,
      `from g pivot (max(${inner}) for v in ('x'))`,
      `from (unpivot (select ${inner} as a, 'b' as b) on a, b)`,
      `from g at (version => ${inner})`,
      `select cast(${inner} as varchar) as x`,
      `select try(${inner}) as x`,
      `select (${inner}) collate nocase as x`,
      `from (from (from (select ${inner} as x)))`,
    ]),
  ],
};

/** Names that lead nowhere, and what only planning can tell. */
const NOT_PLANNED = [
  "from orders",
  "from crm",
  "from crm.people",
  "from crm.main.orders",
  "from people.orders",
  "from g.v",
  "from t1",
  "from shop.shop.orders",
  "from shop.duckdb_settings",
  "from shop.main.duckdb_views",
  "from shop.sqlite_master",
  "from shop.pragma_database_list",
  "from shop.pg_catalog.pg_settings",
  "from shop.information_schema.tables",
  "select current_setting as x",
  "select list_aggregate([1], 'current_setting') as x",
  "select 'x'::\"/etc/passwd\" as x",
  "select read_text('/etc/passwd') as x",
  "select 'g'::regclass as x",
];

const ACCEPTED: Readonly<Record<string, unknown>> = {
  "from g": [{ id: 1n, v: "x" }],
  "FROM G": [{ id: 1n, v: "x" }],
  "table people": [{ a: 3n }],
  "from crm.orders": [{ a: 1n }],
  'from "CRM"."orders"': [{ a: 1n }],
  'from crm."odd name"': [{ a: 2n }],
  "from shop.orders": [{ id: 5 }],
  "from shop.main.orders": [{ id: 5 }],
  "select 1 as x;": [{ x: 1 }],
  "select 1 as x; -- done": [{ x: 1 }],
  "/* a */ select 1 as x -- b": [{ x: 1 }],
  "select $$;drop table g$$ as x": [{ x: ";drop table g" }],
  "values (1)": [{ col0: 1 }],
  "with g as (select 5 as a) select (select max(a) from g) as x": [{ x: 5 }],
  "with a as (from people), b as (select a + 1 as a from a) from b": [{ a: 4n }],
  "with a as (with b as (from people) from b) from a": [{ a: 3n }],
  "with recursive n as (select 1 as i union all select i + 1 from n where i < 3) select max(i) as x from n": [{ x: 3 }],
  "with duckdb_databases as (select 1 as a) from duckdb_databases": [{ a: 1 }],
  "select o.a as a, p.a as b from crm.orders o, people p": [{ a: 1n, b: 3n }],
  "from g semi join g h using (id)": [{ id: 1n, v: "x" }],
  "select * from g tablesample reservoir(1 rows)": [{ id: 1n, v: "x" }],
  "select count(*) as x from generate_series(1, 3)": [{ x: 3n }],
  "select unnest(['a']) as x": [{ x: "a" }],
};

const messageOf = async (act: Promise<unknown>): Promise<string> => {
  try {
    return `accepted: ${String(await act)}`;
  } catch (error) {
    return isJobError(error) ? error.code : `no JobError: ${String(error)}`;
  }
};

describe.each(Object.entries(UNSUPPORTED))("refused: %s", (_, queries) => {
  it.each(queries)("%j", async (sql) => {
    expect(await messageOf(engine.describe(plain(sql), NEVER_ABORTED))).toBe("unsupported_query");
    expect(await messageOf(engine.explain(plain(sql), NEVER_ABORTED))).toBe("unsupported_query");
    expect(await messageOf(engine.stream(plain(sql), { signal: NEVER_ABORTED }))).toBe("unsupported_query");
  });
});

it.each(NOT_PLANNED)("leads nowhere: %s", async (sql) => {
  expect(await messageOf(engine.describe(plain(sql), NEVER_ABORTED))).toBe("sql_plan_failure");
});

describe("accepted", () => {
  it.each(Object.entries(ACCEPTED))("%s", async (sql, expected) => {
    expect(await allRows(engine, plain(sql))).toEqual(expected);
  });
});

it.each(["from {name}", "from range({name})", "from read_csv({name})", "from crm.{name}"])(
  "a value is never a name: %s",
  async (sql) => {
    const query = withParameters(sql, { name: { type: { kind: "text" }, value: "people" } });
    expect(await messageOf(engine.stream(query, { signal: NEVER_ABORTED }))).toMatch(
      /^(unsupported_query|sql_plan_failure)$/,
    );
  },
);

it("a value that looks like SQL stays a value", async () => {
  const value = "'; drop view people; --";
  const query = withParameters("select {name} as x", { name: { type: { kind: "text" }, value } });
  expect(await allRows(engine, query)).toEqual([{ x: value }]);
});

it("a struct's field that looks like SQL stays a name", async () => {
  const name = 'a" INTEGER, "b';
  const type = { kind: "struct", fields: [{ name, type: { kind: "text" } }] } as const;
  const { schema } = await engine.describe(
    withParameters("select {p} as x", { p: { type, value: { [name]: "1" } } }),
    NEVER_ABORTED,
  );
  expect(schema.columns[0]?.type).toEqual(type);
});

it("a view in a declared DuckDB file reaches no file outside", async () => {
  expect(await messageOf(allRows(engine, plain("from shop.outside")))).toBe("sql_plan_failure");
});

it.each(["1+", "not ", "case when true then "])("a text nested beyond all measure is refused: %s", async (part) => {
  const sql = `select ${part.repeat(20_000)}1${part.startsWith("case") ? " end".repeat(20_000) : ""} as x`;
  expect(await messageOf(engine.describe(plain(sql), NEVER_ABORTED))).toBe("unsupported_query");
});
