import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { memory } from "../../../../src/adapters/memory/memory-connection.js";
import { MemoryJobStore } from "../../../../src/adapters/memory/memory-job-store.js";
import { DuckDBEngine, parquetDataset } from "../../../../src/adapters/duckdb/entry.js";
import { JobExecutor } from "../../../../src/executor/job-executor.js";
import { defineJob } from "../../../../src/jobs/define-job.js";
import { NEVER_ABORTED } from "../engine-session.js";
import { inOrder, withLake } from "./lake.js";
import { readPlainly } from "./read-plainly.js";

const MIXED = `select i, i % 7 as small, 'text ' || i as t, i::double / 3 as d, date '2020-01-01' + (i % 400)::int as day,
  if(i % 5 = 0, null, [i, null]) as l, {'a': i, 'b': 'x'} as s from range(5000) r(i)`;

describe("a dataset as a destination of jobs", () => {
  it("takes a job's rows through the engine, and gives them to another job", () =>
    withLake({}, async ({ folder }) => {
      const write = defineJob({
        name: "write",
        query: "select i as id, 'row ' || i as label from range({rows}) t(i)",
        params: { rows: "BIGINT" },
        destination: { table: "lake.numbers", createIfMissing: true },
      });
      const read = defineJob({
        name: "read",
        query: 'select (select count(*) from lake.numbers) as now, (select count(*) from lake."numbers@1") as before',
        destination: { table: "out.counts", createIfMissing: true },
      });
      const out = memory();
      const executor = new JobExecutor({
        engine: new DuckDBEngine({ threads: 1 }),
        store: new MemoryJobStore(),
        connections: { lake: parquetDataset(join(folder, "..", "second")), out },
        jobs: [write, read],
      });
      await executor.start();
      for (const rows of [10, 5]) {
        const run = await (await executor.submitOrThrow("write", { rows })).result();
        expect(run).toMatchObject({ status: "succeeded", rowsWritten: rows });
      }
      expect(await (await executor.submitOrThrow("read", {})).result()).toMatchObject({ status: "succeeded" });
      expect(await out.rows("counts")).toEqual([{ now: 15n, before: 10n }]);
      const wide = await executor.submit("write", { rows: "no number" } as never);
      expect(wide.isErr()).toBe(true);
      await executor.stop();
    }));

  it("keeps the same rows whichever door they come by", () =>
    withLake({}, async ({ rows, load, destination }) => {
      await load("engine", MIXED, { door: "engine" });
      await load("batches", MIXED, { door: "batches" });
      const [query, engine, batches] = await Promise.all([
        rows(MIXED),
        rows("from lake.engine"),
        rows("from lake.batches"),
      ]);
      expect(inOrder(engine)).toEqual(inOrder(query));
      expect(inOrder(batches)).toEqual(inOrder(query));
      expect(await destination("engine").schema(NEVER_ABORTED)).toEqual(
        await destination("batches").schema(NEVER_ABORTED),
      );
    }));

  it("gives a receipt with the snapshot's number, and lists the snapshots", () =>
    withLake({}, async ({ load, connection }) => {
      const first = await load("t", "select 1 as n union all select 2", { commitId: "a" });
      expect(first).toEqual({ commitId: "a", rowsWritten: 2, snapshotId: "1" });
      await load("t", "select 3 as n", { commitId: "b" });
      await load("t", "select 4 as n", { commitId: "c", mode: "overwrite" });
      expect(await connection.snapshots("t")).toEqual([
        {
          version: 3,
          commitId: "c",
          mode: "overwrite",
          rowsWritten: 1,
          rows: 1,
          files: 1,
          bytes: expect.any(Number) as number,
        },
        {
          version: 2,
          commitId: "b",
          mode: "append",
          rowsWritten: 1,
          rows: 3,
          files: 2,
          bytes: expect.any(Number) as number,
        },
        {
          version: 1,
          commitId: "a",
          mode: "append",
          rowsWritten: 2,
          rows: 2,
          files: 1,
          bytes: expect.any(Number) as number,
        },
      ]);
      expect(await connection.snapshots("none")).toEqual([]);
    }));

  it("leaves no folder behind for appends of nothing", () =>
    withLake({}, async ({ load, folder, rows }) => {
      await load("t", "select 1 as n");
      await load("t", "select 1 as n where false");
      await load("t", "select 1 as n where false", { door: "batches" });
      expect(await readdir(join(folder, "t", "data"))).toHaveLength(1);
      expect(await rows("from lake.t")).toEqual([{ n: 1 }]);
    }));

  it("refuses an upsert by its kind", () =>
    withLake({}, async ({ destination }) => {
      expect(destination("t").capabilities.modes).toEqual(["append", "overwrite"]);
    }));
});

