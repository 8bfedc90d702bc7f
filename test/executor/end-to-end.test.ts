import Database from "better-sqlite3";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { csv, DuckDBEngine, json, parquet } from "../../src/adapters/duckdb/entry.js";
import { memory } from "../../src/adapters/memory/memory-connection.js";
import { sqlite, SqliteJobStore } from "../../src/adapters/sqlite/entry.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { defineJob, type JobSpec } from "../../src/jobs/define-job.js";
import type { ParamSpecs } from "../../src/jobs/params-of.js";
import type { AnyJob } from "../../src/jobs/job-definition.js";
import type { Connection } from "../../src/ports/connection.js";
import { recordingLogger } from "../support/executor-harness.js";

let folder: string;
let executor: JobExecutor<readonly AnyJob[]> | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-e2e-"));
});

afterEach(async () => {
  await executor?.stop({ mode: "cancel" });
  executor = undefined;
  await rm(folder, { recursive: true, force: true });
});

/** A started executor on real parts: DuckDB, a SQLite ledger, a SQLite database `app` and `memory()` as `out`. */
async function started(
  specs: readonly JobSpec<string, ParamSpecs | undefined>[],
  connections: Readonly<Record<string, Connection>> = {},
) {
  const out = memory();
  const app = sqlite(join(folder, "app.db"), { access: "read_write" });
  const made = new JobExecutor<readonly AnyJob[]>({
    engine: new DuckDBEngine({ threads: 2 }),
    store: new SqliteJobStore({ path: join(folder, "ledger", "runs.db") }),
    connections: { out, app, ...connections },
    jobs: specs.map((spec) => defineJob(spec) as AnyJob),
    logger: recordingLogger().logger,
  });
  executor = made;
  await made.start();
  const run = async (name: string, params?: Record<string, unknown>) => {
    const handle = await made.submitOrThrow(name, params as never);
    return handle.result();
  };
  const refuse = async (name: string, params?: Record<string, unknown>) => {
    const error = (await made.submit(name, params as never))._unsafeUnwrapErr();
    expect((await made.listRuns()).runs).toEqual([]);
    return error;
  };
  return { executor: made, out, run, refuse };
}

/** The rows of a table of `app`; undefined when there is no such table. */
function appRows(table: string): readonly unknown[] | undefined {
  const database = new Database(join(folder, "app.db"));
  try {
    const there = database.prepare("select 1 from sqlite_master where name = ?").get(table);
    return there === undefined ? undefined : database.prepare(`select * from "${table}"`).all();
  } finally {
    database.close();
  }
}

const into = (table: string) => ({ destination: { table, mode: "overwrite", createIfMissing: true } }) as const;

describe("a job on real parts", () => {
  it("joins files, binds its parameters and commits into SQLite", async () => {
    await writeFile(join(folder, "orders.csv"), "id,customer,amount\n1,a,10.5\n2,b,20\n3,a,30\n");
    await writeFile(join(folder, "customers.json"), '[{"code":"a","name":"Ann"},{"code":"b","name":"Bob"}]');
    const { run } = await started(
      [
        {
          name: "totals",
          query: `select c.name, sum(o.amount)::DOUBLE as total, count(*)::INTEGER as n
                  from orders o join customers c on c.code = o.customer where o.amount >= {least} group by c.name order by c.name`,
          params: { least: "DOUBLE" },
          ...into("app.totals"),
        },
      ],
      { orders: csv(join(folder, "orders.csv")), customers: json(join(folder, "customers.json")) },
    );
    expect(await run("totals", { least: 15 })).toMatchObject({ status: "succeeded", rowsWritten: 2, error: null });
    expect(appRows("totals")).toEqual([
      { name: "Ann", total: 30, n: 1 },
      { name: "Bob", total: 20, n: 1 },
    ]);
    expect(await run("totals", { least: 1_000 })).toMatchObject({ status: "succeeded", rowsWritten: 0 });
    expect(appRows("totals")).toEqual([]);
  });

  it("matches columns by name, whatever their order", async () => {
    new Database(join(folder, "app.db")).exec("create table t (a TEXT, b TEXT, c TEXT default 'x')").close();
    const { run } = await started([
      { name: "swap", query: "select 'B' as b, 'A' as a", destination: { table: "app.t" } },
    ]);
    expect(await run("swap")).toMatchObject({ status: "succeeded" });
    expect(appRows("t")).toEqual([{ a: "A", b: "B", c: "x" }]);
  });

  it("previews without a trace", async () => {
    const made = await started([
      { name: "p", query: "select 1 as one, 'x' as two from range({n})", params: { n: "BIGINT" }, ...into("app.p") },
    ]);
    const previewed = await made.executor.preview("p", { n: 100 }, { limit: 2 });
    if (previewed.isErr()) throw previewed.error;
    const preview = previewed.value;
    expect(preview).toMatchObject({
      jobName: "p",
      destination: { table: "app.p", existing: null, wouldBeCreated: true, findings: [] },
      rows: [
        { one: 1, two: "x" },
        { one: 1, two: "x" },
      ],
    });
    expect(preview.plan).not.toBe("");
    expect((await made.executor.listRuns()).runs).toEqual([]);
    expect(appRows("p")).toBeUndefined();
  });
});

