import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describePostgres } from "../../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../../support/postgres-server.js";
import { reader } from "../destination/loads.js";
import { answerRelay, inPieces, replacing } from "./answer-relay.js";
import { NEVER_ABORTED, query, readOnly, scanned, sourceOf, values } from "./reads.js";

describePostgres("a Postgres source", () => {
  let server: PostgresServer;
  let url: string;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
    url = await server.createDatabase();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const run = async (text: string): Promise<void> => {
    await using own = await reader(url);
    await own.client.query(text);
  };

  describe("the tables that it finds", () => {
    it.each([
      ["plain", "plain", "create table plain as select 1 as a"],
      ["with a schema", "sales.orders", "create schema sales; create table sales.orders as select 1 as a"],
      [
        "with quotes, spaces and letters of any kind",
        `Od"d 'naïve' 漢`,
        `create table "Od""d 'naïve' 漢" as select 1 as a`,
      ],
      ["a view", "seen", "create view seen as select 1 as a"],
      ["a materialized view", "made", "create materialized view made as select 1 as a"],
      [
        "a partitioned table",
        "parts",
        `create table parts (a integer) partition by list (a);
         create table parts_1 partition of parts for values in (1);
         create table parts_2 partition of parts default; insert into parts values (1)`,
      ],
      [
        "a table with children",
        "parent",
        "create table parent (a integer); create table child () inherits (parent); insert into child values (1)",
      ],
    ])("%s", async (_, name, make) => {
      await run(make);
      await using crm = readOnly(url);
      expect(await values(crm, name, { columns: ["a"] })).toEqual([1]);
    });

    it("a column of any name", async () => {
      const name = `a"b'c \\ 漢 {x}`;
      await run(
        `create table columns ("a""b'c \\ 漢 {x}" integer, "A" integer, a integer); insert into columns values (1, 2, 3)`,
      );
      await using crm = readOnly(url);
      expect(await values(crm, "columns", { columns: [name, "A", "a"] })).toEqual([1]);
      expect(await values(crm, "columns", { columns: ["A", name] })).toEqual([2]);
      expect(
        await values(crm, "columns", { columns: ["a"], filters: [{ kind: "is_not_null", column: name }] }),
      ).toEqual([3]);
    });

    it("in the schema that the connection names", async () => {
      await run("create schema other; create table other.here as select 5 as a");
      await using crm = readOnly(url, { schema: "other" });
      expect(await values(crm, "here", { columns: ["a"] })).toEqual([5]);
    });

    it("by no other spelling, and nothing that gives no rows", async () => {
      await run(
        'create table "Upper" (a integer); create sequence counter; create table indexed (a integer primary key)',
      );
      await using crm = readOnly(url);
      for (const name of ["upper", "UPPER", "nowhere", "nowhere.upper", "counter", "indexed_pkey"]) {
        expect(await sourceOf(crm, name).schema(NEVER_ABORTED)).toBeNull();
        await expect(scanned(crm, name, { columns: ["a"] })).rejects.toMatchObject({
          code: "query_failed",
          table: name,
        });
      }
      for (const name of ["", "x".repeat(64), "_millrace_commits", "pg_catalog.pg_class"]) {
        expect(crm.source!(name)).toBeUndefined();
      }
    });
  });

  it("gives no batch for a table without rows", async () => {
    await run("create table bare (a integer, b text)");
    await using crm = readOnly(url);
    expect(await scanned(crm, "bare", { columns: ["a", "b"] })).toEqual([]);
    expect(await query(crm, "select count(*) as n from crm.bare")).toEqual([{ n: 0n }]);
  });

  it("leaves dropped columns out", async () => {
    await run(
      "create table dropped (a integer, b text, c integer); insert into dropped values (1, 'x', 3); alter table dropped drop column b",
    );
    await using crm = readOnly(url);
    expect((await sourceOf(crm, "dropped").schema(NEVER_ABORTED))!.columns.map(({ name }) => name)).toEqual(["a", "c"]);
    expect(await query(crm, "from crm.dropped")).toEqual([{ a: 1, c: 3 }]);
    await expect(scanned(crm, "dropped", { columns: ["a", "b"] })).rejects.toMatchObject({
      code: "query_failed",
      columns: ["b"],
    });
  });

  it("reads generated columns, and tables with no column at all", async () => {
    await run(
      "create table made_up (a integer, b integer generated always as (2 * a) stored); insert into made_up values (4); create table columnless ()",
    );
    await using crm = readOnly(url);
    expect(await query(crm, "from crm.made_up")).toEqual([{ a: 4, b: 8 }]);
    expect(await sourceOf(crm, "columnless").schema(NEVER_ABORTED)).toEqual({ columns: [] });
  });

  it("reads 1,600 columns", async () => {
    const names = Array.from({ length: 1_600 }, (_, index) => `c${index}`);
    await run(`create table broad (${names.map((name) => `${name} smallint`).join(", ")})`);
    await run(
      `insert into broad select ${names.map((_, index) => `${index} + n`).join(", ")} from generate_series(1, 300) n`,
    );
    await using crm = readOnly(url);
    const batches = await scanned(crm, "broad", { columns: names });
    expect(batches.reduce((sum, batch) => sum + batch.numRows, 0)).toBe(300);
    expect(batches[0]!.getChild("c1599")!.get(0)).toBe(1_600);
    expect(batches[0]!.data.byteLength).toBeLessThan(2 ** 21);
  });

  it("reads rows of any size, and many of them", async () => {
    await run(`create table sizes as select n, repeat(chr(97 + n % 26), case when n % 1000 = 0 then 3000000 else n % 50 end) as text
      from generate_series(1, 20000) n`);
    await using crm = readOnly(url);
    const batches = await scanned(crm, "sizes", { columns: ["text", "n"] });
    let n = 0;
    for (const batch of batches) {
      expect(batch.numRows).toBeLessThanOrEqual(2_048 + 1_024);
      for (const row of batch) {
        n += 1;
        expect(row["n"]).toBe(n);
        const text = row["text"] as string;
        if (text !== String.fromCharCode(97 + (n % 26)).repeat(n % 1_000 === 0 ? 3_000_000 : n % 50))
          expect.fail(`row ${n}`);
      }
    }
    expect(n).toBe(20_000);
  });

  it("asks for the wanted columns only, in their order, with filters and a limit", async () => {
    await run(
      "create table wanted as select n as id, 'name ' || n as name, n % 7 as rest from generate_series(1, 100) n",
    );
    await using crm = readOnly(url);
    const BIGINT = { kind: "integer", bits: 64, signed: true } as const;
    const wanted = {
      columns: ["name", "id"],
      filters: [{ kind: "compare", column: "rest", operator: ">=", value: { type: BIGINT, value: 5 } }],
      limit: 3,
    } as const;
    expect(await sourceOf(crm, "wanted").explain(wanted, NEVER_ABORTED)).toBe(
      `copy (select "name", "id" from public.wanted where "rest" >= '5'::pg_catalog.int8 limit 3) to stdout (format binary)`,
    );
    expect(await values(crm, "wanted", wanted)).toEqual(["name 5", "name 6", "name 12"]);
    // A limit on rows that a filter which is not passed on would leave out.
    const filters = [
      ...wanted.filters,
      { kind: "compare", column: "name", operator: "=", value: { type: { kind: "json" }, value: "1" } },
    ] as const;
    expect(await sourceOf(crm, "wanted").explain({ ...wanted, filters }, NEVER_ABORTED)).not.toContain("limit");
  });

  it("holds the server back when its rows are taken slowly", async () => {
    await run("create table heavy as select n, repeat('x', 1000) as text from generate_series(1, 200000) n");
    await using crm = readOnly(url);
    await using own = await reader(url);
    const before = process.memoryUsage();
    const rows = sourceOf(crm, "heavy")
      .scan({ columns: ["text"], signal: NEVER_ABORTED })
      [Symbol.asyncIterator]();
    await rows.next();
    // The server has come to a stop when it waits for its client, and goes on waiting.
    for (let waiting = 0; waiting < 100;) {
      const waits = await own.values(
        "select wait_event from pg_stat_activity where query like 'copy%heavy%' and application_name = 'millrace'",
      );
      waiting = waits[0] === "ClientWrite" ? waiting + 1 : 0;
    }
    const { arrayBuffers } = process.memoryUsage();
    expect(arrayBuffers - before.arrayBuffers).toBeLessThan(32 * 2 ** 20);
    await rows.return!();
  });

  it("puts rows together whose bytes come in pieces", async () => {
    await run("create table pieces as select n, repeat('é', n % 40) as text from generate_series(1, 200) n");
    await using relay = await answerRelay(url, inPieces);
    await using crm = readOnly(relay.url);
    const batches = await scanned(crm, "pieces", { columns: ["n", "text"] });
    expect(batches.flatMap((batch) => batch.toArray().map((row) => [row["n"], row["text"]] as const))).toEqual(
      Array.from({ length: 200 }, (_, index) => [index + 1, "é".repeat((index + 1) % 40)]),
    );
    // The connection serves on.
    expect(await values(crm, "pieces", { columns: ["n"], limit: 1 })).toEqual([1]);
  });

  describe("takes no end for the end that is not proven", () => {
    const TRAILER = Buffer.from([0x64, 0, 0, 0, 6, 0xff, 0xff]);
    const DONE = Buffer.from([0x63, 0, 0, 0, 4]);
    const NOTHING = Buffer.alloc(0);

    it.each([
      ["nothing is changed", NOTHING, NOTHING, null],
      ["the mark behind the last row is missing", TRAILER, NOTHING, "stream_incomplete"],
      ["the server does not say that the copy is done", DONE, NOTHING, "stream_incomplete"],
      [
        "the server counts another number of rows",
        Buffer.from("COPY 100\0"),
        Buffer.from("COPY 101\0"),
        "stream_incomplete",
      ],
      ["a row is missing", row(50), NOTHING, "stream_incomplete"],
    ])("%s", async (_, bytes, other, code) => {
      await run("create table if not exists hundred as select n from generate_series(1, 100) n");
      await using relay = await answerRelay(url, bytes.length === 0 ? (answer) => [answer] : replacing(bytes, other));
      await using crm = readOnly(relay.url);
      const scan = scanned(crm, "hundred", { columns: ["n"] });
      if (code === null) expect((await scan).map(({ numRows }) => numRows)).toEqual([100]);
      else await expect(scan).rejects.toMatchObject({ code, retryable: true, table: "hundred" });
    });

    /** The message with one row of one integer. */
    function row(value: number): Buffer {
      return Buffer.from([0x64, 0, 0, 0, 14, 0, 1, 0, 0, 0, 4, 0, 0, 0, value]);
    }
  });
});