describe("a dataset that is read", () => {
  it("gives a snapshot by its number, and the newest without one", () =>
    withLake({}, async ({ rows, load, destination }) => {
      await load("t", "select 1 as n");
      await destination("t").settleCommit("given-up", NEVER_ABORTED);
      await load("t", "select 2 as n", { mode: "overwrite" });
      expect(await rows("from lake.t")).toEqual([{ n: 2 }]);
      expect(await rows('from lake."t@1"')).toEqual([{ n: 1 }]);
      // What was settled as never changed nothing.
      expect(await rows('from lake."t@2"')).toEqual([{ n: 1 }]);
      expect(await rows('select a.n, b.n as m from lake."t@1" a, lake."t@3" b')).toEqual([{ n: 1, m: 2 }]);
    }));

  it.each(['lake."t@9"', 'lake."t@0"', "lake.none", 'lake."none@1"'])("refuses %s, which is not there", (table) =>
    withLake({}, async ({ rows, load }) => {
      await load("t", "select 1 as n");
      await expect(rows(`from ${table}`)).rejects.toMatchObject({
        code: "sql_plan_failure",
        message: expect.stringContaining("no table") as string,
      });
    }),
  );

  it("cannot be written by the name of a snapshot", () =>
    withLake({}, async ({ connection }) => {
      expect(connection.destination?.("t@1")).toBeUndefined();
    }));

  it("shows a query one snapshot, also where the query reads twice and others write meanwhile", () =>
    withLake({}, async ({ rows, load }) => {
      await load("t", "select 0 as batch, i from range(100) r(i)");
      let isWriting = true;
      const writing = (async () => {
        for (let batch = 1; batch <= 15; batch += 1) {
          const mode = batch % 5 === 0 ? "overwrite" : "append";
          await load("t", `select ${batch} as batch, i from range(100) r(i)`, { mode });
        }
        isWriting = false;
      })();
      let reads = 0;
      while (isWriting) {
        const [row] = await rows(
          "select (select count(*) from lake.t) as a, (select count(*) from lake.t) as b, count(distinct batch) as c from lake.t",
        );
        expect(row?.["a"]).toBe(row?.["b"]);
        expect(row?.["a"]).toBe((row?.["c"] as bigint) * 100n);
        reads += 1;
      }
      await writing;
      expect(reads).toBeGreaterThan(0);
    }));

  it("is read by a plain DuckDB, also while a writer publishes", () =>
    withLake({}, async ({ folder, load, rows }) => {
      await load("t", "select 0 as batch, i from range(100) r(i)");
      const instance = await DuckDBInstance.create(":memory:");
      const reader = await instance.connect();
      let isWriting = true;
      const writing = (async () => {
        for (let batch = 1; batch <= 15; batch += 1) {
          await load("t", `select ${batch} as batch, i from range(100) r(i)`, {
            mode: batch % 4 === 0 ? "overwrite" : "append",
          });
        }
        isWriting = false;
      })();
      const seen = new Set<number>();
      while (isWriting) seen.add((await readPlainly(reader, folder, "t"))?.length ?? -1);
      await writing;
      for (const count of seen) expect(count % 100, `${count} rows`).toBe(0);
      const last = await readPlainly(reader, folder, "t");
      expect(last?.length).toBe((await rows("from lake.t")).length);
      reader.disconnectSync();
      instance.closeSync();
    }));

  it.each(["with 'quotes' and spaces", "year=2001", "ünï 漢字"])("lies in a folder called %s", (name) =>
    withLake({ name, partitionBy: { "t *": ["p"] } }, async ({ rows, load, folder, connection }) => {
      await load("t *", "select 1 as n, 'a/b' as p");
      await load("t *", "select 2 as n, 'a/b' as p", { door: "batches" });
      expect(inOrder(await rows('from lake."t *"'))).toEqual(['{"n":1,"p":"a/b"}', '{"n":2,"p":"a/b"}']);
      expect(await readdir(folder)).toContain("t%20%2A");
      await connection.prune("t *", { keep: 1 });
      expect(await rows('from lake."t *"')).toHaveLength(2);
    }),
  );

  it.each(["s3://bucket/lake", "/tmp/a*b", "/tmp/[x]", "/tmp/what?", ""])("cannot lie at %s", (path) => {
    expect(() => parquetDataset(path)).toThrowError(
      expect.objectContaining({ code: "invalid_definition", field: "path" }),
    );
  });

  it("may be moved: nothing in it names its place", () =>
    withLake({}, async ({ folder, load }) => {
      await load("t", "select 1 as n");
      const moved = `${folder}-moved`;
      await rename(folder, moved);
      const instance = await DuckDBInstance.create(":memory:");
      const reader = await instance.connect();
      expect(await readPlainly(reader, moved, "t")).toEqual([{ n: 1 }]);
      reader.disconnectSync();
      instance.closeSync();
      expect(await parquetDataset(moved).source?.("t")?.schema(NEVER_ABORTED)).not.toBeNull();
    }));
});

