import mysql from "mysql2";
import { afterAll, beforeAll, expect, it } from "vitest";
import { MySqlJobStore } from "../../../../src/adapters/mysql/mysql-job-store.js";
import { systemClock } from "../../../../src/adapters/system/system-clock.js";
import { isJobError } from "../../../../src/model/job-error.js";
import { describeMysql } from "../../../support/describe-mysql.js";
import { startMariadb, type MariadbServer } from "../../../support/mariadb-server.js";
import { claim, newRun, openLedger, query, refusal } from "./ledger-harness.js";

const opening = (store: MySqlJobStore): Promise<void> => store.open({ clock: systemClock });

describeMysql("opening a ledger in MySQL", () => {
  let server: MariadbServer;
  beforeAll(async () => {
    server = await startMariadb({ fsync: false });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("refuses options that are none, before anything is connected", () => {
    const url = "mysql://user:hush-hush@host/db";
    const refused = (options: object): unknown => {
      try {
        return new MySqlJobStore(options);
      } catch (error) {
        expect(String(error)).not.toContain("hush-hush");
        return isJobError(error, "invalid_definition") ? error.field : error;
      }
    };
    expect(refused({})).toBe("url");
    expect(refused({ url, config: {} })).toBe("url");
    expect(refused({ url: "mysql://user:a@hush-hush/b@host/db" })).toBe("url");
    expect(refused({ url, tablePrefix: "x`; drop table y" })).toBe("tablePrefix");
    expect(refused({ url, database: "" })).toBe("database");
    expect(refused({ url, migrate: "never" })).toBe("migrate");
    expect(refused({ url, clockOffsetMs: 0.5 })).toBe("clockOffsetMs");
    expect(refused({ pool: {} })).toBe("pool");
  });

  it("names a wrong password, an unknown database and an unreachable server, and never the password", async () => {
    const wrong = Object.assign(new URL(server.url), { password: "hush-hush" }).href;
    const nowhere = Object.assign(new URL(wrong), { port: "1" }).href;
    const noDatabase = Object.assign(new URL(server.url), { pathname: "/nowhere" }).href;
    const refusals = [];
    for (const url of [wrong, nowhere, noDatabase]) {
      refusals.push(await refusal(() => opening(new MySqlJobStore({ url }))));
    }
    expect(refusals.map(({ code, retryable }) => [code, retryable])).toEqual([
      ["store_unavailable", false],
      ["store_unavailable", true],
      ["store_unavailable", false],
    ]);
    expect(refusals.map(({ hint }) => hint)).toEqual([
      expect.stringContaining("password"),
      expect.stringContaining("Nothing listens"),
      expect.stringContaining("no database"),
    ]);
    for (const error of refusals) {
      expect(JSON.stringify([error, error.message, error.stack, String(error.cause)])).not.toContain("hush-hush");
    }
  });

  it("says which right is missing, and works without the right to make tables once they are there", async () => {
    const url = await server.createDatabase();
    const database = new URL(url).pathname.slice(1);
    const user = `clerk_${database.slice(5, 20)}`;
    await query(url, `create user ${user} identified by 'clerk'`);
    await query(url, `grant select, insert, update, delete on ${database}.* to ${user}`);
    const clerkUrl = Object.assign(new URL(url), { username: user, password: "clerk" }).href;
    const refused = await refusal(() => opening(new MySqlJobStore({ url: clerkUrl })));
    expect(refused).toMatchObject({ code: "store_unavailable", retryable: false });
    expect(refused.hint).toContain("right");

    await (await openLedger({ url })).store.close();
    await using ledger = await openLedger({ url: clerkUrl });
    const [created] = await ledger.store.createRuns([newRun()]);
    expect(await ledger.store.getRun(created?.run.id ?? "")).toEqual(created?.run);
  });

  it("is made once by many that open it at the same time", async () => {
    const url = await server.createDatabase();
    const ledgers = await Promise.all(Array.from({ length: 4 }, () => openLedger({ url })));
    for (const { store } of ledgers) await store.createRuns([newRun()]);
    const [made] = await query(url, "select count(*) as steps, max(version) as version from millrace_migrations");
    expect(made?.["steps"]).toBe(made?.["version"]);
    expect(await claim(ledgers[0]?.store ?? new MySqlJobStore({ url }), 9)).toHaveLength(4);
    await Promise.all(ledgers.map(({ store }) => store.close()));
  });

  it("goes on where making it was interrupted, at whichever table", async () => {
    const url = await server.createDatabase();
    await (await openLedger({ url })).store.close();
    const tables = (await query(url, "show tables")).map((row) => String(Object.values(row)[0]));
    const missing: string[] = [];
    for (const table of tables.filter((name) => name !== "millrace_migrations")) {
      missing.push(table);
      await query(url, `delete from millrace_migrations; drop table ${missing.join(", ")}`);
      await using ledger = await openLedger({ url });
      await ledger.store.createRuns([newRun()]);
      expect(await claim(ledger.store, 1)).toHaveLength(1);
    }
    expect(await query(url, "select count(*) as stripes from millrace_gates")).toEqual([{ stripes: 512 }]);
  });

  it("refuses a database in which somebody else's table has one of its names, and leaves it alone", async () => {
    const url = await server.createDatabase();
    await query(url, "create table millrace_runs (mine int); insert into millrace_runs values (7)");
    const refused = await refusal(() => opening(new MySqlJobStore({ url })));
    expect(refused.code).toBe("store_incompatible");
    expect(refused.message).toContain("millrace_runs");
    expect(await query(url, "show tables")).toHaveLength(1);
    await using other = await openLedger({ url, tablePrefix: "jobs_" });
    await other.store.createRuns([newRun()]);
    expect(await query(url, "select * from millrace_runs")).toEqual([{ mine: 7 }]);
  });

  it("refuses a newer ledger that needs a newer library, and takes one that does not", async () => {
    const url = await server.createDatabase();
    await (await openLedger({ url })).store.close();
    const [newest] = await query(url, "select max(version) as known from millrace_migrations");
    const later = Number(newest?.["known"]) + 1;
    await query(url, "insert into millrace_migrations values (?, 'later', 1, 0)", [later]);
    await (await openLedger({ url })).store.close();
    await query(url, "update millrace_migrations set oldest_reader = version");
    const refused = await refusal(() => opening(new MySqlJobStore({ url })));
    expect(refused.code).toBe("store_incompatible");
    expect(refused.message).toContain(`version ${later}`);
    expect(refused.message).toContain(`up to ${later - 1}.`);
  });

  it("is made by hand, and opened by a store that must not make it", async () => {
    const url = await server.createDatabase();
    const checking = { url, migrate: "check" } as const;
    expect((await refusal(() => opening(new MySqlJobStore(checking)))).code).toBe("store_incompatible");
    expect(await query(url, "show tables")).toEqual([]);
    await query(url, MySqlJobStore.migrationScript());
    await using ledger = await openLedger(checking);
    await ledger.store.createRuns([newRun()]);
    expect(await claim(ledger.store, 1)).toHaveLength(1);
  });

  it("is made in a database of its own, which host and ledger then share", async () => {
    const url = await server.createDatabase();
    const database = `${new URL(url).pathname.slice(1)}_jobs`;
    await using ledger = await openLedger({ url, database });
    await ledger.store.createRuns([newRun()]);
    expect(await query(url, "show tables")).toEqual([]);
    expect(await query(url, `select count(*) as runs from ${database}.millrace_runs`)).toEqual([{ runs: 1 }]);
    await query(url, `drop database ${database}`);
  });

  it("leaves the connections of the host's pool as they were", async () => {
    const pool = mysql.createPool({ uri: await server.createDatabase(), connectionLimit: 1 });
    const host = pool.promise();
    await host.query("set time_zone = '+05:00', sql_mode = '', innodb_lock_wait_timeout = 33");
    const settings = `select @@session.time_zone, @@session.sql_mode, @@session.innodb_lock_wait_timeout,
      @@session.wait_timeout, @@session.autocommit, @@session.tx_isolation`;
    const [before] = await host.query(settings);
    const ledger = await openLedger({ pool: host });
    await ledger.store.createRuns([newRun()]);
    expect(await claim(ledger.store, 1)).toHaveLength(1);
    await ledger.store.close();
    expect((await host.query(settings))[0]).toEqual(before);
    await host.end();
  });

  it("refuses a run that is too large for the server's packets, and goes on", async () => {
    const url = await server.createDatabase();
    await using ledger = await openLedger({ url });
    const huge = newRun({ parameters: { text: "x".repeat(17 << 20) } });
    const refused = await refusal(() => ledger.store.createRuns([huge]));
    expect(refused).toMatchObject({ code: "store_unavailable", retryable: false, nothingStored: true });
    expect(refused.hint).toContain("max_allowed_packet");
    // Each fits, while all of them do not.
    const many = Array.from({ length: 12 }, () => newRun({ parameters: { text: "x".repeat(2 << 20) } }));
    expect(await ledger.store.createRuns(many)).toHaveLength(12);
    expect(await claim(ledger.store, 20)).toHaveLength(12);
    const page = await ledger.store.listRuns({});
    expect(page.runs.map(({ id }) => id)).toEqual(many.map(({ id }) => id).reverse());
  });
});