describe("what fails on the way leaves nothing", () => {
  it("a query that fails at row 3,000,000", async () => {
    const query =
      "select case when i = 3000000 then error('boom at 3000000')::BIGINT else i end as i from range(5000000) t(i)";
    const { run } = await started([
      { name: "late", query, ...into("app.late") },
      { name: "mem", query, ...into("out.late") },
    ]);
    for (const name of ["late", "mem"]) {
      const end = await run(name);
      expect(end).toMatchObject({ status: "failed", rowsWritten: null, error: { code: "query_failed" } });
      expect(end.error?.message).toContain("boom at 3000000");
    }
    expect(appRows("late")).toBeUndefined();
  });

  it("a CSV with a bad line, named by its number", async () => {
    const lines = Array.from({ length: 50_000 }, (_, index) =>
      index === 40_000 ? "oops,not a number" : `${index},${index * 2}`,
    );
    await writeFile(join(folder, "bad.csv"), `id,amount\n${lines.join("\n")}\n`);
    const { run } = await started([{ name: "bad", query: "select id, amount from bad", ...into("app.bad") }], {
      bad: csv(join(folder, "bad.csv")),
    });
    const end = await run("bad");
    expect(end).toMatchObject({ status: "failed", error: { code: "query_failed" } });
    expect(end.error?.message).toMatch(/4000[12]/);
    expect(appRows("bad")).toBeUndefined();
  });

  it("an overwrite that fails keeps the old rows", async () => {
    const query = "select case when i = {fail_at} then error('no')::BIGINT else i end as i from range(10000) t(i)";
    const { run } = await started([{ name: "over", query, params: { fail_at: "BIGINT" }, ...into("app.over") }]);
    expect(await run("over", { fail_at: -1 })).toMatchObject({ status: "succeeded", rowsWritten: 10_000 });
    expect(await run("over", { fail_at: 9_999 })).toMatchObject({ status: "failed" });
    expect(appRows("over")).toHaveLength(10_000);
  });
});

describe("values are bound, never spliced", () => {
  const hostile = [
    "{other}",
    "it's",
    '"',
    "-- x",
    "/* x",
    "*/",
    "$$",
    "$1",
    "?",
    ";drop table t",
    "\\",
    "a\u0000b",
    "😀",
    "\u202e",
    "x".repeat(100_000),
  ];

  it("whatever they hold", async () => {
    const { run, out } = await started([
      {
        name: "echo",
        query: "select {v} as v, {other} as other",
        params: { v: "VARCHAR", other: "VARCHAR" },
        ...into("out.echo"),
      },
    ]);
    for (const v of hostile) {
      expect(await run("echo", { v, other: "never" })).toMatchObject({ status: "succeeded" });
      expect(await out.rows("echo")).toEqual([{ v, other: "never" }]);
    }
  });

  it("and only where the text is code", async () => {
    const query = `select '{n}' as a, "{n}" as b, $x${"$"}{n}$x${"$"} as c, {'n': 1}.n as d, {n} as e /* {n} */ from (select 2 as "{n}") -- {n}`;
    const { run, out } = await started([{ name: "places", query, params: { n: "INTEGER" }, ...into("out.places") }]);
    expect(await run("places", { n: 7 })).toMatchObject({ status: "succeeded" });
    expect(await out.rows("places")).toEqual([{ a: "{n}", b: 2, c: "{n}", d: 1, e: 7 }]);
  });
});

