import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BEGIN } from "../../../src/adapters/duckdb/engine-connection.js";
import { csv, duckdb, parquet } from "../../../src/adapters/duckdb/entry.js";
import { FileLock } from "../../../src/adapters/file-lock/file-lock.js";
import { isJobError } from "../../../src/model/job-error.js";
import type { EngineTarget, EngineWriter } from "../../../src/ports/engine-target.js";
import type { EngineQuery } from "../../../src/ports/query-engine.js";
import { sqlInDuckDBFile } from "../../support/duckdb-file.js";
import { inFolder, LATE, within } from "./engine-under-test.js";
import { NEVER_ABORTED, type OpenEngine, query, withEngine } from "./engine-session.js";

const HANDS_OVER = { path: "", signal: NEVER_ABORTED };

/** Lets the engine write a query, by what a target does with its hand. */
async function into<T>(
  { engine }: OpenEngine,
  text: string | EngineQuery,
  write: (writer: EngineWriter) => Promise<T>,
  { path, signal } = HANDS_OVER,
): Promise<T> {
  const stream = await engine.stream(typeof text === "string" ? query(text) : text, { signal, unstarted: true });
  const target: EngineTarget<T> = { dialect: "duckdb", ...(path !== "" && { attach: { path } }), write };
  try {
    if (stream.into === undefined) throw new Error("there is no third door");
    return await stream.into(target);
  } finally {
    await stream.close();
  }
}

const toTable = (writer: EngineWriter) => writer.writeRows(`create table ${writer.catalog}.t as`, "");

async function failureOf(work: Promise<unknown>): Promise<{ code: string; message: string; retryable: boolean }> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isJobError(error)) throw new Error(`not a JobError: ${String(error)}`);
  return error;
}

describe("the engine writes a query's rows by itself", () => {
  it("with its values bound, and counts them", () =>
    inFolder((folder) => {
      const path = join(folder, "out.duckdb");
      const text = query("select {text} as t, i from range({n}) r(i)", {
        text: { type: { kind: "text" }, value: "it's; drop table t --" },
        n: { type: { kind: "integer", bits: 64, signed: true }, value: "3" },
      });
      return withEngine({ out: duckdb(path, { access: "read_write" }) }, async (engine) => {
        const written = await into(engine, text, toTable, { ...HANDS_OVER, path });
        expect(written.rows).toBe(3);
        expect(await engine.rows("select distinct t from out.t")).toEqual([{ t: "it's; drop table t --" }]);
      });
    }));

  it.each(["values (1), (2)", "from range(2) r(i)", "select 1 as i union all select 2 -- a comment", "select 1 a;"])(
    "whatever form it has: %s",
    (text) =>
      withEngine({}, async (engine) => {
        const written = await into(engine, text, (writer) => writer.writeRows("create temp table t as", ""));
        expect(written.rows).toBeGreaterThan(0);
      }),
  );

  it("with what a copy returns", () =>
    inFolder((folder) => {
      const files = csv(`${folder}/*.csv`);
      return withEngine({ files }, async (engine) => {
        const path = join(folder, "x.csv");
        const copy = (writer: EngineWriter) => writer.writeRows("copy", `to '${path}' (format csv, return_files)`);
        // The folder is one that the query may read, so that it may be written (law 13).
        const { rows, result } = await into(engine, "select i from range(10) r(i)", copy).catch(() => ({
          rows: -1,
          result: [],
        }));
        expect(rows === -1 ? existsSync(path) : result).toEqual(rows === -1 ? false : [{ Count: "10", Files: [path] }]);
      });
    }));

  it("and has not begun before that", () =>
    withEngine({}, async ({ engine }) => {
      const stream = await engine.stream(query("select error('it ran')::int as x"), {
        signal: NEVER_ABORTED,
        unstarted: true,
      });
      await stream.close();
    }));

  it("but not where the rows are limited", () =>
    withEngine({}, async ({ engine }) => {
      const stream = await engine.stream(query("select 1 as i"), { signal: NEVER_ABORTED, limit: 1, unstarted: true });
      expect(stream.into).toBeUndefined();
      await stream.close();
    }));

  it("once: not twice, and not after an iteration", () =>
    withEngine({}, async ({ engine }) => {
      const stream = await engine.stream(query("select 1 as i"), { signal: NEVER_ABORTED, unstarted: true });
      const target: EngineTarget<null> = { dialect: "duckdb", write: () => Promise.resolve(null) };
      expect(await stream.into?.(target)).toBeNull();
      await expect(stream.into?.(target)).rejects.toThrow(/second time/);
      expect(() => stream[Symbol.asyncIterator]()).toThrow(/second time/);
    }));
});

