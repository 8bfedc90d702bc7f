import { afterAll, beforeAll, expect, it } from "vitest";
import { isJobError } from "../../../../src/model/job-error.js";
import { describeMysql } from "../../../support/describe-mysql.js";
import { startMariadb, type MariadbServer } from "../../../support/mariadb-server.js";
import { tcpRelay } from "../../postgres/tcp-relay.js";
import { claim, newRun, openLedger, query, succeed, type OpenLedger } from "./ledger-harness.js";

/** Asks until the ledger answers; whatever it answers before is `store_unavailable`. */
async function untilAnswered<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!isJobError(error, "store_unavailable")) throw error;
    }
  }
}

async function works({ store }: OpenLedger): Promise<void> {
  const [created] = await untilAnswered(() => store.createRuns([newRun()]));
  const runs = await untilAnswered(() => claim(store, 1_000));
  const run = runs.find(({ id }) => id === created?.run.id);
  if (!run) throw new Error("the run was not claimed");
  await succeed(store, run);
}

describeMysql("a ledger in MySQL through outages", () => {
  let server: MariadbServer;
  beforeAll(async () => {
    server = await startMariadb({ fsync: false });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("works again by itself after a restart", { timeout: 60_000 }, async ({ skip }) => {
    if (!server.controlled) skip("the server may not be stopped");
    await using ledger = await openLedger({ url: await server.createDatabase() });
    await works(ledger);
    await server.restart();
    await works(ledger);
    await server.stop();
    await expect(ledger.store.createRuns([newRun()])).rejects.toMatchObject({
      code: "store_unavailable",
      retryable: true,
    });
    await server.start();
    await works(ledger);
  });

  it(
    "loses and doubles nothing that it answered while the server is killed again and again",
    { timeout: 120_000 },
    async ({ skip }) => {
      if (!server.controlled) skip("the server may not be stopped");
      const url = await server.createDatabase();
      await using ledger = await openLedger({ url });
      const { store } = ledger;
      const known = new Set<string>();
      let ended = false;
      const submitting = (async () => {
        while (!ended) {
          try {
            for (const { run } of await store.createRuns([newRun(), newRun()])) known.add(run.id);
          } catch (error) {
            if (!isJobError(error, "store_unavailable")) throw error;
          }
        }
      })();
      for (let kills = 0; kills < 3; kills += 1) {
        const before = known.size;
        while (known.size < before + 20) await new Promise((resolve) => setImmediate(resolve));
        await server.restart("kill");
      }
      ended = true;
      await submitting;
      const rows = await query(
        url,
        `select cast(r.id as char) as id, count(e.seq) as events, count(d.run_seq) as definitions from millrace_runs r
       left join millrace_run_events e on e.run_seq = r.seq
       left join millrace_run_definitions d on d.run_seq = r.seq group by r.id`,
      );
      const stored = new Map(
        rows.map(({ id, events, definitions }) => [id as unknown, [events, definitions] as unknown]),
      );
      expect(known.size).toBeGreaterThanOrEqual(60);
      for (const id of known) expect(stored.get(id)).toEqual([1, 1]);
      // What was not answered is there whole, or not at all.
      expect(new Set([...stored.values()].map(String))).toEqual(new Set(["1,1"]));
    },
  );

  it("goes on when its connections are cut", { timeout: 60_000 }, async () => {
    const url = await server.createDatabase();
    await using relay = await tcpRelay(url);
    await using ledger = await openLedger({ url: relay.url });
    await works(ledger);
    for (let cuts = 0; cuts < 5; cuts += 1) {
      const act = works(ledger).catch((error: unknown) => error);
      relay.cut();
      const failure = await act;
      // A transition may have been cut in its commit.
      if (failure !== undefined) expect(failure).toMatchObject({ code: "store_unavailable" });
      await works(ledger);
    }
  });

  it(
    "goes on when the server kills its connections, and those that nobody used for long",
    { timeout: 60_000 },
    async () => {
      const url = await server.createDatabase();
      await using ledger = await openLedger({ url });
      await works(ledger);
      for (let kills = 0; kills < 3; kills += 1) {
        const others = await query(url, "select id from information_schema.processlist where db = database()");
        for (const { id } of others) await query(url, `kill ${Number(id)}`).catch(() => undefined);
        await works(ledger);
      }
    },
  );

  it(
    "answers within a bounded time on a half-open socket, and goes on when the network is back",
    { timeout: 120_000 },
    async () => {
      const url = await server.createDatabase();
      await using relay = await tcpRelay(url);
      await using ledger = await openLedger({ url: relay.url });
      await works(ledger);
      relay.freeze();
      const acts = [ledger.store.createRuns([newRun()]), ledger.store.getRun("x"), claim(ledger.store, 1)];
      for (const outcome of await Promise.allSettled(acts)) {
        expect(outcome).toMatchObject({ status: "rejected", reason: { code: "store_unavailable" } });
      }
      relay.thaw();
      relay.cut();
      await works(ledger);
    },
  );
});