describe("a query is one SELECT over the declared connections", () => {
  it.each([
    "select 1; select 2",
    "copy (select 1) to 'x.csv'",
    "attach 'x.db'",
    "set threads = 1",
    "pragma version",
    "install httpfs",
    "load httpfs",
    "create table t (i int)",
    "insert into t values (1)",
    "update t set i = 1",
    "delete from t",
    "drop table t",
    "call pragma_version()",
    "explain select 1",
    "export database 'x'",
    "checkpoint",
    "vacuum",
    "begin",
    "select * from read_text('/etc/passwd')",
    "from '/etc/passwd'",
    "select * from read_csv('/etc/passwd')",
    "select * from glob('/*')",
    "select getenv('HOME') as home",
    "select current_setting('home_directory') as s",
    "select * from duckdb_settings()",
    "select * from duckdb_secrets()",
    "select * from query('select 1')",
    "select * from information_schema.tables",
    "",
    "   -- nothing",
  ])("refuses %s", async (query) => {
    let made;
    try {
      made = await started([{ name: "bad", query, ...into("out.t") }]);
    } catch (error) {
      expect(error).toMatchObject({ code: "invalid_definition" });
      return;
    }
    const error = await made.refuse("bad");
    expect(["unsupported_query", "sql_plan_failure"]).toContain(error.code);
  });

  it.each([
    "from range(3)",
    "values (1), (2)",
    "with t as (select 1 as i) select * from t",
    "(select 1 as i) union all select 2",
    "select 1;",
  ])("takes %s", async (query) => {
    const { run } = await started([{ name: "good", query, ...into("out.t") }]);
    expect(await run("good")).toMatchObject({ status: "succeeded" });
  });

  it("plans before it stores", async () => {
    const { refuse } = await started([{ name: "typo", query: "select nope from range(1)", ...into("out.t") }]);
    expect(await refuse("typo")).toMatchObject({ code: "sql_plan_failure", jobName: "typo" });
  });
});

describe("columns", () => {
  it.each([
    ["duplicate", "select 1 as a, 2 as a"],
    ["case-colliding", "select 1 as a, 2 as A"],
  ])("%s names are refused", async (_kind, query) => {
    const { refuse } = await started([{ name: "dup", query, ...into("out.t") }]);
    expect(await refuse("dup")).toMatchObject({
      code: "unsupported_query",
      columns: expect.arrayContaining(["a"]) as string[],
    });
  });

  it("that cannot be kept exactly are refused, each by its name", async () => {
    new Database(join(folder, "app.db")).exec("create table t (big INTEGER, d INTEGER, s TEXT NOT NULL)").close();
    const { refuse } = await started([
      {
        name: "lossy",
        query: "select 1::HUGEINT as big, 1.5::DOUBLE as d, 1 as extra",
        destination: { table: "app.t" },
      },
    ]);
    const error = await refuse("lossy");
    expect(error).toMatchObject({ code: "schema_mismatch", table: "app.t", columns: ["big", "d", "extra", "s"] });
  });

  it("that hold only nulls are kept", async () => {
    const { run } = await started([
      {
        name: "nulls",
        query: "select null::INTEGER as i, null::VARCHAR as s, null::BLOB as b from range(3)",
        ...into("app.nulls"),
      },
    ]);
    expect(await run("nulls")).toMatchObject({ status: "succeeded", rowsWritten: 3 });
    expect(appRows("nulls")).toEqual(Array.from({ length: 3 }, () => ({ i: null, s: null, b: null })));
  });
});

describe("files are no destinations", () => {
  it.each(["csv", "json", "parquet"] as const)("%s says what to use instead", async (kind) => {
    const path = join(folder, `f.${kind}`);
    await writeFile(path, kind === "json" ? '[{"a":1}]' : "a\n1\n");
    const connection = { csv, json, parquet }[kind](path);
    const { refuse } = await started([{ name: "w", query: "select 1 as a", destination: { table: "f" } }], {
      f: connection,
    });
    const error = await refuse("w");
    expect(error).toMatchObject({ code: "non_transactional_destination", connection: "f" });
    expect(error.hint).toMatch(/sqlite/i);
  });
});

describe("a ledger that cannot be used", () => {
  async function startOn(path: string): Promise<unknown> {
    const broken = new JobExecutor({
      engine: new DuckDBEngine(),
      store: new SqliteJobStore({ path }),
      connections: { out: memory() },
      jobs: [],
      logger: recordingLogger().logger,
    });
    const error: unknown = await broken.start().catch((caught: unknown) => caught);
    await broken.stop();
    return error;
  }

  it("is refused: not SQLite, a folder that cannot be made, no space", async () => {
    await writeFile(join(folder, "text.db"), "this is not a database, ".repeat(100));
    expect(await startOn(join(folder, "text.db"))).toMatchObject({ code: "store_incompatible" });
    await writeFile(join(folder, "file"), "");
    expect(await startOn(join(folder, "file", "runs.db"))).toMatchObject({ code: "store_unavailable" });
    expect(await startOn("/proc/runs.db")).toMatchObject({ code: "store_unavailable" });
  });

  it("may not be the file that a job writes to", () => {
    const path = join(folder, "both.db");
    new Database(path).close();
    const make = () =>
      new JobExecutor({
        engine: new DuckDBEngine(),
        store: new SqliteJobStore({ path }),
        connections: { app: sqlite(path, { access: "read_write" }) },
        jobs: [],
      });
    expect(make).toThrow(expect.objectContaining({ code: "invalid_definition", field: "connections.app" }) as Error);
  });
});
