import { existsSync } from "node:fs";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { describe, expect, it, vi } from "vitest";
import { sqlite } from "../../../../src/adapters/sqlite/sqlite-connection.js";
import { readColumn, readSource, sourceOf } from "../../../support/read-source.js";
import { sqliteFile } from "../../../support/sqlite-file.js";

const NEVER_ABORTED = new AbortController().signal;

function numbers(count: number): string {
  return `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count}) select i from n`;
}

describe("the tables that can be read", () => {
  it("are found by exactly their name: tables, views, tables without rowid, virtual ones, with odd names", async () => {
    await using file = await sqliteFile(`
      create table "a.b ""c"" ''d'" ("x ""y""" integer, "select" text); insert into "a.b ""c"" ''d'" values (1, 'a');
      create table plain (i integer, doubled integer generated always as (2 * i), kept generated always as (i + 1) stored);
      insert into plain values (5);
      create table "rowid" (rowid text, oid text, _rowid_ text); insert into "rowid" values ('a', 'b', 'c');
      create view seen as select i, i + 1 as more, cast(i as text) as t from plain;
      create virtual table words using fts5(word); insert into words values ('hello');
      create table none (i integer) strict`);
    expect(await readSource(sourceOf(file.connection, `a.b "c" ''d'`))).toEqual([{ 'x "y"': 1n, select: "a" }]);
    expect(await readSource(sourceOf(file.connection, "plain"))).toEqual([{ i: 5n, doubled: 10n, kept: "6" }]);
    expect(await readSource(sourceOf(file.connection, "rowid"))).toEqual([{ rowid: "a", oid: "b", _rowid_: "c" }]);
    expect(await readSource(sourceOf(file.connection, "seen"))).toEqual([{ i: 5n, more: "6", t: "5" }]);
    expect(await readSource(sourceOf(file.connection, "words"))).toEqual([{ word: "hello" }]);
    expect(await readSource(sourceOf(file.connection, "none"))).toEqual([]);
    expect(await sourceOf(file.connection, "Plain").schema(NEVER_ABORTED)).toBeNull();
    for (const name of ["", "main.plain", "temp.t", "sqlite_schema", "_millrace_commits", "a\0b"]) {
      expect(file.connection.source?.(name)).toBeUndefined();
    }
    expect((await sourceOf(file.connection, "plain").schema(NEVER_ABORTED))?.columns).toMatchObject([
      { name: "i", nullable: true },
      { name: "doubled", generated: true },
      { name: "kept", generated: true },
    ]);
  });

  it("may have more columns than a function of SQLite takes", async () => {
    const names = Array.from({ length: 1_900 }, (_, index) => `c${index}`);
    await using file = await sqliteFile(
      `create table t (${names.map((name) => `${name} integer`).join(", ")});
       insert into t values (${names.map((_, index) => index).join(", ")}), (${names.map(() => "null").join(", ")})`,
    );
    const rows = await readSource(sourceOf(file.connection, "t"));
    expect(Object.values(rows[0]!)).toEqual(names.map((_, index) => BigInt(index)));
    expect(new Set(Object.values(rows[1]!))).toEqual(new Set([null]));
  });

  it("give only the columns that are wanted, in their order, and say which are not there", async () => {
    await using file = await sqliteFile("create table t (a integer, b text); insert into t values (1, 'x')");
    const source = sourceOf(file.connection, "t");
    const asked = async (columns: string[]): Promise<void> => {
      for await (const batch of source.scan!({ columns, signal: NEVER_ABORTED }))
        expect(batch.schema.names).toEqual(columns);
    };
    await asked(["b", "a"]);
    await expect(asked(["b", "c", "d"])).rejects.toMatchObject({ code: "query_failed", columns: ["c", "d"] });
  });

  it("come in batches of which each is small, however many rows there are", async () => {
    await using file = await sqliteFile(`create table t as ${numbers(50_000)}`);
    const rows: number[] = [];
    for await (const batch of sourceOf(file.connection, "t").scan!({ columns: ["i"], signal: NEVER_ABORTED }))
      rows.push(batch.numRows);
    expect(rows).toEqual([8192, 8192, 8192, 8192, 8192, 8192, 848]);
  });
});

