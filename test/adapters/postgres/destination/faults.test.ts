import { spawnSync } from "node:child_process";
import { chown, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgres } from "../../../../src/adapters/postgres/postgres.js";
import { codeBlocks, readPage } from "../../../docs/pages.js";
import { describePostgres } from "../../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../../support/postgres-server.js";
import { tcpRelay } from "../tcp-relay.js";
import { destinationOf, load, numbered, reader, readWrite, refusal, write } from "./loads.js";

const NEVER_ABORTED = new AbortController().signal;

describePostgres("what goes wrong with a Postgres destination", () => {
  let server: PostgresServer;
  let url: string;
  let tables = 0;
  const newTable = () => `t${(tables += 1)}`;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false, settings: { deadlock_timeout: "200ms" } });
    url = await server.createDatabase();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** A url with a part of its own. */
  const urlWith = (part: Partial<URL>, base = url) => Object.assign(new URL(base), part).href;

  /** Resolves when the server has a session of the tested connection that waits for a lock. */
  async function untilBlocked(own: Awaited<ReturnType<typeof reader>>): Promise<string> {
    for (;;) {
      const [pid] = await own.values(
        `select pid from pg_stat_activity where datname = current_database() and application_name = 'millrace' and wait_event_type = 'Lock'`,
      );
      if (pid != null) return pid;
    }
  }

  describe("a server that cannot be reached", () => {
    const secret = "p@ss w/ord?#%";

    it.each([
      ["a wrong password", { username: "postgres", password: encodeURIComponent(secret) }, false],
      ["a user that is not there", { username: "nobody_here", password: encodeURIComponent(secret) }, false],
      ["a database that is not there", { pathname: "/nowhere" }, false],
      ["a port where nothing listens", { port: "1", password: encodeURIComponent(secret) }, true],
      ["a host that is not there", { hostname: "host.invalid", password: encodeURIComponent(secret) }, false],
    ])("%s", async (_, part, retryable) => {
      await using out = readWrite(urlWith(part));
      const destination = destinationOf(out, "t");
      const asked = { code: "connection_unavailable", hint: expect.stringMatching(/./) as string };
      const errors = await Promise.all(
        [
          out.check(NEVER_ABORTED),
          destination.schema(NEVER_ABORTED),
          destination.readState!("job", NEVER_ABORTED),
          write(destination, [numbered(1, 1)]),
        ].map((asking) =>
          asking.then(
            () => undefined,
            (error: unknown) => error as Error,
          ),
        ),
      );
      for (const error of errors) {
        expect(error).toMatchObject(asked);
        // A name may be found a little later, when the resolver is out of order.
        if (!("hostname" in part)) expect(error).toMatchObject({ retryable });
        for (const form of [secret, encodeURIComponent(secret), "p@ss"]) {
          expect(JSON.stringify([error, error!.message, error!.stack])).not.toContain(form);
        }
      }
      expect(await destination.settleCommit("c-1", NEVER_ABORTED)).toMatchObject({ state: "in_doubt" });
    });

    it("tells the executor what must not be told", () => {
      expect(postgres(urlWith({ password: encodeURIComponent(secret) })).secrets).toEqual(
        expect.arrayContaining([secret, encodeURIComponent(secret)]),
      );
      expect(postgres({ host: "h", password: secret }).secrets).toEqual([secret]);
    });

    it("TLS that the server does not speak", async () => {
      const { hostname: host, port, username: user, password, pathname } = new URL(url);
      const config = {
        host,
        port: Number(port),
        user,
        password,
        database: pathname.slice(1),
        ssl: { rejectUnauthorized: false },
      };
      const out = postgres(config);
      await expect(out.check(NEVER_ABORTED)).rejects.toMatchObject({
        code: "connection_unavailable",
        message: expect.stringContaining("SSL") as string,
      });
      await out.close();
    });

    it.each([
      [{ access: "write" as never }, "access"],
      [{ schema: "" }, "schema"],
      [{ lockWaitMs: -1 }, "lockWaitMs"],
    ])("options that are none: %j", (options, field) => {
      expect(() => postgres(url, options)).toThrow(expect.objectContaining({ code: "invalid_definition", field }));
    });
  });

  describe("a right that is missing", () => {
    it.each([
      ["no right to the table", "grant select, insert, update on _millrace_commits to $u", "append", "42501"],
      [
        "no right to delete",
        "grant select, insert, update on _millrace_commits to $u; grant select, insert on $t to $u",
        "overwrite",
        "42501",
      ],
      ["no right to the proof of commits", "grant select, insert on $t to $u", "append", "42501"],
      [
        "a role for reading only",
        "grant select, insert, update on _millrace_commits, $t to $u; alter role $u set default_transaction_read_only = on",
        "append",
        "25006",
      ],
      [
        "rows hidden by a policy",
        "grant select, insert, update, delete on _millrace_commits, $t to $u; alter table $t enable row level security",
        "append",
        "42501",
      ],
      [
        "rows hidden by a policy",
        "grant select, insert, update, delete on _millrace_commits, $t to $u; alter table $t enable row level security",
        "overwrite",
        "42501",
      ],
    ] as const)("%s: %s, %s", async (_, grants, mode, code) => {
      const t = newTable();
      const user = `user_${t}`;
      await using own = await reader(url);
      await using admin = readWrite(url);
      await load(admin, { query: "select 1::bigint as id", table: t, createIfMissing: true });
      await own.client.query(
        `create role ${user} login password 'x'; ${grants.replaceAll("$u", user).replaceAll("$t", t)}`,
      );
      await using out = readWrite(urlWith({ username: user, password: "x" }));
      const error = await refusal(out, { query: "select 2::bigint as id", table: t, mode });
      expect(error).toMatchObject({ code: "destination_failed", retryable: false });
      expect(error.message).toContain(`(${code})`);
      expect(await own.values(`select id from ${t}`)).toEqual(["1"]);
    });
  });

  it("no right to make tables is no matter where they were made as the guide says", async () => {
    const apart = await server.createDatabase();
    await using own = await reader(apart);
    const [made] = codeBlocks(readPage("docs/guides/postgres.md")).filter(({ language }) => language === "sql");
    await own.client
      .query(`${made?.code}; create table t (id bigint, label text); create role loader login password 'x';
      grant select, insert, update on _millrace_commits, _millrace_state to loader;
      grant select, insert, update, delete on t to loader`);
    await using out = readWrite(urlWith({ username: "loader", password: "x" }, apart));
    const keys = ["id"] as const;
    const modes = [
      { kind: "append" },
      { kind: "overwrite" },
      { kind: "upsert", keys },
      { kind: "deleteInsert", keys },
      { kind: "insertOnly", keys },
    ] as const;
    for (const [index, mode] of modes.entries()) {
      const state = () => ({ key: "job", from: index === 0 ? null : index, to: index + 1 });
      await write(destinationOf(out, "t"), [numbered(1, 2)], { commitId: `c-${index}`, mode, state });
    }
    expect(await destinationOf(out, "t").readState!("job", NEVER_ABORTED)).toBe(5);
    expect(await own.values("select count(*) from t")).toEqual(["2"]);
  });

  describe("a transaction in the way", () => {
    it("is waited for, and no longer than lockWaitMs", async () => {
      const t = newTable();
      await using own = await reader(url);
      await own.client.query(`create table ${t} (id bigint, label text)`);
      await own.client.query(`begin; lock table ${t}`);
      await using out = readWrite(url, { lockWaitMs: 100 });
      const writing = write(destinationOf(out, t), [numbered(1, 2)], { commitId: t });
      await expect(writing).rejects.toMatchObject({
        code: "destination_failed",
        retryable: true,
        message: expect.stringContaining("55P03") as string,
      });
      await own.client.query("rollback");
      expect(await destinationOf(out, t).settleCommit(t, NEVER_ABORTED)).toEqual({ state: "never" });
      await write(destinationOf(out, t), [numbered(1, 2)], { commitId: `${t}-again` });
    });

    it("that gives a column another type while the write begins is noticed", async () => {
      const t = newTable();
      await using own = await reader(url);
      await using watcher = await reader(url);
      await own.client.query(`create table ${t} (id bigint, label text)`);
      await own.client.query(`begin; alter table ${t} alter id type timestamp using null`);
      await using out = readWrite(url);
      const writing = write(destinationOf(out, t), [numbered(1, 2)], { commitId: t });
      const outcome = expect(writing).rejects.toMatchObject({ code: "destination_failed", retryable: true });
      await untilBlocked(watcher);
      await own.client.query("commit");
      await outcome;
      expect(await own.values(`select count(*) from ${t}`)).toEqual(["0"]);
    });

    it("does not hold up an abort, and the server's part ends with it", async () => {
      const t = newTable();
      await using own = await reader(url);
      await own.client.query(`create table ${t} (id bigint, label text)`);
      await own.client.query(`begin; lock table ${t}`);
      await using out = readWrite(url);
      const controller = new AbortController();
      const reason = new Error("cancelled");
      const writing = write(destinationOf(out, t), [numbered(1, 2)], { commitId: t, signal: controller.signal });
      const outcome = expect(writing).rejects.toBe(reason);
      await using watcher = await reader(url);
      const pid = await untilBlocked(watcher);
      controller.abort(reason);
      await outcome;
      expect(await watcher.values(`select count(*) from pg_stat_activity where pid = ${pid}`)).toEqual(["0"]);
      await own.client.query("rollback");
    });

    it("of which each waits for the other ends one of them, which may be tried again", async () => {
      const t = newTable();
      await using own = await reader(url);
      await using watcher = await reader(url);
      await own.client.query(`create table ${t} (id bigint primary key, label text)`);
      await own.client.query(`begin; set local deadlock_timeout = '1min'; insert into ${t} values (2)`);
      await using out = readWrite(url);
      const writing = write(destinationOf(out, t), [numbered(1, 1), numbered(2, 1)], { commitId: t });
      const outcome = expect(writing).rejects.toMatchObject({
        code: "destination_failed",
        retryable: true,
        message: expect.stringContaining("40P01") as string,
      });
      await untilBlocked(watcher);
      await Promise.all([outcome, own.client.query(`insert into ${t} values (1)`)]);
      await own.client.query("commit");
      expect(await own.values(`select count(*) from ${t}`)).toEqual(["2"]);
    });
  });

  it("a statement that the server cancels", async () => {
    const apart = await server.createDatabase();
    await using own = await reader(apart);
    await own.client.query(`create role slow login password 'x'; alter role slow set statement_timeout = '200ms';
      create table t (id bigint, label text); grant all on t to slow; grant all on schema public to slow`);
    await using out = readWrite(urlWith({ username: "slow", password: "x" }, apart));
    const untilOverdue = async (): Promise<void> => {
      const early = `select 1 from pg_stat_activity where usename = 'slow' and state = 'active'
        and clock_timestamp() - query_start < '300ms'`;
      while ((await own.rows(early)).length > 0);
    };
    const writing = write(destinationOf(out, "t"), [numbered(1, 2), untilOverdue, numbered(3, 1)]);
    await expect(writing).rejects.toMatchObject({
      code: "destination_failed",
      retryable: true,
      hint: expect.stringContaining("statement_timeout") as string,
    });
    expect(await own.values("select count(*) from t")).toEqual(["0"]);
  });

  it("a row that is there already, without telling its values", async () => {
    const t = newTable();
    await using own = await reader(url);
    await own.client.query(`create table ${t} (id bigint primary key); insert into ${t} values (424242)`);
    await using out = readWrite(url);
    const error = await refusal(out, { query: "select 424242::bigint as id", table: t });
    expect(error).toMatchObject({ code: "destination_failed", retryable: false });
    expect(error.hint).toMatch(/upsert/);
    expect(JSON.stringify(error)).not.toContain("424242");
  });

  describe("a connection that breaks", () => {
    it("in the middle of the rows leaves nothing, and the write can be made again", async () => {
      const t = newTable();
      await using own = await reader(url);
      await own.client.query(`create table ${t} (id bigint, label text)`);
      await using relay = await tcpRelay(url);
      await using out = readWrite(relay.url);
      const steps = [numbered(1, 5), () => relay.cut(), numbered(6, 5)];
      const writing = write(destinationOf(out, t), steps, { commitId: t });
      await expect(writing).rejects.toMatchObject({ code: "destination_failed", retryable: true });
      expect(await destinationOf(out, t).settleCommit(t, NEVER_ABORTED)).toEqual({ state: "never" });
      await write(destinationOf(out, t), [numbered(1, 5)], { commitId: `${t}-again` });
      expect(await own.values(`select count(*) from ${t}`)).toEqual(["5"]);
    });

    it("without a word does not hold up an abort", async () => {
      const t = newTable();
      await using own = await reader(url);
      await own.client.query(`create table ${t} (id bigint, label text)`);
      const relay = await tcpRelay(url);
      const controller = new AbortController();
      const reason = new Error("cancelled");
      const out = postgres({ connectionString: relay.url, connectionTimeoutMillis: 300 }, { access: "read_write" });
      const wait = () => {
        relay.freeze();
        controller.abort(reason);
      };
      const writing = write(destinationOf(out, t), [numbered(1, 5), wait, numbered(6, 5)], {
        commitId: t,
        signal: controller.signal,
      });
      await expect(writing).rejects.toBe(reason);
      await using direct = readWrite(url);
      await relay[Symbol.asyncDispose]();
      const settle = () => destinationOf(direct, t).settleCommit(t, NEVER_ABORTED);
      await expect.poll(settle, { timeout: 10_000 }).toEqual({ state: "never" });
      expect(await own.values(`select count(*) from ${t}`)).toEqual(["0"]);
      await out.close();
    });
  });

  const mounted = join(tmpdir(), `millrace-full-postgres-${process.pid}`);
  const mayMount = process.getuid?.() === 0 && process.platform === "linux";
  it.runIf(mayMount)("a disk that is full leaves nothing, and the write may be tried again", async ({ skip }) => {
    if (!server.controlled) return skip("the server is another machine's");
    await mkdir(mounted);
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", mounted]).status !== 0) {
      await rm(mounted, { recursive: true });
      return skip("this machine does not let root mount");
    }
    await using own = await reader(url);
    try {
      const t = newTable();
      const [id] = await own.values("select (pg_stat_file('base')).access::text is not null");
      expect(id).toBe("t");
      const uid = Number(spawnSync("id", ["-u", "postgres"]).stdout.toString()) || 65_534;
      const gid = Number(spawnSync("id", ["-g", "postgres"]).stdout.toString()) || 65_534;
      await chown(mounted, uid, gid);
      await own.client.query(`create tablespace small location '${mounted}'`);
      await own.client.query(`create table ${t} (id bigint, label text) tablespace small`);
      await using out = readWrite(url);
      const error = await refusal(out, {
        query: "select i as id, repeat('x', 500) as label from range(50000) t(i)",
        table: t,
      });
      expect(error).toMatchObject({ code: "destination_failed", retryable: true });
      expect(error.message).toContain("(53100)");
      expect(error.hint).toMatch(/disk is full/);
      expect(await own.values(`select count(*) from ${t}`)).toEqual(["0"]);
      await own.client.query(`vacuum full ${t}`);
      const after = { query: "select i as id, 'x' as label from range(10) t(i)", table: t };
      expect((await load(out, after)).error).toBeNull();
      await own.client.query(`drop table ${t}; drop tablespace small`).catch(() => undefined);
    } finally {
      await server.stop();
      spawnSync("umount", [mounted]);
      await rm(mounted, { recursive: true, force: true });
      await server.start();
    }
  });
});
