import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { SqliteJobStore } from "../../../src/adapters/sqlite/sqlite-job-store.js";
import type { StoreChange } from "../../../src/model/run-change.js";
import type { StoreContext } from "../../../src/ports/job-store.js";
import { create, ledgerFile, newRun, somebodyWaits, takeOver, type LedgerFile } from "./store-fixture.js";

/** The host's application file, with a table of its own, and a connection to it. */
function application(ledger: LedgerFile): Database.Database {
  const host = ledger.database();
  host.pragma("journal_mode = wal");
  host.exec("create table orders (id text)");
  return host;
}

async function lent(ledger: LedgerFile, host: Database.Database, context: Partial<StoreContext> = {}) {
  const store = new SqliteJobStore({ database: host });
  await store.open({ clock: ledger.clock, ...context });
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() });
}

function ids(host: Database.Database): unknown {
  return host.prepare("select id from millrace_runs order by seq").pluck().all();
}

describe("runs that are stored in the host's transaction", () => {
  it("exist if and only if the host commits", async () => {
    await using ledger = await ledgerFile();
    const host = application(ledger);
    const store = await ledger.store({ besideOtherTables: true });
    const order = (id: string): readonly unknown[] => {
      host.prepare("insert into orders values (?)").run(id);
      return store.createRunsIn(host, [newRun(`${id}-1`), newRun(`${id}-2`, { idempotencyKey: id })]);
    };

    const [first, second] = host.transaction(order)("a");
    expect([first, second]).toMatchObject([
      { created: true, run: { id: "a-1", status: "pending", lastEventSeq: 1 } },
      { created: true },
    ]);
    expect(await store.getRun("a-1")).toEqual((first as { run: object }).run);
    expect(await store.readEvents("a-1", { after: 0, limit: 9 })).toHaveLength(1);

    const undone = host.transaction((id: string) => {
      order(id);
      throw new Error("the host thinks better of it");
    });
    expect(() => undone("b")).toThrow("thinks better");
    expect(ids(host)).toEqual(["a-1", "a-2"]);
    expect(host.prepare("select count(*) from orders").pluck().get()).toBe(1);

    host.exec("begin");
    order("c");
    expect(await store.getRun("c-1")).toBeUndefined();
    host.exec("commit");
    expect((await store.getRun("c-1"))?.status).toBe("pending");
    expect(store.createRunsIn(host, [newRun("c-3", { idempotencyKey: "c" })])).toMatchObject([
      { created: false, run: { id: "c-2" } },
    ]);
    expect(store.createRunsIn(host, [newRun("d")])).toMatchObject([{ created: true }]);
  });

  it("are all refused when one is, and leave the rest of the transaction alone", async () => {
    await using ledger = await ledgerFile();
    const host = application(ledger);
    const store = await ledger.store({ besideOtherTables: true });
    await create(store, newRun("taken"));
    host.transaction(() => {
      host.exec("insert into orders values ('a')");
      const refused = expect.objectContaining({ code: "internal_error", runId: "taken" }) as Error;
      expect(() => store.createRunsIn(host, [newRun("a"), newRun("taken")])).toThrow(refused);
    })();
    expect(ids(host)).toEqual(["taken"]);
    expect(host.prepare("select count(*) from orders").pluck().get()).toBe(1);
  });

  it("need a connection to the ledger's file", async () => {
    await using ledger = await ledgerFile();
    await using other = await ledgerFile();
    const store = await ledger.store();
    const closed = new Database(ledger.path).close();
    for (const [given, what] of [
      [{}, "no connection"],
      [null, "no connection"],
      [closed, "is closed"],
      [other.database(), "ledger's file"],
      [new Database(":memory:"), "ledger's file"],
    ] as const) {
      expect(() => store.createRunsIn(given, [newRun("a")])).toThrow(
        expect.objectContaining({
          code: "invalid_definition",
          field: "transaction",
          message: expect.stringContaining(what) as string,
        }),
      );
    }
  });

  it("are refused while another process writes, as the host's own statements are", async () => {
    await using ledger = await ledgerFile();
    const host = application(ledger);
    const store = await ledger.store({ besideOtherTables: true });
    const other = ledger.database();
    other.exec("begin immediate");
    expect(() => store.createRunsIn(host, [newRun("a")])).toThrow(
      expect.objectContaining({ code: "store_unavailable", retryable: true }),
    );
    expect(host.inTransaction).toBe(false);
    other.exec("commit");
  });
});