describe("one moment of a file", () => {
  it("is what all scans of a snapshot see, while another connection commits: in WAL mode", async () => {
    await using file = await sqliteFile(
      "pragma journal_mode = wal; create table a (i integer); create table b (i integer); insert into a values (1); insert into b values (1)",
    );
    const snapshot = await file.connection.snapshot!(["a", "b"], NEVER_ABORTED);
    const seen = async (table: string): Promise<unknown[]> => {
      const rows: unknown[] = [];
      for await (const batch of snapshot.scan(table, { columns: ["i"], signal: NEVER_ABORTED }))
        rows.push(...batch.toArray().map((row) => row["i"] as unknown));
      return rows;
    };
    expect(await seen("a")).toEqual([1n]);
    file.open().exec("begin; insert into a values (2); insert into b values (2); commit");
    expect(await seen("b")).toEqual([1n]);
    expect(await seen("a")).toEqual([1n]);
    await snapshot.close();
    await snapshot.close();
    expect(await readColumn(sourceOf(file.connection, "b"), "i")).toEqual([1n, 2n]);
  });

  it("makes a writer wait until it is let go of: in the default mode", async () => {
    await using file = await sqliteFile("create table t (i integer)");
    const snapshot = await file.connection.snapshot!(["t"], NEVER_ABORTED);
    const insert = (): unknown => file.open().exec("insert into t values (1)");
    expect(insert).toThrow("database is locked");
    await snapshot.close();
    insert();
  });

  it("survives a scan that is left early, and one that failed", async () => {
    await using file = await sqliteFile(
      `create table many as ${numbers(100_000)}; create table bad (i integer); insert into bad values ('x')`,
    );
    const snapshot = await file.connection.snapshot!(["many", "bad"], NEVER_ABORTED);
    const request = { columns: ["i"], signal: NEVER_ABORTED };
    for await (const batch of snapshot.scan("many", request)) {
      expect(batch.numRows).toBe(8192);
      break;
    }
    await expect(snapshot.scan("bad", request)[Symbol.asyncIterator]().next()).rejects.toThrow("rowid 1");
    let rows = 0;
    for await (const batch of snapshot.scan("many", request)) rows += batch.numRows;
    expect(rows).toBe(100_000);
    await snapshot.close();
  });
});

