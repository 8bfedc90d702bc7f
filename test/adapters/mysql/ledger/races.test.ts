import mysql, { type Connection } from "mysql2/promise";
import { createPool } from "mysql2";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeMysql } from "../../../support/describe-mysql.js";
import { Gate } from "../../../support/gate.js";
import { startMariadb, type MariadbServer } from "../../../support/mariadb-server.js";
import { claim, newRun, openLedger, query, type OpenLedger } from "./ledger-harness.js";
import { turnedPool } from "./turned-pool.js";

describeMysql("those who work on one ledger in MySQL at once", () => {
  let server: MariadbServer;
  beforeAll(async () => {
    server = await startMariadb({ fsync: false });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function withStores(
    count: number,
    work: (ledgers: readonly OpenLedger[], url: string) => Promise<void>,
  ): Promise<void> {
    const url = await server.createDatabase();
    const ledgers = await Promise.all(Array.from({ length: count }, () => openLedger({ url })));
    try {
      await work(ledgers, url);
    } finally {
      for (const { store } of ledgers) await store.close();
    }
  }

  async function withHost<T>(url: string, work: (host: Connection) => Promise<T>): Promise<T> {
    const host = await mysql.createConnection(url);
    host.on("error", () => undefined);
    try {
      return await work(host);
    } finally {
      host.destroy();
    }
  }

  it("never take the same run, and take all", () =>
    withStores(4, async (ledgers) => {
      const runs = Array.from({ length: 400 }, (_, index) => newRun({ connections: [index % 3 === 0 ? "a" : "b"] }));
      await ledgers[0]?.store.createRuns(runs);
      const taken: string[] = [];
      const take = async ({ store }: OpenLedger, index: number): Promise<void> => {
        for (;;) {
          const claimed = await claim(store, 7, `worker-${index}`);
          taken.push(...claimed.map(({ id }) => id));
          if (taken.length >= runs.length || claimed.length === 0) return;
        }
      };
      // A claim passes over what another one has in hand: whoever found nothing comes again.
      while (taken.length < runs.length) await Promise.all(ledgers.map(take));
      expect(new Set(taken)).toEqual(new Set(runs.map(({ id }) => id)));
      expect(taken).toHaveLength(runs.length);
    }));

  it("find what another one looked at as soon as that one has answered", () =>
    withStores(1, async ([ledger], url) => {
      const held = new Gate();
      let holds = false;
      const pool = createPool(url);
      const slow = turnedPool(
        pool,
        (connection, asked, done) => void connection.execute(asked, done),
        (connection, asked, done) => {
          const go = (): void => void connection.query(asked, done);
          if (holds && asked.sql === "rollback") void held.pass().then(go);
          else go();
        },
      );
      await using other = await openLedger({ pool: slow });
      const run = newRun();
      await other.store.createRuns([run]);
      await other.store.requestCancel(run.id, null);
      holds = true;
      // Looks at the oldest end, which is too young, and locks it.
      expect(await other.store.pruneRuns({ olderThanMs: 3_600_000, limit: 9 })).toBe(0);
      expect(await ledger?.store.pruneRuns({ olderThanMs: 0, limit: 9 })).toBe(1);
      held.open();
      await other.store.close();
      await pool.promise().end();
    }));

  it("make one run of each key that all submit at once, in whatever order", { timeout: 60_000 }, () =>
    withStores(4, async (ledgers) => {
      for (let round = 0; round < 6; round += 1) {
        const keys = [`a${round}`, `b${round}`, `c${round}`];
        const answers = await Promise.all(
          ledgers.flatMap(({ store }, index) =>
            [0, 1].map((turn) => {
              const inOrder = (index + turn) % 2 === 0 ? keys : [...keys].reverse();
              return store.createRuns([...inOrder.map((key) => newRun({ idempotencyKey: key })), newRun()]);
            }),
          ),
        );
        const all = answers.flat();
        for (const key of keys) {
          const own = all.filter(({ run }) => run.idempotencyKey === key);
          expect(own).toHaveLength(8);
          expect(own.filter(({ created }) => created)).toHaveLength(1);
          expect(new Set(own.map(({ run }) => run.id)).size).toBe(1);
        }
        expect(all.filter(({ run, created }) => run.idempotencyKey === null && created)).toHaveLength(8);
      }
    }),
  );

  it("carry an act out again that the server took back in a deadlock", () =>
    withStores(1, async ([ledger], url) =>
      withHost(url, async (host) => {
        const { store } = ledger as OpenLedger;
        const [first, second] = [newRun({ id: "a" }), newRun({ id: "b" })];
        await store.createRuns([first, second]);
        await host.query("create table heavy (n int primary key)");
        await host.beginTransaction();
        // Who has written more is not taken back.
        await host.query(
          "insert into heavy with recursive n as (select 1 as n union all select n + 1 from n where n < 99) select n from n",
        );
        await host.query("select seq from millrace_runs where id = 'b' for update");
        const status = async (name: string): Promise<number> => {
          const [row] = await query(url, "show global status where variable_name = ?", [name]);
          return Number(row?.["Value"]);
        };
        const before = await status("Innodb_deadlocks");
        // Holds a, and waits for b.
        const cancelling = Promise.all([store.requestCancel("a", null), store.requestCancel("b", null)]);
        while ((await status("Innodb_row_lock_current_waits")) === 0);
        await host.query("select seq from millrace_runs where id = 'a' for update");
        expect(await status("Innodb_deadlocks")).toBeGreaterThan(before);
        await host.commit();
        expect(await cancelling).toEqual(["cancelled", "cancelled"]);
      }),
    ));

  it("carry an act out again that waited too long for a lock", async () => {
    const url = await server.createDatabase();
    const pool = createPool(url);
    let waited: () => void = () => undefined;
    const timedOut = new Promise<void>((resolve) => (waited = resolve));
    const turned = turnedPool(pool, (connection, asked, done) => {
      connection.execute(asked, (error, answer, fields) => {
        if (error?.errno === 1205) waited();
        done(error, answer, fields);
      });
    });
    await using ledger = await openLedger({ pool: turned });
    const run = newRun();
    await ledger.store.createRuns([run]);
    await withHost(url, async (host) => {
      await host.beginTransaction();
      await host.query("select seq from millrace_runs for update");
      const cancelling = ledger.store.requestCancel(run.id, "enough");
      await timedOut;
      await host.commit();
      expect(await cancelling).toBe("cancelled");
    });
    expect(await ledger.store.readEvents(run.id, { after: 1, limit: 9 })).toHaveLength(1);
    await ledger.store.close();
    await pool.promise().end();
  });

  it(
    "refuse a submission whose key a host's transaction holds for long, and do not keep others waiting for it",
    { timeout: 30_000 },
    () =>
      withStores(1, async ([ledger], url) =>
        withHost(url, async (host) => {
          const { store } = ledger as OpenLedger;
          await host.beginTransaction();
          await store.createRunsIn(host, [newRun({ idempotencyKey: "held" })]);
          const refused = store.createRuns([newRun({ idempotencyKey: "held" })]).catch((error: unknown) => error);
          let ended = false;
          void refused.then(() => (ended = true));
          for (let round = 0; round < 20; round += 1) {
            expect(await store.createRuns([newRun({ idempotencyKey: `free ${round}` })])).toMatchObject([
              { created: true },
            ]);
          }
          expect(ended).toBe(false);
          expect(await refused).toMatchObject({ code: "store_unavailable", nothingStored: true });
          await host.rollback();
          expect(await store.createRuns([newRun({ idempotencyKey: "held" })])).toMatchObject([{ created: true }]);
        }),
      ),
  );

  it("hear of a run in a transaction of the host's once it commits", () =>
    withStores(2, async ([mine, theirs], url) =>
      withHost(url, async (host) => {
        if (!mine || !theirs) throw new Error("there are no stores");
        await host.beginTransaction();
        const run = newRun();
        await mine.store.createRunsIn(host, [run]);
        expect(await claim(theirs.store, 1)).toEqual([]);
        await host.commit();
        await Promise.all([mine, theirs].map((ledger) => ledger.heard(({ kind }) => kind === "pending")));
        expect(await claim(theirs.store, 1)).toMatchObject([{ id: run.id }]);
      }),
    ));

  it("find in a transaction of the host's a key that was stored since that began", () =>
    withStores(1, async ([ledger], url) =>
      withHost(url, async (host) => {
        const { store } = ledger as OpenLedger;
        await host.query("create table own (n int)");
        await host.beginTransaction();
        // From now on the host sees the database as it is at this moment.
        await host.query("select * from own");
        const [known] = await store.createRuns([newRun({ idempotencyKey: "known" })]);
        const batch = [newRun({ idempotencyKey: "new" }), newRun({ idempotencyKey: "known" }), newRun()];
        const answers = await store.createRunsIn(host, batch);
        expect(answers.map(({ run, created }) => [run.id, created])).toEqual([
          [batch[0]?.id, true],
          [known?.run.id, false],
          [batch[2]?.id, true],
        ]);
        await host.commit();
        expect((await store.listRuns({})).runs).toHaveLength(3);
        expect(await claim(store, 9)).toHaveLength(3);
      }),
    ));

  it("store a batch whole or not at all on a connection of the host's that is in no transaction", () =>
    withStores(1, async ([ledger], url) =>
      withHost(url, async (host) => {
        const { store } = ledger as OpenLedger;
        const [there] = await store.createRunsIn(host, [newRun()]);
        const refused = await store
          .createRunsIn(host, [newRun(), newRun({ id: there?.run.id ?? "" })])
          .catch((error: unknown) => error);
        expect(refused).toMatchObject({ code: "internal_error" });
        expect((await store.listRuns({})).runs.map(({ id }) => id)).toEqual([there?.run.id]);
        // And leaves none open.
        await host.query("set transaction isolation level serializable");
      }),
    ));

  it("let a claim that sleeps between two statements give whole leases, from when it took the runs", async () => {
    const url = await server.createDatabase();
    const gate = new Gate();
    const pool = createPool(url);
    const held = turnedPool(pool, (connection, asked, done) => {
      const go = (): unknown => connection.execute(asked, done);
      if (/stands = .* skip locked/s.test(asked.sql)) void gate.pass().then(go);
      else go();
    });
    await using awake = await openLedger({ url });
    await using sleepy = await openLedger({ pool: held });
    await awake.store.createRuns([newRun({ id: "first" })]);
    const claiming = sleepy.store.claimRuns({ owner: "sleepy", limit: 2, leaseMs: 1_000 });
    await gate.reached;
    await awake.store.createRuns([newRun({ id: "second" })]);
    gate.open();
    expect(await claiming).toHaveLength(2);
    const [pending, running] = await awake.store.readEvents("second", { after: 0, limit: 2 });
    expect(running?.at.getTime()).toBeGreaterThanOrEqual(pending?.at.getTime() ?? Infinity);
    const expiresAt = (await awake.store.getRun("second"))?.lease?.expiresAt.getTime();
    expect(expiresAt).toBeGreaterThanOrEqual((pending?.at.getTime() ?? Infinity) + 1_000);
    await sleepy.store.close();
    await pool.promise().end();
  });
});
