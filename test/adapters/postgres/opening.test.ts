import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ledgerSettings } from "../../../src/adapters/postgres/job-store-options.js";
import { ledgerFailure } from "../../../src/adapters/postgres/ledger/postgres-failure.js";
import { PostgresJobStore } from "../../../src/adapters/postgres/postgres-job-store.js";
import { systemClock } from "../../../src/adapters/system/system-clock.js";
import { isJobError, type JobError } from "../../../src/model/job-error.js";
import { describePostgres } from "../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../support/postgres-server.js";
import { claim, newRun, openLedger, query } from "./ledger-harness.js";

async function refusal(act: () => Promise<unknown>): Promise<JobError> {
  try {
    await act();
  } catch (error) {
    if (isJobError(error)) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

const opening = (store: PostgresJobStore): Promise<void> => store.open({ clock: systemClock });

describePostgres("opening a ledger in Postgres", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("refuses options that are none, before anything is connected", () => {
    const url = "postgres://user:hush-hush@host/db";
    const refused = (options: object): unknown => {
      try {
        return new PostgresJobStore(options);
      } catch (error) {
        expect(String(error)).not.toContain("hush-hush");
        return isJobError(error, "invalid_definition") ? error.field : error;
      }
    };
    expect(refused({})).toBe("url");
    expect(refused({ url, config: {} })).toBe("url");
    expect(refused({ url: "postgres://user:hush-hush@ho st:port" })).toBe("url");
    // The driver would take these parts of passwords for the names of a host or a database.
    for (const password of [
      "a@hush-hush/b",
      "12/hush-hush",
      "12?hush-hush",
      "12#hush-hush",
      "a@hush-hush?b",
      "%hush-hush",
    ]) {
      expect(refused({ url: `postgres://user:${password}@host/db` })).toBe("url");
      expect(refused({ config: { connectionString: `postgres://user:${password}@host/db` } })).toBe("url");
    }
    expect(refused({ url, tablePrefix: 'x"; drop table y' })).toBe("tablePrefix");
    expect(refused({ url, schema: "" })).toBe("schema");
    expect(refused({ url, migrate: "never" })).toBe("migrate");
    expect(refused({ url, clockOffsetMs: 0.5 })).toBe("clockOffsetMs");
  });

  it("tells no password, however the url and the driver spell it", async () => {
    const [host] = new URL(server.url).host.split(":");
    const urls = [
      `postgres://postgres:hush@hush@${host}:1/db`,
      `postgres://postgres:hush%40hush@${host}:1/db`,
      `postgres://postgres@${host}:1/db?password=hush%40hush`,
    ];
    for (const url of urls) {
      const given = await refusal(() => opening(new PostgresJobStore({ url })));
      expect(given.message).toContain(`postgres://${host}:1/db (`);
      expect(JSON.stringify([given, given.message, given.stack, String(given.cause)])).not.toContain("hush");
      const told = ledgerFailure("here", ledgerSettings({ url }).secrets, new Error("no hush@hush there"), false);
      expect(told).toMatchObject({ message: expect.stringContaining("no *** there") as string });
    }
  });

  it("names a wrong password, an unknown database and an unreachable server, and never the password", async () => {
    const wrong = Object.assign(new URL(server.url), { password: "hush-hush" }).href;
    const nowhere = Object.assign(new URL(wrong), { port: "1" }).href;
    const noDatabase = Object.assign(new URL(server.url), { pathname: "/nowhere" }).href;
    const refusals = await Promise.all(
      [wrong, nowhere, noDatabase].map((url) => refusal(() => opening(new PostgresJobStore({ url })))),
    );
    expect(refusals.map(({ code }) => code)).toEqual(Array(3).fill("store_unavailable"));
    expect(refusals.map(({ retryable }) => retryable)).toEqual([false, true, false]);
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
    const user = `clerk_${new URL(url).pathname.slice(6)}`;
    await query(url, `create user ${user} password 'clerk'`);
    const clerkUrl = Object.assign(new URL(url), { username: user, password: "clerk" }).href;
    const refused = await refusal(() => opening(new PostgresJobStore({ url: clerkUrl })));
    expect(refused).toMatchObject({ code: "store_unavailable", retryable: false });
    expect(refused.hint).toContain("right");

    await (await openLedger({ url })).store.close();
    await query(url, `grant select, insert, update, delete on all tables in schema public to ${user}`);
    await using ledger = await openLedger({ url: clerkUrl });
    const [created] = await ledger.store.createRuns([newRun()]);
    expect(await ledger.store.getRun(created?.run.id ?? "")).toEqual(created?.run);
  });

  it("is made by one of many that come at once", async () => {
    const url = await server.createDatabase();
    const stores = Array.from(
      { length: 6 },
      () => new PostgresJobStore({ url, schema: 'Odd "name"', tablePrefix: "q_" }),
    );
    await Promise.all(stores.map(opening));
    const runs = await Promise.all(stores.map((store) => store.createRuns([newRun()])));
    const [first] = stores;
    expect((await first?.listRuns({}))?.runs).toHaveLength(runs.length);
    await Promise.all(stores.map((store) => store.close()));
    expect(await query(url, 'select version from "Odd ""name""".q_migrations')).toHaveLength(2);
  });

  it("is made by hand from the script, and then opens without making anything", async () => {
    const url = await server.createDatabase();
    const options = { url, schema: "jobs", migrate: "check" } as const;
    const refused = await refusal(() => opening(new PostgresJobStore(options)));
    expect(refused.code).toBe("store_incompatible");
    expect(refused.message).toMatch(/version 0\b.*version 2\b/);
    await query(url, PostgresJobStore.migrationScript({ schema: "jobs" }));
    await using ledger = await openLedger(options);
    await ledger.store.createRuns([newRun()]);
    expect(await claim(ledger.store, 5)).toHaveLength(1);
  });

  it("refuses a newer ledger, naming both versions, unless that one serves older libraries", async () => {
    const url = await server.createDatabase();
    await (await openLedger({ url })).store.close();
    await query(url, "insert into millrace_migrations values (7, 'later', 1, 0)");
    await (await openLedger({ url })).store.close();
    await query(url, "update millrace_migrations set oldest_reader = 6 where version = 7");
    const refused = await refusal(() => opening(new PostgresJobStore({ url })));
    expect(refused.code).toBe("store_incompatible");
    expect(refused.message).toMatch(/version 7\b.*version 6\b.*versions up to 2\b/);
  });

  it("takes no table for its own that is somebody else's", async () => {
    const url = await server.createDatabase();
    await query(url, "create table millrace_runs (x int)");
    const refused = await refusal(() => opening(new PostgresJobStore({ url })));
    expect(refused.code).toBe("store_incompatible");
    expect(await query(url, "select tablename from pg_tables where schemaname = 'public'")).toHaveLength(1);
  });

  it("two ledgers in one database do not meet", async () => {
    const url = await server.createDatabase();
    await using one = await openLedger({ url });
    await using two = await openLedger({ url, tablePrefix: "other_" });
    await one.store.createRuns([newRun()]);
    expect(await claim(two.store, 5)).toEqual([]);
    expect(await claim(one.store, 5)).toHaveLength(1);
    expect(two.changes).toEqual([]);
  });

  it("uses the host's pool, pipelined or not, and never ends it", async () => {
    const url = await server.createDatabase();
    for (const pipeline of [false, true]) {
      const pool = new pg.Pool({ connectionString: url, max: 2, pipeline });
      const ledger = await openLedger({ pool });
      const created = await ledger.store.createRuns([newRun(), newRun({ idempotencyKey: `key-${pipeline}` })]);
      expect(await claim(ledger.store, 5)).toHaveLength(2);
      expect((await ledger.store.createRuns([newRun({ idempotencyKey: `key-${pipeline}` })]))[0]).toMatchObject({
        created: false,
        run: { id: created[1]?.run.id },
      });
      await ledger.store.close();
      expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
      expect([pool.totalCount - pool.idleCount, pool.waitingCount]).toEqual([0, 0]);
      await pool.end();
    }
  });

  it("the database's clock decides, shifted as a test asks", async () => {
    const url = await server.createDatabase();
    await using now = await openLedger({ url });
    await using later = await openLedger({ url, clockOffsetMs: 3_600_000 });
    await now.store.createRuns([newRun()]);
    const [run] = await claim(now.store, 1);
    const [heir] = await later.store.claimExpired({ owner: "heir", limit: 5, leaseMs: 30_000 });
    expect(heir?.id).toBe(run?.id);
    expect((heir?.lease?.expiresAt.getTime() ?? 0) - (run?.lease?.expiresAt.getTime() ?? 0)).toBeGreaterThan(3_500_000);
    expect(await now.store.claimExpired({ owner: "other", limit: 5, leaseMs: 30_000 })).toEqual([]);
  });

  it("tells of runs that were changed by hand, and goes on with the others", async () => {
    const url = await server.createDatabase();
    const told: string[] = [];
    const quiet = (): void => undefined;
    const warn = (_: string, fields?: Readonly<Record<string, unknown>>): void =>
      void told.push(String(fields?.["runId"]));
    await using ledger = await openLedger({ url }, { debug: quiet, info: quiet, warn, error: quiet });
    const { store } = ledger;
    const [bad, good] = (await store.createRuns([newRun(), newRun()])).map(({ run }) => run.id);
    const table = "millrace_runs";
    await query(
      url,
      `alter table ${table} drop constraint ${table}_status_check, drop constraint ${table}_check,
      drop constraint ${table}_check4, drop constraint ${table}_check5`,
    );
    await query(url, `update ${table} set status = 'odd', listed_as = 'pending' where id = $1`, [bad]);
    expect((await claim(store, 5)).map(({ id }) => id)).toEqual([good]);
    expect(told).toEqual([bad]);
    expect((await refusal(() => store.getRun(bad ?? ""))).code).toBe("store_unavailable");
    const [cancelled, other] = await Promise.allSettled([
      store.requestCancel(bad ?? "", null),
      store.requestCancel(good ?? "", null),
    ]);
    expect(cancelled.status).toBe("rejected");
    expect(other).toMatchObject({ value: "requested" });
    const { runs, unreadable } = await store.listRuns({});
    expect(runs.map(({ id }) => id)).toEqual([good]);
    expect(unreadable?.map(({ id }) => id)).toEqual([bad]);
  });
});