describe("a scan that is stopped", () => {
  it.each([
    ["between batches", "many", undefined],
    ["while a search finds nothing", "forever", { kind: "compare", column: "i", operator: "=", value: minusOne() }],
  ] as const)("ends with the signal's reason at once, and lets go of the file: %s", async (_name, table, filter) => {
    await using file = await sqliteFile(
      `create table many as ${numbers(100_000)};
       create view forever as select cast(a.i + b.i as integer) as i from many a, many b`,
    );
    const controller = new AbortController();
    const reason = new Error("cancelled");
    const request = { columns: ["i"], signal: controller.signal, ...(filter && { filters: [filter] }) };
    const batches = sourceOf(file.connection, table).scan!(request)[Symbol.asyncIterator]();
    const first = batches.next();
    if (filter === undefined) await first;
    else await file.connection.check(NEVER_ABORTED);
    const next = filter === undefined ? batches.next() : first;
    if (filter === undefined) await next;
    const started = performance.now();
    const rejected = expect(filter === undefined ? untilEnd(batches) : next).rejects.toBe(reason);
    controller.abort(reason);
    await rejected;
    expect(performance.now() - started).toBeLessThan(500);
    await file.connection.close();
    file.open().exec("insert into many values (0)");
  });

  it("does not begin when the signal is aborted already", async () => {
    await using file = await sqliteFile("create table t (i integer)");
    const reason = new Error("cancelled");
    const source = sourceOf(file.connection, "t");
    await expect(source.schema(AbortSignal.abort(reason))).rejects.toBe(reason);
    await expect(file.connection.snapshot!(["t"], AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

function minusOne() {
  return { type: { kind: "integer", bits: 64, signed: true }, value: -1 } as const;
}

async function untilEnd(batches: AsyncIterator<unknown>): Promise<void> {
  while ((await batches.next()).done !== true);
}

it("holds the thread back while nobody takes its batches", async () => {
  await using file = await sqliteFile(`create table t as ${numbers(200_000)}`);
  const posted = vi.spyOn(Worker.prototype, "emit");
  const batches = sourceOf(file.connection, "t").scan!({ columns: ["i"], signal: NEVER_ABORTED })[
    Symbol.asyncIterator
  ]();
  await batches.next();
  // Another thread's whole answer is the time that the first one would have had.
  await file.connection.check(NEVER_ABORTED);
  expect(posted.mock.calls.filter(([event, message]) => event === "message" && isRows(message)).length).toBeLessThan(6);
  posted.mockRestore();
  await batches.return!();
});

function isRows(message: unknown): boolean {
  return typeof message === "object" && message !== null && "rows" in message;
}

describe("a file that cannot be read", () => {
  const refused = { code: "connection_unavailable", retryable: false };

  it("is not there, is no database, or is damaged", async () => {
    await using file = await sqliteFile(`create table t as ${numbers(50_000)}`);
    const gone = sqlite(join(file.folder, "gone.db"));
    await expect(sourceOf(gone, "t").schema(NEVER_ABORTED)).rejects.toMatchObject(refused);
    await expect(gone.snapshot!(["t"], NEVER_ABORTED)).rejects.toMatchObject(refused);
    expect(existsSync(join(file.folder, "gone.db"))).toBe(false);
    const mayBeMade = sqlite(join(file.folder, "gone.db"), { access: "read_write" });
    expect(await sourceOf(mayBeMade, "t").schema(NEVER_ABORTED)).toBeNull();
    await writeFile(join(file.folder, "text.db"), "this is no database ".repeat(100));
    const text = sqlite(join(file.folder, "text.db"));
    await expect(sourceOf(text, "t").schema(NEVER_ABORTED)).rejects.toMatchObject(refused);
    await truncate(file.path, 100_000);
    await expect(readSource(sourceOf(file.connection, "t"))).rejects.toMatchObject(refused);
    await Promise.all([gone, text, mayBeMade].map((connection) => connection.close()));
  });

  it("is locked by a writer who locks out readers: after a time, or when stopped", async () => {
    await using file = await sqliteFile("create table t (i integer)");
    const writer = file.open();
    writer.exec("pragma locking_mode = exclusive; begin exclusive");
    const controller = new AbortController();
    const stopped = expect(file.connection.snapshot!(["t"], controller.signal)).rejects.toThrow("cancelled");
    // The time that a look at a file takes.
    await using other = await sqliteFile("create table t (i integer)");
    await other.connection.check(NEVER_ABORTED);
    controller.abort(new Error("cancelled"));
    await stopped;
    await expect(file.connection.snapshot!(["t"], NEVER_ABORTED)).rejects.toMatchObject({
      ...refused,
      retryable: true,
    });
    writer.close();
    expect(await readSource(sourceOf(file.connection, "t"))).toEqual([]);
  }, 20_000);

  it("has lost the table since it was planned, or a view has lost its table", async () => {
    await using file = await sqliteFile("create table t (i integer); create view v as select i from t; drop table t");
    const scan = (table: string) =>
      sourceOf(file.connection, table).scan!({ columns: ["i"], signal: NEVER_ABORTED })
        [Symbol.asyncIterator]()
        .next();
    await expect(scan("t")).rejects.toMatchObject({ code: "query_failed", table: "t" });
    await expect(scan("v")).rejects.toMatchObject({
      code: "query_failed",
      message: expect.stringContaining("no such table: main.t") as string,
    });
  });
});

it("takes the end of its thread for an error, not for the end of the rows", async () => {
  await using file = await sqliteFile(`create table t as ${numbers(200_000)}`);
  const threads = new Set<Worker>();
  const posted = vi.spyOn(Worker.prototype, "postMessage").mockImplementation(function (this: Worker, ...sent) {
    threads.add(this);
    posted.mockRestore();
    return this.postMessage(...sent);
  });
  const batches = sourceOf(file.connection, "t").scan!({ columns: ["i"], signal: NEVER_ABORTED })[
    Symbol.asyncIterator
  ]();
  await batches.next();
  await Promise.all([...threads].map((thread) => thread.terminate()));
  await expect(untilEnd(batches)).rejects.toMatchObject({
    code: "query_failed",
    message: "The thread that works on the SQLite file ended before it was done.",
  });
});
