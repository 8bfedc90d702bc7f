import { spawnSync } from "node:child_process";
import { chmod, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DuckDBEngine } from "../../../../src/adapters/duckdb/duckdb-engine.js";
import { MemoryJobStore } from "../../../../src/adapters/memory/memory-job-store.js";
import { mysql } from "../../../../src/adapters/mysql/mysql.js";
import { JobExecutor } from "../../../../src/executor/job-executor.js";
import { defineJob } from "../../../../src/jobs/define-job.js";
import type { Connection } from "../../../../src/ports/connection.js";
import { codeBlocks, readPage } from "../../../docs/pages.js";
import { describeMysql } from "../../../support/describe-mysql.js";
import { type MariadbServer, startMariadb } from "../../../support/mariadb-server.js";
import { overlaid } from "../../../support/overlaid.js";
import { destinationOf, load, numbered, refusal, write } from "../../postgres/destination/loads.js";
import { tcpRelay } from "../../postgres/tcp-relay.js";
import { reader, readWrite, urlWith } from "./mysql-reader.js";

const NEVER_ABORTED = new AbortController().signal;

describeMysql("what goes wrong with a MySQL destination", () => {
  let server: MariadbServer;
  let url: string;
  let tables = 0;
  const newTable = () => `t${(tables += 1)}`;
  beforeAll(async () => {
    server = await startMariadb({ fsync: false });
    url = await server.createDatabase();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** Resolves when a statement that holds this text waits at the server, for a lock of its own or of InnoDB's; gives its connection. */
  async function untilBlocked(own: Awaited<ReturnType<typeof reader>>, text: string): Promise<string> {
    for (;;) {
      const [id] = await own.values(
        `select id from information_schema.processlist where id <> connection_id() and lower(info) like '%${text}%'
         and (state like 'Waiting%' or state = 'User lock') limit 1`,
      );
      if (id != null) return id;
      // Its tables of transactions are as old as the last time that somebody looked.
      const [status] = await own.rows("show engine innodb status");
      const [, waiting] = /LOCK WAIT[^]*?thread id (\d+)/.exec(status?.["Status"] ?? "") ?? [];
      if (waiting !== undefined) return waiting;
    }
  }

  describe("a server that cannot be reached", () => {
    const secret = "p@ss w/ord?#%";
    const forms = [secret, encodeURIComponent(secret), "p@ss", "w/ord", "w%2Ford"];

    it.each([
      ["a wrong password", { password: encodeURIComponent(secret) }, false],
      ["a user that is not there", { username: "nobody_here", password: encodeURIComponent(secret) }, false],
      ["a database that is not there", { pathname: "/nowhere" }, false],
      ["a port where nothing listens", { port: "1", password: encodeURIComponent(secret) }, true],
      ["a host that is not there", { hostname: "host.invalid", password: encodeURIComponent(secret) }, false],
    ])("%s", async (_, part, retryable) => {
      await using out = readWrite(urlWith(url, part));
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
        for (const form of forms) expect(JSON.stringify([error, error!.message, error!.stack])).not.toContain(form);
      }
      expect(await destination.settleCommit("c-1", NEVER_ABORTED)).toMatchObject({ state: "in_doubt" });
    });

    it("tells its password in no log, event, ledger row or error", async () => {
      const t = newTable();
      await using good = readWrite(url);
      await using bad = readWrite(urlWith(url, { password: encodeURIComponent(secret) }));
      await using own = await reader(url);
      await own.run(`create table ${t} (id bigint)`);
      const destination = (table: string) =>
        overlaid(destinationOf(good, table), {
          write: (rows, request) => destinationOf(bad, table).write(rows, request),
          settleCommit: (id, signal) => destinationOf(bad, table).settleCommit(id, signal),
        });
      const out: Connection = overlaid<Connection>(bad, { destination, check: (signal) => good.check(signal) });
      const said: unknown[] = [];
      const say = (...words: unknown[]): void => void said.push(words);
      const store = new MemoryJobStore();
      const job = defineJob({
        name: "load",
        query: "select 1::bigint as id",
        destination: { table: `out.${t}`, mode: "append" },
        execution: { maxAttempts: 2, backoff: { kind: "constant", delayMs: 1 } },
      });
      const executor = new JobExecutor({
        engine: new DuckDBEngine(),
        store,
        connections: { out },
        jobs: [job],
        logger: { debug: say, info: say, warn: say, error: say },
      });
      await executor.start();
      const handle = await executor.submitOrThrow("load", {});
      const run = await handle.result();
      expect(run.error).toMatchObject({ code: "connection_unavailable" });
      for await (const event of handle.events()) said.push(event);
      said.push(run, await store.getRun(run.id), [run.error?.message, run.error?.hint]);
      await executor.stop();
      expect(said.length).toBeGreaterThan(4);
      for (const form of forms) expect(JSON.stringify(said)).not.toContain(form);
    });

    it("tells the executor what must not be told", () => {
      expect(mysql(urlWith(url, { password: encodeURIComponent(secret) })).secrets).toEqual(
        expect.arrayContaining([secret, encodeURIComponent(secret)]),
      );
      const ssl = { key: "the key", passphrase: "the phrase" };
      expect(mysql({ host: "h", database: "d", password: secret, ssl }).secrets).toEqual([
        secret,
        "the key",
        "the phrase",
      ]);
    });

    it("TLS that the server does not speak", async () => {
      const out = mysql({ uri: url, ssl: { rejectUnauthorized: false } });
      const [speaks] = await (async () => {
        await using own = await reader(url);
        return await own.values("select @@have_ssl = 'YES'");
      })();
      if (speaks === "0") {
        await expect(out.check(NEVER_ABORTED)).rejects.toMatchObject({
          code: "connection_unavailable",
          retryable: false,
        });
      } else await out.check(NEVER_ABORTED);
      await out.close();
    });

    it.each([
      [() => mysql(url, { access: "write" as never }), "access"],
      [() => mysql(url, { lockWaitMs: -1 }), "lockWaitMs"],
      [() => mysql("mysql://u:p@h:3306"), "database"],
      [() => mysql("mysql://u:p/w@h:3306/d"), "url"],
      [() => mysql("not a url with p@ss"), "url"],
      [() => mysql("mysql://u:50%@h/d"), "url"],
    ])("options that are none: %s", (make, field) => {
      expect(make).toThrow(expect.objectContaining({ code: "invalid_definition", field }));
    });
  });

  describe("a right that is missing", () => {
    const proof = "grant select, insert, update on _millrace_commits to $u;";
    it.each([
      ["to put rows in", `${proof} grant select on $t to $u`, "append", "1142"],
      ["to delete", `${proof} grant select, insert on $t to $u`, "overwrite", "1142"],
      ["to update", `${proof} grant select, insert, delete on $t to $u`, { kind: "upsert", keys: ["id"] }, "1044|1142"],
      ["to the proof of commits", "grant select, insert on $t to $u", "append", "1142"],
    ] as const)("%s: %s, %s", async (_, grants, mode, code) => {
      const t = newTable();
      const user = `user_${t}`;
      await using own = await reader(url);
      await using admin = readWrite(url);
      await own.run(`create table ${t} (id bigint primary key)`);
      await load(admin, { query: "select 1::bigint as id", table: t });
      await own.run(`create user ${user} identified by 'x'; ${grants.replaceAll("$u", user).replaceAll("$t", t)}`);
      await using out = readWrite(urlWith(url, { username: user, password: "x" }));
      const error = await refusal(out, { query: "select 2::bigint as id", table: t, mode });
      expect(error).toMatchObject({ retryable: false });
      expect(error.message).toMatch(new RegExp(`\\((?:${code})\\)`));
      expect(await own.values(`select id from ${t}`)).toEqual(["1"]);
      await own.run(`drop user ${user}`);
    });
  });

  it("no right to make tables is no matter where they were made as the guide says", async () => {
    const apart = await server.createDatabase();
    await using own = await reader(apart);
    const [made] = codeBlocks(readPage("docs/guides/mysql.md")).filter(({ language }) => language === "sql");
    await own.run(`${made?.code} create table t (id bigint, label text); create user loader identified by 'x';
      grant select, insert, update on _millrace_commits to loader; grant select, insert, update on _millrace_state to loader;
      grant select, insert, update, delete on t to loader; grant create temporary tables on * to loader`);
    await using out = readWrite(urlWith(apart, { username: "loader", password: "x" }));
    const modes = [{ kind: "append" }, { kind: "overwrite" }, { kind: "upsert", keys: ["id"] }] as const;
    for (const [index, mode] of modes.entries()) {
      const state = () => ({ key: "job", from: index === 0 ? null : index, to: index + 1 });
      await write(destinationOf(out, "t"), [numbered(1, 2)], { commitId: `c-${index}`, mode, state });
    }
    expect(await destinationOf(out, "t").readState!("job", NEVER_ABORTED)).toBe(3);
    expect(await own.values("select count(*) from t")).toEqual(["2"]);
    await own.run("drop user loader");
  });

  it("a server that takes no LOAD DATA LOCAL is refused before the first row", async () => {
    const t = newTable();
    await using own = await reader(url);
    await own.run(`create table ${t} (id bigint, label text); set global local_infile = 0`);
    try {
      await using out = readWrite(url);
      const error = await refusal(out, { query: "select 1::bigint as id", table: t });
      expect(error).toMatchObject({ code: "connection_unavailable", retryable: false });
      expect(error.hint).toContain("local_infile");
      const writing = write(destinationOf(out, t), [numbered(1, 2)], { commitId: t });
      await expect(writing).rejects.toMatchObject({
        code: "destination_failed",
        retryable: false,
        hint: expect.stringContaining("local_infile") as string,
      });
    } finally {
      await own.run("set global local_infile = 1");
    }
  });

  it("a server for reading only", async () => {
    const t = newTable();
    await using own = await reader(url);
    await own.run(`create table ${t} (id bigint); create user plain identified by 'x';
      grant all on ${new URL(url).pathname.slice(1)}.* to plain`);
    await using admin = readWrite(url);
    await destinationOf(admin, t).settleCommit("none", NEVER_ABORTED);
    await own.run("set global read_only = 1");
    try {
      await using out = readWrite(urlWith(url, { username: "plain", password: "x" }));
      const error = await refusal(out, { query: "select 1::bigint as id", table: t });
      expect(error).toMatchObject({ code: "destination_failed", retryable: false });
      expect(error.hint).toMatch(/replica/);
    } finally {
      await own.run("set global read_only = 0; drop user plain");
    }
  });

  describe("a transaction in the way", () => {
    const lockRow = "start transaction; insert into $t values (1, 'held')";
    const lockName = "select get_lock(concat('millrace ', md5('the table `$d`.`$t`')), 0)";
    const lockTable = "lock tables $t write";

    async function held(lock: string) {
      const t = newTable();
      const own = await reader(url);
      await own.run(`create table ${t} (id bigint primary key, label text)`);
      await own.connection.query(lock.replaceAll("$t", t).replaceAll("$d", new URL(url).pathname.slice(1)));
      return { t, own };
    }

    it.each([
      ["a row", lockRow, "append", "load data"],
      ["a name", lockName, "overwrite", "get_lock"],
      ["a table", lockTable, "append", "limit 0"],
    ] as const)("that holds %s is waited for, and no longer than lockWaitMs", async (_, lock, kind, text) => {
      const { t, own } = await held(lock);
      await using out = readWrite(url, { lockWaitMs: 1_000 });
      await using watcher = await reader(url);
      const writing = write(destinationOf(out, t), [numbered(1, 2)], { commitId: t, mode: { kind } });
      const outcome = expect(writing).rejects.toMatchObject({
        code: "destination_failed",
        retryable: true,
        hint: expect.stringContaining("lockWaitMs") as string,
      });
      await untilBlocked(watcher, text);
      await outcome;
      await own[Symbol.asyncDispose]();
      expect(await destinationOf(out, t).settleCommit(t, NEVER_ABORTED)).toEqual({ state: "never" });
      await write(destinationOf(out, t), [numbered(1, 2)], { commitId: `${t}-again`, mode: { kind } });
    });

    it.each([
      ["a row", lockRow, "append", "load data"],
      ["a name", lockName, "overwrite", "get_lock"],
      ["a table", lockTable, "append", "limit 0"],
    ] as const)(
      "that holds %s does not hold up an abort, and the server's part ends with it",
      async (_, lock, kind, text) => {
        const { t, own } = await held(lock);
        await using out = readWrite(url);
        await using watcher = await reader(url);
        const controller = new AbortController();
        const reason = new Error("cancelled");
        const writing = write(destinationOf(out, t), [numbered(1, 2)], {
          commitId: t,
          mode: { kind },
          signal: controller.signal,
        });
        const outcome = expect(writing).rejects.toBe(reason);
        const id = await untilBlocked(watcher, text);
        controller.abort(reason);
        await outcome;
        const there = `select count(*) from information_schema.processlist where id = ${id}`;
        await expect.poll(() => watcher.values(there)).toEqual(["0"]);
        await own[Symbol.asyncDispose]();
      },
    );

    it("an abort does not wait for a source that is silent", async () => {
      const t = newTable();
      await using own = await reader(url);
      await own.run(`create table ${t} (id bigint, label text)`);
      await using out = readWrite(url);
      const controller = new AbortController();
      const reason = new Error("cancelled");
      const wait = () => {
        setImmediate(() => controller.abort(reason));
        return new Promise<void>(() => undefined);
      };
      const steps = [numbered(1, 5), wait, numbered(6, 5)];
      const writing = write(destinationOf(out, t), steps, { commitId: t, signal: controller.signal });
      await expect(writing).rejects.toBe(reason);
      expect(await destinationOf(out, t).settleCommit(t, NEVER_ABORTED)).toEqual({ state: "never" });
      expect(await own.values(`select count(*) from ${t}`)).toEqual(["0"]);
    });

    it("that wants the table for itself while a write looks at its keys waits for the write, and ends none", async () => {
      const t = newTable();
      await using own = await reader(url);
      await using watcher = await reader(url);
      await own.run(`create table ${t} (id bigint primary key, label text)`);
      await using out = readWrite(url);
      let wanting: Promise<unknown> = Promise.resolve();
      const want = async () => {
        wanting = own.run(`lock tables ${t} write`);
        await untilBlocked(watcher, "lock tables");
      };
      const mode = { kind: "upsert", keys: ["id"] } as const;
      const steps = [numbered(1, 2), want, numbered(3, 2)];
      expect((await write(destinationOf(out, t), steps, { commitId: t, mode })).rowsWritten).toBe(4);
      await wanting;
    });

    it("that gives a column another type while the write begins is noticed", async () => {
      const { t, own } = await held(lockTable);
      await using watcher = await reader(url);
      await using out = readWrite(url);
      const writing = write(destinationOf(out, t), [numbered(1, 2)], { commitId: t });
      const outcome = expect(writing).rejects.toMatchObject({ code: "schema_mismatch", columns: ["id"] });
      await untilBlocked(watcher, "limit 0");
      await own.run(`alter table ${t} modify id varchar(9); unlock tables`);
      await outcome;
      expect(await own.values(`select count(*) from ${t}`)).toEqual(["0"]);
      await own[Symbol.asyncDispose]();
    });

    it("of which each waits for the other ends one of them, which may be tried again", async () => {
      const t = newTable();
      await using own = await reader(url);
      await using watcher = await reader(url);
      await own.run(`create table ${t} (id bigint primary key, label text)`);
      // The server ends the one that has written less.
      await own.run(`start transaction; insert into ${t} values (2, ''), (100, ''), (101, ''), (102, ''), (103, '')`);
      await using out = readWrite(url);
      const writing = write(destinationOf(out, t), [numbered(1, 1), numbered(2, 1)], { commitId: t });
      const outcome = expect(writing).rejects.toMatchObject({
        code: "destination_failed",
        retryable: true,
        message: expect.stringContaining("(1213)") as string,
      });
      await untilBlocked(watcher, "load data");
      await Promise.all([outcome, own.run(`insert into ${t} values (1, '')`)]);
      await own.run("commit");
      expect(await own.values(`select count(*) from ${t}`)).toEqual(["6"]);
    });
  });

  it("a row that is there already, without telling its values", async () => {
    const t = newTable();
    await using own = await reader(url);
    await own.run(`create table ${t} (id bigint primary key); insert into ${t} values (424242)`);
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
      await own.run(`create table ${t} (id bigint, label text)`);
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
      await own.run(`create table ${t} (id bigint, label text)`);
      const relay = await tcpRelay(url);
      const controller = new AbortController();
      const reason = new Error("cancelled");
      const out = mysql({ uri: relay.url, connectTimeout: 300 }, { access: "read_write" });
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

  const mayMount = process.getuid?.() === 0 && process.platform === "linux";
  it.runIf(mayMount)("a disk that is full leaves nothing, and the write may be tried again", async ({ skip }) => {
    if (!server.controlled) return skip("the server is another machine's");
    const mounted = join(tmpdir(), `millrace-full-mysql-${process.pid}`);
    await mkdir(mounted);
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=12m", "tmpfs", mounted]).status !== 0) {
      await rm(mounted, { recursive: true });
      return skip("this machine does not let root mount");
    }
    await chmod(mounted, 0o777);
    const t = newTable();
    await using own = await reader(url);
    try {
      // Were the server's own files there, too, it would die of it.
      await own.run(`create table ${t} (id bigint, label text) data directory = '${mounted}'`);
      await using out = readWrite(url);
      const query = "select i as id, repeat('x', 900) as label from range(50000) t(i)";
      const error = await refusal(out, { query, table: t });
      expect(error).toMatchObject({ code: "destination_failed", retryable: true });
      expect(error.hint).toMatch(/no room left/);
      expect(await own.values(`select count(*) from ${t}`)).toEqual(["0"]);
    } finally {
      await own.run(`drop table if exists ${t}`);
      spawnSync("umount", [mounted]);
      await rm(mounted, { recursive: true, force: true });
    }
  });
});
