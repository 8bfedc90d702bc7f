import { afterAll, beforeAll, expect, it } from "vitest";
import { isJobError } from "../../../src/model/job-error.js";
import { describePostgres } from "../../support/describe-postgres.js";
import { startPostgres, type PostgresServer } from "../../support/postgres-server.js";
import { claim, newRun, openLedger, query, succeed, type OpenLedger } from "./ledger-harness.js";
import { tcpRelay } from "./tcp-relay.js";

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

describePostgres("a ledger in Postgres through outages", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("works again by itself after a restart, and tells that changes may have been missed", async ({ skip }) => {
    if (!server.controlled) skip("the server may not be stopped");
    const url = await server.createDatabase();
    await using ledger = await openLedger({ url });
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
    await ledger.heard(({ kind }) => kind === "unknown");
  });

  it("loses and doubles nothing that it answered while the server is killed again and again", async ({ skip }) => {
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
      "select r.id, e.events from millrace_runs r cross join lateral (select count(*)::int as events from millrace_run_events where run_seq = r.seq) e",
    );
    const stored = new Map(rows.map(({ id, events }) => [id, events]));
    for (const id of known) expect(stored.get(id)).toBe(1);
  });

  it("goes on when its connections are cut", async () => {
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
    await ledger.heard(({ kind }) => kind === "unknown");
  });

  it(
    "answers within a bounded time on a half-open socket, and goes on when the network is back",
    { timeout: 60_000 },
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