describe("what goes wrong while the engine writes", () => {
  it("a query that fails midway is told as from an iteration, and nothing stays", () =>
    inFolder((folder) => {
      const path = join(folder, "out.duckdb");
      return withEngine({ out: duckdb(path, { access: "read_write" }) }, async (engine) => {
        const failing =
          "select case when i = 900000 then error('row 900,000') else i end as n\nfrom range(1000000) r(i)";
        const write = async (writer: EngineWriter) => {
          await writer.execute(BEGIN);
          await toTable(writer);
          await writer.execute("commit");
        };
        const error = await failureOf(into(engine, failing, write, { ...HANDS_OVER, path }));
        expect(error).toMatchObject({
          code: "query_failed",
          message: expect.stringContaining("row 900,000") as string,
        });
        await expect(engine.rows("select * from out.t")).rejects.toThrow();
        // The connection and the file serve the next one.
        expect(await into(engine, "select 1 as n", toTable, { ...HANDS_OVER, path })).toMatchObject({ rows: 1 });
      });
    }));

  it("a value that a file's column cannot hold is named with its place", () =>
    inFolder(async (folder) => {
      const { writeFile } = await import("node:fs/promises");
      await writeFile(join(folder, "a.csv"), "n\n1\n2\n7.9\n");
      const a = csv(join(folder, "a.csv"), { columns: { n: "INTEGER" } });
      await withEngine({ a }, async (engine) => {
        const toTemp = (writer: EngineWriter) => writer.writeRows("create temp table t as", "");
        const error = await failureOf(into(engine, "select n from a", toTemp));
        expect(error).toMatchObject({ code: "query_failed", message: expect.stringContaining("row 3") as string });
      });
    }));

  it("a query whose file was replaced since it was planned is refused: its rows would be cast, or change places", () =>
    inFolder((folder) => {
      const from = join(folder, "a.parquet");
      const path = join(folder, "out.duckdb");
      return withEngine({ a: parquet(from), out: duckdb(path, { access: "read_write" }) }, async ({ engine }) => {
        await sqlInDuckDBFile(path, `create table t (i integer, j integer); copy (select 1 as i, 2 as j) to '${from}'`);
        for (const replacement of ["7 as j, 8 as i", "7.9::double as i, 8 as j"]) {
          const stream = await engine.stream(query("select * from a"), { signal: NEVER_ABORTED, unstarted: true });
          await sqlInDuckDBFile(path, `copy (select ${replacement}) to '${from}'`);
          const write = (writer: EngineWriter) => writer.writeRows(`insert into ${writer.catalog}.t (i, j)`, "");
          const written = stream.into?.({ dialect: "duckdb", attach: { path }, write });
          expect(await failureOf(Promise.resolve(written))).toMatchObject({ code: "query_failed", retryable: true });
          await sqlInDuckDBFile(path, `copy (select 1 as i, 2 as j) to '${from}'`);
        }
        expect(await sqlInDuckDBFile(path, "from t")).toEqual([]);
      });
    }));

  it("an abort while the file is waited for has the signal's reason", () =>
    inFolder((folder) => {
      const path = join(folder, "out.duckdb");
      return withEngine({ out: duckdb(path, { access: "read_write" }) }, async ({ engine }) => {
        const lock = await FileLock.acquire(`${path}.lock`, { signal: NEVER_ABORTED, waitMs: 0 });
        const controller = new AbortController();
        const stream = await engine.stream(query("select 1 as n"), { signal: controller.signal, unstarted: true });
        const writing = stream.into?.({ dialect: "duckdb", attach: { path }, write: toTable });
        const reason = new Error("cancelled");
        controller.abort(reason);
        await expect(writing).rejects.toBe(reason);
        lock?.release();
      });
    }));

  it("what the target leaves open is rolled back, and what it throws is passed on", () =>
    inFolder((folder) => {
      const path = join(folder, "out.duckdb");
      return withEngine({ out: duckdb(path, { access: "read_write" }) }, async (engine) => {
        const refusal = new Error("the permit was refused");
        const write = async (writer: EngineWriter) => {
          await writer.execute(BEGIN);
          await toTable(writer);
          throw refusal;
        };
        await expect(into(engine, "select 1 as n", write, { ...HANDS_OVER, path })).rejects.toBe(refusal);
        await expect(engine.rows("select * from out.t")).rejects.toThrow(/out\.t|exist/);
      });
    }));

  it.each([
    ["writes", "select a.i from range(100000000) a(i)"],
    ["computes", "select sum(hash(a.i * b.i)) as n from range(10000000) as a(i), range(10000000) as b(i)"],
  ])("an abort reaches a statement that %s within 50 ms, with the signal's reason", (_, text) =>
    inFolder((folder) => {
      const path = join(folder, "out.duckdb");
      return withEngine({ out: duckdb(path, { access: "read_write" }) }, async (engine) => {
        const delays: number[] = [];
        // A busy machine only adds to a delay: the shortest of several is the engine's own.
        for (let round = 0; round < 5; round += 1) {
          const controller = new AbortController();
          const reason = new Error("cancelled");
          let begun = (): void => undefined;
          const started = new Promise<void>((resolve) => (begun = resolve));
          const write = async (writer: EngineWriter) => {
            await writer.execute(BEGIN);
            const rows = toTable(writer);
            begun();
            await rows;
          };
          const writing = into(engine, text, write, { path, signal: controller.signal });
          writing.catch(() => undefined);
          await started;
          // Long enough for DuckDB's threads to be in the middle of it.
          for (let turn = 0; turn < 1_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
          controller.abort(reason);
          const from = performance.now();
          expect(
            await within(
              5_000,
              writing.catch((error: unknown) => error),
            ),
          ).toBe(reason);
          delays.push(performance.now() - from);
        }
        expect(Math.min(...delays)).toBeLessThan(50);
        expect((await readdir(folder)).filter((name) => !name.startsWith("out.duckdb"))).toEqual([]);
        expect(await into(engine, "select 1 as n", toTable, { ...HANDS_OVER, path })).toMatchObject({ rows: 1 });
      });
    }),
  );

  it("an engine that closes ends what it writes", () =>
    inFolder(async (folder) => {
      const path = join(folder, "out.duckdb");
      let writing: Promise<unknown> = Promise.resolve();
      const closed = withEngine({ out: duckdb(path, { access: "read_write" }) }, async (engine) => {
        let begun = (): void => undefined;
        const started = new Promise<void>((resolve) => (begun = resolve));
        const write = async (writer: EngineWriter) => {
          const rows = toTable(writer);
          begun();
          await rows;
        };
        writing = into(engine, "select i from range(1000000000) r(i)", write, { ...HANDS_OVER, path });
        writing.catch(() => undefined);
        await started;
      });
      expect(await within(5_000, closed)).not.toBe(LATE);
      expect(await failureOf(writing)).toMatchObject({ code: "query_failed" });
    }));

  it("a file that no connection names is not opened (law 13)", () =>
    inFolder((folder) =>
      withEngine({ out: duckdb(join(folder, "out.duckdb"), { access: "read_write" }) }, async (engine) => {
        const path = join(folder, "other.duckdb");
        const error = await failureOf(into(engine, "select 1 as n", toTable, { ...HANDS_OVER, path }));
        expect(error).toMatchObject({ code: "connection_unavailable", retryable: false });
        expect(existsSync(path)).toBe(false);
        const copy = (writer: EngineWriter) => writer.writeRows("copy", `to '${folder}/x.csv'`);
        expect(await failureOf(into(engine, "select 1 as n", copy))).toMatchObject({ code: "query_failed" });
        expect(existsSync(join(folder, "x.csv"))).toBe(false);
      }),
    ));

  it("as many writes as libuv has threads leave the host its file calls, and other queries theirs (law 8)", () =>
    withEngine({}, async (engine) => {
      const stops: AbortController[] = [];
      const hours = "select a.i from range(10000000) a(i), range(10000000) b(i) where hash(a.i * b.i) = 1";
      const toTemp = (writer: EngineWriter) => writer.writeRows("create temp table t as", "");
      const ended: string[] = [];
      const writes = Array.from({ length: 6 }, async () => {
        const stop = new AbortController();
        stops.push(stop);
        await into(engine, hours, toTemp, { path: "", signal: stop.signal }).catch(() => undefined);
        ended.push("write");
      });
      for (let turn = 0; turn < 1_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      const looks = await within(10_000, Promise.all(Array.from({ length: 20 }, () => stat("."))));
      expect(looks).not.toBe(LATE);
      expect(await within(10_000, engine.rows("select 1 as n"))).toEqual([{ n: 1 }]);
      expect(ended).toEqual([]);
      for (const stop of stops) stop.abort(new Error("enough"));
      await Promise.all(writes);
    }));

  it("a statement that gives no rows where a query should be written is a defect that is told", () =>
    withEngine({}, async (engine) => {
      const read = (writer: EngineWriter) => writer.writeRows("select * from", "");
      expect(await failureOf(into(engine, "select 1 as i", read))).toMatchObject({ code: "internal_error" });
    }));
});
