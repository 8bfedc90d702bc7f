import { link, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { csv, duckdb, DuckDBEngine } from "../../../../src/adapters/duckdb/entry.js";
import { MemoryJobStore } from "../../../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../../../src/executor/job-executor.js";
import { defineJob } from "../../../../src/jobs/define-job.js";
import { sampleRows, write } from "../../../../src/testing/destination/destination-fixture.js";
import { ManualClock } from "../../../../src/testing/manual-clock.js";
import { recordingLogger } from "../../../support/executor-harness.js";
import { duckdbFile, sqlInDuckDBFile } from "../../../support/duckdb-file.js";
import { Gate } from "../../../support/gate.js";
import { query, withEngine } from "../engine-session.js";
import { inFolder } from "../engine-under-test.js";

const NEVER_ABORTED = new AbortController().signal;

describe("tables of a DuckDB file as destinations", () => {
  it("in a schema of their own, which is made with the table", async () => {
    await using file = await duckdbFile();
    await file.load("sales.orders", "select 1 as id", { createIfMissing: true });
    await file.load("orders", "select 2 as id", { createIfMissing: true });
    await file.load("SALES.Orders", "select 3 as id");
    expect(await file.sql("select id from sales.orders order by id")).toEqual([{ id: 1 }, { id: 3 }]);
    expect(await file.sql("select id from main.orders")).toEqual([{ id: 2 }]);
  });

  it("of which two differ only in the case of letters that DuckDB tells apart", async () => {
    await using file = await duckdbFile({ sql: 'create table "é" (a integer); create table "É" (b text, c integer)' });
    await file.load("é", "select 1 as a");
    await file.load("É", "select 'x' as b, 2 as c");
    expect(await file.sql('select a, b, c from "é", "É"')).toEqual([{ a: 1, b: "x", c: 2 }]);
  });

  it.each(["out.t", "out.seen", "(select i from out.t union all from out.seen limit 3)"])(
    "take what a query makes of the rows that it overwrites: %s",
    async (from) => {
      await using file = await duckdbFile({
        sql: "create table t as select i from range(3) r(i); create view seen as from t",
      });
      const receipt = await file.load("t", `select i + 10 as i from ${from}`, { mode: { kind: "overwrite" } });
      expect(receipt.rowsWritten).toBe(3);
      expect(await file.sql("from t order by i")).toEqual([{ i: "10" }, { i: "11" }, { i: "12" }]);
    },
  );

  it("are in one file, whether it is named by itself or by a link that was there before it", () =>
    inFolder(async (folder) => {
      const path = join(folder, "out.duckdb");
      await symlink("real.duckdb", path);
      await using file = await duckdbFile({ folder });
      expect(file.connection.capabilities.resource).toBe(duckdb(join(folder, "real.duckdb")).capabilities.resource);
      for (const mode of ["append", "overwrite"] as const) {
        await file.load("t", "select 1 as i", { createIfMissing: true, mode: { kind: mode } });
      }
      expect(await readdir(folder)).not.toContain("out.duckdb.lock");
    }));

  it("not a file with other hard links, which nobody could tell from another file", async () => {
    await using file = await duckdbFile();
    await file.load("t", "select 1 as i", { createIfMissing: true });
    await link(file.path, `${file.path}.other`);
    await expect(file.load("t", "select 2 as i")).rejects.toMatchObject({
      code: "connection_unavailable",
      message: expect.stringContaining("other hard links") as string,
    });
    await rm(`${file.path}.other`);
    await file.load("t", "select 3 as i");
    expect(await file.sql("select i from t order by i")).toEqual([{ i: 1 }, { i: 3 }]);
  });

  it.each([
    "",
    "a.b.c",
    "a..b",
    ".a",
    "_millrace_commits",
    "main._MILLRACE_STATE",
    "information_schema.tables",
    "nul\0",
  ])("not under a name that is none, or is kept: %j", async (name) => {
    await using file = await duckdbFile();
    expect(file.connection.destination?.(name)).toBeUndefined();
  });

  it("tell which columns are required, filled and computed", async () => {
    await using file = await duckdbFile({
      sql: `create sequence s; create table t (id bigint primary key default nextval('s'), a integer not null, b integer default 3,
              c integer default null, twice integer generated always as (a * 2), "d""e" decimal(9,2) unique)`,
    });
    expect((await file.destination("t").schema(NEVER_ABORTED))?.columns).toEqual([
      {
        name: "id",
        type: { kind: "integer", bits: 64, signed: true },
        nullable: false,
        hasDefault: true,
        nativeType: "BIGINT",
      },
      { name: "a", type: { kind: "integer", bits: 32, signed: true }, nullable: false, nativeType: "INTEGER" },
      {
        name: "b",
        type: { kind: "integer", bits: 32, signed: true },
        nullable: true,
        hasDefault: true,
        nativeType: "INTEGER",
      },
      { name: "c", type: { kind: "integer", bits: 32, signed: true }, nullable: true, nativeType: "INTEGER" },
      {
        name: "twice",
        type: { kind: "integer", bits: 32, signed: true },
        nullable: true,
        generated: true,
        nativeType: "INTEGER",
      },
      { name: 'd"e', type: { kind: "decimal", precision: 9, scale: 2 }, nullable: true, nativeType: "DECIMAL(9,2)" },
    ]);
    await file.load("t", "select 5 as a union all select 6");
    expect(await file.sql("from t order by id")).toEqual([
      { id: "1", a: 5, b: 3, c: null, twice: 10, 'd"e': null },
      { id: "2", a: 6, b: 3, c: null, twice: 12, 'd"e': null },
    ]);
    const refusals: readonly (readonly [string, object])[] = [
      ["select 1 as b", { code: "schema_mismatch", columns: ["a"] }],
      ["select 1 as a, 2 as twice", { code: "schema_mismatch", columns: ["twice"] }],
      ["select 1 as A", { code: "schema_mismatch", message: expect.stringContaining("differs in case") as string }],
      [
        "select null::int as a",
        { code: "destination_failed", retryable: false, message: expect.stringContaining("NOT NULL") as string },
      ],
      [
        "select 1 as a, 1::bigint as id",
        { code: "destination_failed", retryable: false, message: expect.stringMatching(/duplicate key/i) as string },
      ],
    ];
    for (const [query, refusal] of refusals) await expect(file.load("t", query)).rejects.toMatchObject(refusal);
    expect(await file.sql("select count(*)::int as n from t")).toEqual([{ n: 2 }]);
  });

  it.each([
    ["7.9 into an integer", "a integer", "select 7.9 as a"],
    ["7.9 as a float into an integer", "a integer", "select 7.9::double as a"],
    ["2^63 into a BIGINT", "a bigint", "select 9223372036854775808 as a"],
    ["a HUGEINT into a BIGINT", "a bigint", "select 1::hugeint as a"],
    ["a HUGEINT into a DOUBLE", "a double", "select 1::hugeint as a"],
    ["a BIGINT into a DOUBLE", "a double", "select 1::bigint as a"],
    ["a number into a text", "a varchar", "select 1 as a"],
    ["a text into a number", "a integer", "select '1' as a"],
    ["a timestamp into a date", "a date", "select timestamp '2020-01-01 12:00:00' as a"],
    ["an instant into a timestamp", "a timestamp", "select timestamptz '2020-01-01 12:00:00+02' as a"],
    ["a union into a struct", "a struct(x integer)", "select union_value(x := 1) as a"],
    ["an interval into a time", "a time", "select interval 1 day as a"],
    ["a map into a struct", "a struct(x integer)", "select map {'x': 1} as a"],
    ["an enum of more values", "a enum('x')", "select 'y'::enum('x', 'y') as a"],
  ])("%s is refused, with the column named", async (_, column, query) => {
    await using file = await duckdbFile({ sql: `create table t (${column})` });
    const refusal = { code: "schema_mismatch", columns: ["a"] };
    await expect(file.load("t", query)).rejects.toMatchObject(refusal);
    expect(await file.sql("from t")).toEqual([]);
  });

  it.each([
    ["a small integer into a larger", "a hugeint", "select 255::utinyint as a", "255"],
    ["an integer into a decimal", "a decimal(12,2)", "select 2147483647 as a", "2147483647.00"],
    ["a decimal into a wider one", "a decimal(38,10)", "select 12345.67::decimal(7,2) as a", "12345.6700000000"],
    ["an integer into a double", "a double", "select 2147483647 as a", "2147483647.0"],
    ["an enum into a text", "a varchar", "select 'y'::enum('x', 'y') as a", "y"],
    ["an enum of fewer values", "a enum('z', 'x')", "select 'x'::enum('x') as a", "x"],
    ["JSON into a text", "a varchar", `select '{"b": "x"}'::json as a`, '{"b": "x"}'],
    ["a JSON text into a text", "a varchar", `select '"x"'::json as a`, '"x"'],
    [
      "seconds into microseconds",
      "a timestamp",
      "select '1970-01-01 00:00:01'::timestamp_s as a",
      "1970-01-01 00:00:01",
    ],
    ["an array into a list", "a bigint[]", "select array_value(1, 2)::int[2] as a", "[1, 2]"],
  ])("%s is kept exactly, by both doors", async (_, column, query, text) => {
    await using file = await duckdbFile({ sql: `create table t (${column})` });
    await file.load("t", query);
    await file.load("t", query, {
      through: (rows) => ({
        schema: rows.schema,
        close: () => rows.close(),
        [Symbol.asyncIterator]: () => rows[Symbol.asyncIterator](),
      }),
    });
    expect(await file.sql("select a::varchar as a from t")).toEqual([{ a: text }, { a: text }]);
  });

  it("not where the name is a view's", async () => {
    await using file = await duckdbFile({ sql: "create view v as select 1 as a" });
    const refusal = { code: "destination_resolution_failed" };
    await expect(file.destination("v").schema(NEVER_ABORTED)).rejects.toMatchObject(refusal);
    await expect(file.load("v", "select 1 as a", { createIfMissing: true })).rejects.toMatchObject(refusal);
    expect((await file.connection.source?.("v")?.schema(NEVER_ABORTED))?.columns).toHaveLength(1);
  });

  it("keep their indexes, views and constraints through an overwrite", async () => {
    await using file = await duckdbFile({
      sql: "create table t (id integer primary key, v varchar unique); insert into t values (1, 'a'), (2, 'b'); create view twice as select id * 2 as d from t; create index i on t (v)",
    });
    await file.load("t", "select 2 as id, 'a' as v union all select 3, 'b'", { mode: { kind: "overwrite" } });
    expect(await file.sql("select d from twice order by d")).toEqual([{ d: 4 }, { d: 6 }]);
    await expect(file.load("t", "select 3 as id")).rejects.toMatchObject({ code: "destination_failed" });
    expect(await file.sql("select count(*)::int as n from duckdb_indexes()")).toEqual([{ n: 1 }]);
  });

  it("take upserts that exchange unique values, and such as touch a key twice over time", async () => {
    await using file = await duckdbFile({
      sql: "create table t (id integer primary key, v varchar unique, w integer default 7)",
    });
    const mode = { kind: "upsert", keys: ["id"] } as const;
    await file.load("t", "select i::int as id, 'v' || i as v, i::int as w from range(4) r(i)", {
      mode: { kind: "append" },
    });
    await file.load("t", "select 1 as id, 'v2' as v union all select 2, 'v1' union all select 9, 'new'", { mode });
    await file.load("t", "select 1 as id, 'again' as v", { mode });
    // Replaced whole: what the query does not give takes its default.
    expect(await file.sql("from t order by id")).toEqual([
      { id: 0, v: "v0", w: 0 },
      { id: 1, v: "again", w: 7 },
      { id: 2, v: "v1", w: 7 },
      { id: 3, v: "v3", w: 3 },
      { id: 9, v: "new", w: 7 },
    ]);
  });

  it.each([
    ["from the query's own rows", "select 'b' as k, 1 as v union all select 'B', 2", "duplicate"],
    ["that the table has in other letters", "select 'A' as k, 2 as v", [{ k: "A", v: 2 }]],
  ])("take upserts by keys whose letters' case the table ignores: %s", async (_, rows, expected) => {
    await using file = await duckdbFile({
      sql: "create table t (k varchar collate nocase, v integer); insert into t values ('a', 1)",
    });
    const mode = { kind: "upsert", keys: ["k"] } as const;
    const load = file.load("t", rows, { mode });
    if (typeof expected === "string")
      await expect(load).rejects.toMatchObject({ code: "destination_failed", columns: ["k"] });
    else await load;
    expect(await file.sql("from t")).toEqual(typeof expected === "string" ? [{ k: "a", v: 1 }] : expected);
    const last = "select * from (values ('A', 3), ('c', 4), ('a', 5), ('C', 6)) r(k, v)";
    await file.load("t", last, { mode: { ...mode, onDuplicate: "keepLast" } });
    expect(await file.sql("from t order by v")).toEqual([
      { k: "a", v: 5 },
      { k: "C", v: 6 },
    ]);
  });

  it("of two upserts of one new key at once there is one row", async () => {
    await using file = await duckdbFile({ sql: "create table t (id integer, v integer)" });
    const mode = { kind: "upsert", keys: ["id"] } as const;
    await Promise.all([1, 2, 3, 4].map((v) => file.load("t", `select 1 as id, ${v} as v`, { mode })));
    expect(await file.sql("select count(*)::int as n from t")).toEqual([{ n: 1 }]);
  });

  it("are read and written by one query though their file has another name that is only read", () =>
    inFolder(async (folder) => {
      const path = join(folder, "out.duckdb");
      await sqlInDuckDBFile(path, "create table t as select 1 as i");
      const written = duckdb(path, { access: "read_write", lockWaitMs: 0 });
      await withEngine({ first: duckdb(path), second: written }, async ({ engine, rows }) => {
        const stream = await engine.stream(query("select i + 1 as i from second.t"), { signal: NEVER_ABORTED });
        const permit = () =>
          Promise.resolve({ committed: () => ({ commitId: "a", rowsWritten: 1, snapshotId: null }) });
        await written.destination?.("t")?.write(stream, {
          commitId: "a",
          mode: { kind: "append" },
          schema: stream.schema,
          createIfMissing: false,
          signal: NEVER_ABORTED,
          onProgress: () => undefined,
          permit,
        });
        expect(await rows("from first.t order by i")).toEqual([{ i: 1 }, { i: 2 }]);
      });
    }));

  it("are not touched by who looks for the state of a job", async () => {
    await using file = await duckdbFile({ sql: "create table t as select 1 as i" });
    expect(await file.destination("t").readState?.("j", NEVER_ABORTED)).toBeNull();
    expect(await file.sql("select table_name from duckdb_tables()")).toEqual([{ table_name: "t" }]);
  });

  it("are looked at when nobody can change them any more", async () => {
    await using file = await duckdbFile({ sql: "create table t (id bigint, label varchar)" });
    // While the rows come, which is before the file is attached for good, another program changes the table.
    const whileRowsCome = (sql: string) => [sampleRows(1, 3), async () => void (await file.sql(sql))];
    const drop = whileRowsCome("alter table t drop label");
    await expect(write(file.destination("t"), { commitId: "a", steps: drop })).rejects.toMatchObject({
      code: "schema_mismatch",
      columns: ["label"],
    });
    expect(await file.sql("from t")).toEqual([]);
    const add = whileRowsCome("alter table t add label varchar default 'none'");
    await write(file.destination("t"), { commitId: "b", steps: add });
    expect(await file.sql("select count(*)::int as n, any_value(label) as label from t")).toEqual([
      { n: 3, label: expect.not.stringMatching("none") as string },
    ]);
  });

  it("are made once by two engines that both find them missing", async () => {
    await using one = await duckdbFile();
    await using two = await duckdbFile({ folder: one.folder });
    const sources = { one, two };
    const loads = Object.entries(sources).map(([name, file]) =>
      file.load("sales.t", `select '${name}' as name`, { commitId: name, createIfMissing: true }),
    );
    await Promise.all(loads);
    expect(await one.sql("select name from sales.t order by name")).toEqual([{ name: "one" }, { name: "two" }]);
  });

  it("are looked at where they are written, also by a connection that several engines share", async () => {
    await using file = await duckdbFile({ sql: "create table t (i integer)", lockWaitMs: 0 });
    const later = new DuckDBEngine({ threads: 1 });
    await later.open({
      connections: new Map([["out", file.connection]]),
      clock: new ManualClock(),
      logger: recordingLogger().logger,
    });
    await file.load("t", "select 1 as i");
    await later.close();
    expect(await file.sql("from t")).toEqual([{ i: 1 }]);
  });

  it("in one new schema, made at once", async () => {
    await using file = await duckdbFile();
    const gate = new Gate();
    const atPermit = () => gate.pass();
    const made = file.load("sales.a", "select 1 as i", { commitId: "a", createIfMissing: true, atPermit });
    await gate.reached;
    const waiting = file.load("SALES.b", "select 2 as i", { commitId: "b", createIfMissing: true });
    // Whoever makes nothing in that schema is not held back.
    await file.load("c", "select 3 as i", { commitId: "c", createIfMissing: true });
    gate.open();
    await Promise.all([made, waiting]);
    expect(await file.sql("from sales.a union all from sales.b order by i")).toEqual([{ i: 1 }, { i: 2 }]);
  });
});

describe("a DuckDB file in an executor", () => {
  it("is read and written by one run, and by several at once", async () => {
    await using file = await duckdbFile({ sql: "create table numbers as select i as n from range(1000) r(i)" });
    const out = duckdb(file.path, { access: "read_write" });
    const jobs = ["a", "b", "c"].map((name) =>
      defineJob({
        name,
        query: "select n, n * 2 as twice from out.numbers where n < {most}",
        params: { most: "BIGINT" },
        destination: { table: name === "c" ? "out.numbers_too" : `out.${name}`, createIfMissing: true },
      }),
    );
    await file.engine.close();
    const executor = new JobExecutor({
      engine: new DuckDBEngine({ threads: 2 }),
      store: new MemoryJobStore(),
      connections: { out },
      jobs,
      logger: recordingLogger().logger,
    });
    await executor.start();
    const handles = [];
    for (let round = 0; round < 4; round += 1) {
      for (const { name } of jobs) handles.push(await executor.submitOrThrow(name, { most: 100 }));
    }
    const ended = await Promise.all(handles.map((handle) => handle.result()));
    expect(ended.map(({ status, rowsWritten, error }) => error?.message ?? `${status} ${rowsWritten}`)).toEqual(
      handles.map(() => "succeeded 100"),
    );
    await executor.stop();
    expect(await file.sql("select count(*)::int as n, sum(twice)::int as s from a")).toEqual([{ n: 400, s: 39_600 }]);
    expect(await file.sql("select count(*)::int as n from _millrace_commits where state = 'committed'")).toEqual([
      { n: 12 },
    ]);
  });

  it("a bad value of a source is named with its place, and the run leaves nothing", async () => {
    await using file = await duckdbFile({ sql: "create table t (n integer)" });
    await writeFile(join(file.folder, "a.csv"), "n\n1\n2\n7.9\n");
    await file.engine.close();
    const executor = new JobExecutor({
      engine: new DuckDBEngine({ threads: 1 }),
      store: new MemoryJobStore(),
      connections: {
        a: csv(join(file.folder, "a.csv"), { columns: { n: "INTEGER" } }),
        out: duckdb(file.path, { access: "read_write" }),
      },
      jobs: [defineJob({ name: "load", query: "select n from a", destination: { table: "out.t" } })],
      logger: recordingLogger().logger,
    });
    await executor.start();
    const { status, error } = await (await executor.submitOrThrow("load")).result();
    expect({ status, code: error?.code }).toEqual({ status: "failed", code: "query_failed" });
    expect(error?.message).toMatch(/"n" is INTEGER, and row 3 of .*a\.csv has "7\.9"/);
    await executor.stop();
    expect(await file.sql("from t")).toEqual([]);
  });
});
