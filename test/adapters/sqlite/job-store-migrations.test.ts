import { existsSync } from "node:fs";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { Migration } from "../../../src/adapters/sql/ledger-migrations.js";
import { ledgerTables } from "../../../src/adapters/sql/ledger-schema.js";
import { migrate, type LedgerPlan } from "../../../src/adapters/sqlite/ledger/migrate.js";
import { SqliteJobStore } from "../../../src/adapters/sqlite/sqlite-job-store.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";
import { claim, create, ledgerFile, newRun } from "./store-fixture.js";

const FIRST: Migration = { name: "first", oldestReader: 1, statements: ["create table a (x integer)"] };
const SECOND: Migration = {
  name: "second",
  oldestReader: 1,
  statements: ["insert into a values (1)", "create table b (y integer)"],
};

function plan(migrations: readonly Migration[], parts: Partial<LedgerPlan> = {}): LedgerPlan {
  const tablePrefix = "millrace_";
  const tables = ledgerTables(tablePrefix);
  return { tablePrefix, tables, migrations, migrate: "run", besideOtherTables: false, ...parts };
}

describe("migrations", () => {
  it("run once each, in order, whichever version the ledger comes from", () => {
    const database = new Database(":memory:");
    migrate(database, plan([FIRST]), 1);
    migrate(database, plan([FIRST, SECOND]), 2);
    migrate(database, plan([FIRST, SECOND]), 3);
    expect(database.prepare("select * from millrace_migrations").all()).toEqual([
      { version: 1, name: "first", oldest_reader: 1, applied_at: 1 },
      { version: 2, name: "second", oldest_reader: 1, applied_at: 2 },
    ]);
    expect(database.prepare("select count(*) from a").pluck().get()).toBe(1);
  });

  it("that fail leave the ledger as it was", () => {
    const database = new Database(":memory:");
    migrate(database, plan([FIRST]), 1);
    const broken = {
      name: "broken",
      oldestReader: 1,
      statements: ["create table c (z integer)", "drop table nowhere"],
    };
    expect(() => migrate(database, plan([FIRST, SECOND, broken]), 2)).toThrow(/nowhere/);
    expect(database.prepare("select name from sqlite_schema where type = 'table'").pluck().all().sort()).toEqual([
      "a",
      "millrace_migrations",
    ]);
    migrate(database, plan([FIRST, SECOND]), 3);
    expect(database.prepare("select count(*) from millrace_migrations").pluck().get()).toBe(2);
  });

  it("of a newer library that older ones can live with are left alone by them, others refused", () => {
    const database = new Database(":memory:");
    migrate(database, plan([FIRST, SECOND]), 1);
    migrate(database, plan([FIRST]), 2);
    expect(database.prepare("select count(*) from millrace_migrations").pluck().get()).toBe(2);
    migrate(database, plan([FIRST, SECOND, { name: "third", oldestReader: 2, statements: [] }]), 3);
    expect(() => migrate(database, plan([FIRST]), 4)).toThrow(
      expect.objectContaining({
        code: "store_incompatible",
        message: expect.stringMatching(/version 3.*version 2.*to 1\./) as string,
      }),
    );
    migrate(database, plan([FIRST, SECOND]), 5);
  });

  it("that are somebody else's business are asked for, with both versions named", () => {
    const database = new Database(":memory:");
    migrate(database, plan([FIRST]), 1);
    expect(() => migrate(database, plan([FIRST, SECOND], { migrate: "check" }), 2)).toThrow(
      expect.objectContaining({
        code: "store_incompatible",
        message: expect.stringMatching(/version 1;.*version 2,/) as string,
      }),
    );
    migrate(database, plan([FIRST], { migrate: "check" }), 2);
  });
});

describe("a SqliteJobStore that is told not to migrate", () => {
  const clock = new ManualClock();

  it("makes no file, and takes the ledger that its script has made", async () => {
    await using ledger = await ledgerFile();
    const store = new SqliteJobStore({ path: ledger.path, migrate: "check" });
    await expect(store.open({ clock })).rejects.toMatchObject({
      code: "store_incompatible",
      message: expect.stringContaining("version 0") as string,
    });
    expect(existsSync(ledger.path)).toBe(false);
    ledger.database().exec(store.migrationScript());
    await store.open({ clock });
    expect((await create(store, newRun("a"))).created).toBe(true);
    await store.close();
    // The same tables as the store makes by itself.
    const made = (path: string): unknown =>
      new Database(path).prepare("select name, sql from sqlite_schema order by name").all();
    await using other = await ledgerFile();
    await other.store();
    expect(made(ledger.path)).toEqual(made(other.path));
    expect(store.migrationScript({ from: 2 })).not.toContain("create index");
  });
});

describe("a ledger that a newer library migrates while this one works on it", () => {
  const bring = (ledger: Database.Database, oldestReader: number): void => {
    ledger.exec("begin immediate; alter table millrace_runs add column colour text");
    ledger.prepare("insert into millrace_migrations values (3, 'colour', ?, 0)").run(oldestReader);
    ledger.exec("commit");
  };

  it("is worked on where the change allows it", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store();
    await create(store, newRun("a"));
    bring(ledger.database(), 1);
    await create(store, newRun("b"));
    expect(await claim(store)).toHaveLength(2);
  });

  it("is written to no more where it does not", async () => {
    await using ledger = await ledgerFile();
    const store = await ledger.store();
    await create(store, newRun("a"));
    bring(ledger.database(), 3);
    const refused = { code: "store_incompatible", message: expect.stringMatching(/version 3.*up to 2\./) as string };
    await expect(create(store, newRun("b"))).rejects.toMatchObject(refused);
    await expect(claim(store)).rejects.toMatchObject(refused);
    expect(ledger.database().prepare("select id from millrace_runs").pluck().all()).toEqual(["a"]);
  });
});

describe("a table prefix", () => {
  it("keeps two ledgers of one file apart", async () => {
    await using ledger = await ledgerFile();
    const [one, two] = [await ledger.store(), await ledger.store({ tablePrefix: "other_", besideOtherTables: true })];
    await create(one, newRun("a"));
    await create(two, newRun("a"));
    expect((await claim(one)).map(({ id }) => id)).toEqual(["a"]);
    expect((await two.getRun("a"))?.status).toBe("pending");
    await one.close();
    // Nor are the sessions of one mistaken for those of the other.
    expect(await claim(two)).toHaveLength(1);
    const heir = await ledger.store({ tablePrefix: "other_" });
    expect(await heir.claimExpired({ owner: "heir", limit: 9, leaseMs: 1 })).toEqual([]);
  });

  it("is needed to find the ledger", async () => {
    await using ledger = await ledgerFile();
    await (await ledger.store({ tablePrefix: "other_" })).close();
    await expect(ledger.store()).rejects.toMatchObject({
      code: "store_incompatible",
      hint: expect.stringContaining("tablePrefix") as string,
    });
  });

  it.each(["", "Runs_", "a-b", "1st_", 'a"b', "sqlite_x", "a".repeat(60)])("is not %j", (tablePrefix) => {
    expect(() => new SqliteJobStore({ path: ":memory:", tablePrefix })).toThrow(
      expect.objectContaining({ code: "invalid_definition", field: "tablePrefix" }),
    );
  });
});
