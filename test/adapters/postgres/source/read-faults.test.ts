import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgres } from "../../../../src/adapters/postgres/postgres.js";
import { describePostgres } from "../../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../../support/postgres-server.js";
import { reader } from "../destination/loads.js";
import { tcpRelay } from "../tcp-relay.js";
import { NEVER_ABORTED, query, readOnly, scanned, sourceOf, values } from "./reads.js";

const ALL = { columns: ["n", "text"] };

describePostgres("what goes wrong with a Postgres source", () => {
  let server: PostgresServer;
  let url: string;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
    url = await server.createDatabase();
    await using own = await reader(url);
    await own.client.query(
      "create table big as select n, repeat('x', 500) as text from generate_series(1, 100000) n; create table small as select 1 as n, 'a' as text",
    );
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const urlWith = (part: Partial<URL>, base = url) => Object.assign(new URL(base), part).href;

  type Own = Awaited<ReturnType<typeof reader>>;
  const sessions = (own: Own, and = "true") =>
    own.values(
      `select pid from pg_stat_activity where datname = current_database() and application_name = 'millrace' and ${and}`,
    );
  /** Resolves when the server has a session of the tested connection that waits for a lock. */
  async function untilBlocked(own: Own): Promise<void> {
    while ((await sessions(own, "wait_event_type = 'Lock'")).length === 0);
  }
  async function untilAlone(own: Own): Promise<void> {
    while ((await sessions(own)).length > 0);
  }

  describe("a server that cannot be reached", () => {
    const secret = "p@ss w/ord?#%";

    it.each([
      ["a wrong password", { username: "postgres", password: encodeURIComponent(secret) }, false],
      ["a database that is not there", { pathname: "/nowhere" }, false],
      ["a port where nothing listens", { port: "1", password: encodeURIComponent(secret) }, true],
      ["a host that is not there", { hostname: "host.invalid", password: encodeURIComponent(secret) }, undefined],
    ])("%s", async (_, part, retryable) => {
      await using crm = readOnly(urlWith(part));
      const source = sourceOf(crm, "small");
      const asked = [
        crm.check(NEVER_ABORTED),
        source.schema(NEVER_ABORTED),
        source.explain(ALL, NEVER_ABORTED),
        scanned(crm, "small", ALL),
        crm.snapshot!(["small"], NEVER_ABORTED),
        query(crm, "from crm.small"),
      ];
      for (const result of await Promise.allSettled(asked)) {
        const error: unknown = result.status === "rejected" ? result.reason : undefined;
        expect(error).toMatchObject({ code: "connection_unavailable", hint: expect.stringMatching(/./) as string });
        if (retryable !== undefined) expect(error).toMatchObject({ retryable });
        const said = JSON.stringify([error, (error as Error).message, (error as Error).stack]);
        for (const form of [secret, encodeURIComponent(secret), "p@ss"]) expect(said).not.toContain(form);
      }
    });

    it("a server that takes connections and says nothing", async () => {
      const silent = createServer((socket) => void socket.on("error", () => undefined)).listen(0, "127.0.0.1");
      await once(silent, "listening");
      const { port } = silent.address() as AddressInfo;
      const config = { host: "127.0.0.1", port, user: "u", password: "p@ss", connectionTimeoutMillis: 200 };
      const crm = postgres(config);
      await expect(scanned(crm, "small", ALL)).rejects.toMatchObject({
        code: "connection_unavailable",
        retryable: true,
      });
      await crm.close();
      silent.close();
    });

    it("a connection that has to be encrypted, to a server that does not", async () => {
      const crm = postgres({ connectionString: url, ssl: { rejectUnauthorized: true } });
      await expect(crm.check(NEVER_ABORTED)).rejects.toMatchObject({
        code: "connection_unavailable",
        message: expect.stringMatching(/SSL/) as string,
      });
      await crm.close();
    });
  });

  it.each([
    { precision: 39, scale: 0 },
    { precision: 5, scale: 6 },
    { precision: 0, scale: 0 },
    { precision: 5.5, scale: 1 },
  ])("an unbounded numeric cannot be %j", (unboundedNumeric) => {
    expect(() => postgres(url, { unboundedNumeric })).toThrow(
      expect.objectContaining({ code: "invalid_definition", field: "unboundedNumeric" }),
    );
  });

  it("a missing right names the table and says what is missing", async () => {
    await using own = await reader(url);
    await own.client.query(
      "drop role if exists visitor; create role visitor login password 'seen'; create schema closed; create table closed.t as select 1 as n, 'a' as text",
    );
    await using crm = readOnly(urlWith({ username: "visitor", password: "seen" }));
    for (const table of ["small", "closed.t"]) {
      await expect(scanned(crm, table, ALL)).rejects.toMatchObject({
        code: "query_failed",
        retryable: false,
        table,
        hint: expect.stringMatching(/may not read/) as string,
      });
    }
    await own.client.query("grant select (n) on small to visitor");
    expect(await values(crm, "small", { columns: ["n"] })).toEqual([1]);
    await expect(scanned(crm, "small", ALL)).rejects.toMatchObject({ code: "query_failed" });
  });

  it("a value that fails when it is read is the server's error", async () => {
    await using own = await reader(url);
    await own.client.query("create view failing as select n, (100 / (50000 - n))::text as text from big");
    await using crm = readOnly(url);
    await expect(query(crm, "from crm.failing")).rejects.toMatchObject({
      code: "query_failed",
      message: expect.stringMatching(/division by zero \(22012\)/) as string,
    });
    await expect(scanned(crm, "failing", ALL)).rejects.toMatchObject({ retryable: false, table: "failing" });
    await own.client.query(
      "create sequence ids; create view writing as select nextval('ids')::integer as n, 'a' as text",
    );
    await expect(scanned(crm, "writing", ALL)).rejects.toMatchObject({
      hint: expect.stringMatching(/read-only/) as string,
    });
    expect(await values(crm, "small", ALL)).toEqual([1]);
  });

  it("waits for a lock no longer than it is told", async () => {
    await using own = await reader(url);
    await own.client.query("begin; lock table small in access exclusive mode");
    await using crm = readOnly(url, { lockWaitMs: 50 });
    await expect(scanned(crm, "small", ALL)).rejects.toMatchObject({
      code: "query_failed",
      retryable: true,
      hint: expect.stringMatching(/lockWaitMs/) as string,
    });
    await own.client.query("rollback");
  });

  it("keeps to the server's statement_timeout", async () => {
    await using crm = readOnly(`${url}?options=-c%20statement_timeout%3D100`);
    await using own = await reader(url);
    await own.client.query("create or replace view slow as select 1 as n, pg_sleep(10)::text as text");
    await expect(scanned(crm, "slow", ALL)).rejects.toMatchObject({
      code: "query_failed",
      hint: expect.stringMatching(/statement_timeout/) as string,
    });
  });

  it("refuses a pool in which nothing can be copied", async () => {
    const pool = new pg.Pool({ connectionString: url, pipeline: true });
    const crm = postgres({ pool });
    await expect(scanned(crm, "small", ALL)).rejects.toMatchObject({ code: "invalid_definition", field: "pool" });
    await crm.close();
    await pool.end();
  });

  it("takes a pool of the host's, and gives its clients back", async () => {
    const pool = new pg.Pool({ connectionString: url, max: 1, application_name: "millrace" });
    const crm = postgres({ pool });
    expect(await scanned(crm, "big", ALL)).not.toEqual([]);
    expect(await query(crm, "from crm.small")).toEqual([{ n: 1, text: "a" }]);
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1]);
    const { rows } = await pool.query("show transaction_read_only");
    expect(rows).toEqual([{ transaction_read_only: "off" }]);
    await crm.close();
    await pool.end();
  });

  describe("in the middle of a scan", () => {
    it("a connection that breaks", async () => {
      await using relay = await tcpRelay(url);
      await using crm = readOnly(relay.url);
      const rows = sourceOf(crm, "big")
        .scan({ ...ALL, signal: NEVER_ABORTED })
        [Symbol.asyncIterator]();
      await rows.next();
      relay.cut();
      await expect(rest(rows)).rejects.toMatchObject({ code: "query_failed", retryable: true, table: "big" });
      expect(await values(crm, "small", ALL)).toEqual([1]);
    });

    it("a session that somebody ends", async () => {
      await using crm = readOnly(url);
      await using own = await reader(url);
      const rows = sourceOf(crm, "big")
        .scan({ ...ALL, signal: NEVER_ABORTED })
        [Symbol.asyncIterator]();
      await rows.next();
      await own.client.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'millrace' and query like 'copy%'",
      );
      await expect(rest(rows)).rejects.toMatchObject({ code: "query_failed", retryable: true });
      await own.client.query("select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'millrace'");
    });

    it("a server that is killed", async () => {
      await using crashing = await startPostgres({ fsync: false });
      if (!crashing.controlled) return;
      await using own = await reader(crashing.url);
      await own.client.query(
        "create table big as select n, repeat('x', 500) as text from generate_series(1, 100000) n",
      );
      await using crm = readOnly(crashing.url);
      const rows = sourceOf(crm, "big")
        .scan({ ...ALL, signal: NEVER_ABORTED })
        [Symbol.asyncIterator]();
      await rows.next();
      await crashing.kill();
      await expect(rest(rows)).rejects.toMatchObject({ code: "query_failed", retryable: true });
      await expect(crm.check(NEVER_ABORTED)).rejects.toMatchObject({ code: "connection_unavailable" });
    });

    it("a reader that leaves", async () => {
      await using own = await reader(url);
      const crm = readOnly(url);
      const rows = sourceOf(crm, "big").scan({ ...ALL, signal: NEVER_ABORTED });
      for await (const batch of rows) {
        expect(batch.numRows).toBeGreaterThan(0);
        break;
      }
      await crm.close();
      await untilAlone(own);
    });
  });

  describe("an abort", () => {
    const reason = new Error("enough");

    it("ends a scan within 50 ms, at the server too", async () => {
      const crm = readOnly(url);
      await using own = await reader(url);
      const stop = new AbortController();
      const rows = sourceOf(crm, "big")
        .scan({ ...ALL, signal: stop.signal })
        [Symbol.asyncIterator]();
      await rows.next();
      const started = performance.now();
      stop.abort(reason);
      await expect(rest(rows)).rejects.toBe(reason);
      expect(performance.now() - started).toBeLessThan(50);
      await crm.close();
      await untilAlone(own);
    });

    it("ends a scan that waits for a lock", async () => {
      const crm = readOnly(url);
      await using own = await reader(url);
      await using other = await reader(url);
      await own.client.query("begin; lock table small in access exclusive mode");
      const stop = new AbortController();
      const scan = scanned(crm, "small", ALL, stop.signal);
      scan.catch(() => undefined);
      await untilBlocked(other);
      const started = performance.now();
      stop.abort(reason);
      await expect(scan).rejects.toBe(reason);
      expect(performance.now() - started).toBeLessThan(50);
      await crm.close();
      // Although the lock is still held.
      expect(await sessions(other, "wait_event_type = 'Lock'")).toEqual([]);
      await untilAlone(other);
      await own.client.query("rollback");
    });

    it("ends a wait for a free connection, and for a server that says nothing", async () => {
      const crm = postgres({ connectionString: url, max: 1 });
      const held = await crm.snapshot!(["small"], NEVER_ABORTED);
      const stop = new AbortController();
      const waiting = scanned(crm, "small", ALL, stop.signal);
      stop.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      await held.close();
      expect(await values(crm, "small", ALL)).toEqual([1]);
      await crm.close();
    });

    it("that has come already lets nothing begin", async () => {
      await using crm = readOnly(url);
      await expect(scanned(crm, "small", ALL, AbortSignal.abort(reason))).rejects.toBe(reason);
      await expect(crm.snapshot!(["small"], AbortSignal.abort(reason))).rejects.toBe(reason);
    });
  });
});

async function rest(rows: AsyncIterator<unknown>): Promise<void> {
  while ((await rows.next()).done !== true);
}