describe("a connection that the host lent", () => {
  it("holds the ledger beside the host's tables, and is not closed", async () => {
    await using ledger = await ledgerFile();
    const host = application(ledger);
    {
      await using store = await lent(ledger, host);
      expect(store.capabilities).toEqual({ shared: true, durable: true, resource: `file:${ledger.path}` });
      await create(store, newRun("a"));
      host.transaction(() => store.createRunsIn(host, [newRun("b")]))();
      await store.claimRuns({ owner: "w", limit: 9, leaseMs: 60_000 });
    }
    expect(host.open).toBe(true);
    expect(ids(host)).toEqual(["a", "b"]);
    // The session ended with the store.
    expect(await takeOver(await ledger.store())).toHaveLength(2);
  });

  it("may be in memory", async () => {
    await using ledger = await ledgerFile();
    const host = new Database(":memory:");
    await using store = await lent(ledger, host);
    expect(store.capabilities).toEqual({ shared: false, durable: false });
    host.transaction(() => store.createRunsIn(host, [newRun("a")]))();
    expect((await store.getRun("a"))?.id).toBe("a");
  });

  it("keeps the host's settings, whatever they are", async () => {
    await using ledger = await ledgerFile();
    const host = ledger.database();
    host.exec("create table orders (id text)");
    host.defaultSafeIntegers(true);
    host.pragma("busy_timeout = 1234");
    await using store = await lent(ledger, host);
    const { run } = await create(store, newRun("a", { runAt: new Date(ledger.clock.now()) }));
    expect([run.createdAt, (await store.getRun("a"))?.createdAt]).toEqual([run.createdAt, run.createdAt]);
    expect(await store.claimRuns({ owner: "w", limit: 9, leaseMs: 60_000 })).toHaveLength(1);
    expect((await store.listRuns({})).runs).toHaveLength(1);
    const setting = (name: string): unknown => host.pragma(name, { simple: true });
    expect(["busy_timeout", "journal_mode", "synchronous"].map(setting)).toEqual([1234n, "delete", 2n]);
  });

  it("is waited for while a transaction of the host is open, and never joined", async () => {
    await using ledger = await ledgerFile();
    const host = application(ledger);
    await using store = await lent(ledger, host);
    await create(store, newRun("before"));
    for (const end of ["rollback", "commit"]) {
      host.exec("begin; insert into orders values ('a')");
      let answered = 0;
      const count = (): number => (answered += 1);
      const asked = [create(store, newRun(end)).then(count), store.getRun("before").then(count)];
      await somebodyWaits(ledger.clock, 2);
      await ledger.clock.advance(1_000);
      expect(answered).toBe(0);
      host.exec(end);
      await ledger.clock.advance(25);
      await Promise.all(asked);
      expect((await store.getRun(end))?.status).toBe("pending");
    }
    expect(host.prepare("select count(*) from orders").pluck().get()).toBe(1);
  });

  it("is waited for while the host steps through rows", async () => {
    await using ledger = await ledgerFile();
    const host = application(ledger);
    host.exec("insert into orders values ('a'), ('b')");
    await using store = await lent(ledger, host);
    const rows = host.prepare("select id from orders").iterate();
    rows.next();
    const creating = create(store, newRun("a"));
    await somebodyWaits(ledger.clock);
    rows.return?.();
    await ledger.clock.advance(25);
    expect((await creating).created).toBe(true);
  });

  it("is given up after ten seconds of it, with a hint", async () => {
    await using ledger = await ledgerFile();
    const host = application(ledger);
    await using store = await lent(ledger, host);
    host.exec("begin");
    const refused = expect(create(store, newRun("a"))).rejects.toMatchObject({
      code: "store_unavailable",
      retryable: true,
      hint: expect.stringContaining("Keep transactions short") as string,
    });
    await somebodyWaits(ledger.clock);
    await ledger.clock.advance(11_000);
    await refused;
    host.exec("rollback");
  });

  it("that the host closed too early answers like a closed store", async () => {
    await using ledger = await ledgerFile();
    const host = application(ledger);
    await using store = await lent(ledger, host);
    host.close();
    await expect(store.getRun("a")).rejects.toMatchObject({ code: "store_unavailable" });
  });

  it("tells of runs that the host's transaction left, once it is over", async () => {
    await using ledger = await ledgerFile();
    const host = application(ledger);
    const changes: StoreChange[] = [];
    await using store = await lent(ledger, host, { onChange: (change) => changes.push(change) });
    host.exec("begin");
    store.createRunsIn(host, [newRun("a")]);
    await ledger.clock.advance(1_000);
    expect(changes).toEqual([]);
    host.exec("commit");
    await ledger.clock.advance(20);
    expect(changes).toEqual([{ kind: "pending" }]);
    await ledger.clock.advance(1_000);
    expect(changes).toHaveLength(1);
  });

  it.each([[{}], [null], ["ledger.db"]])("is not %j", (database) => {
    expect(() => new SqliteJobStore({ database: database as never })).toThrow(
      expect.objectContaining({ code: "invalid_definition", field: "database" }),
    );
  });
});