describe("columns", () => {
  it("come in any order, are widened where nothing is lost, and are null where they are missing", () =>
    withLake({}, async ({ rows, load }) => {
      await load("t", "select 1::bigint as a, 'x' as b, 0.5::double as c");
      await load("t", "select 2.5::float as c, 7::smallint as a");
      expect(inOrder(await rows("from lake.t"))).toEqual(['{"a":"1","b":"x","c":0.5}', '{"a":"7","b":null,"c":2.5}']);
    }));

  it.each([
    ["select 7.9 as a", /"a" of type DECIMAL\(2,1\)/],
    ["select 7.9::double as a", /"a" of type DOUBLE/],
    ["select 9223372036854775808 as a", /"a" of type HUGEINT/],
    ["select 1::bigint as a", /"a" of type BIGINT/],
    ["select 1 as a, 2 as b", /no column "b"/],
    ["select 1 as A", /differs in case/],
  ])("are refused where something would be lost: %s", (sql, reason) =>
    withLake({}, async ({ rows, load }) => {
      await load("t", "select 1::integer as a");
      await expect(load("t", sql)).rejects.toMatchObject({
        code: "schema_mismatch",
        message: expect.stringMatching(reason) as string,
      });
      await expect(load("t", sql, { mode: "overwrite" })).rejects.toMatchObject({ code: "schema_mismatch" });
      expect(await rows("from lake.t")).toEqual([{ a: 1 }]);
    }),
  );

  it("of a table that another writer makes meanwhile must be the same", () =>
    withLake({}, async ({ rows, load }) => {
      const other = async () => void (await load("t", "select 'text' as a"));
      await expect(load("t", "select 1 as a", { atPermit: other })).rejects.toMatchObject({ code: "schema_mismatch" });
      const same = async () => void (await load("t", "select 'more' as a"));
      await load("t", "select 'third' as a", { atPermit: same });
      expect(await rows("select count(*)::int as n from lake.t")).toEqual([{ n: 3 }]);
    }));
});
