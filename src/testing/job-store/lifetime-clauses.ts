import assert from "node:assert/strict";
import type { JobStore } from "../../ports/job-store.js";
import { ids, LEASE_MS, PROGRESS, refused, type Clauses } from "./trial.js";

export const lifetimeClauses: Clauses = {
  "opening twice does nothing": async (trial) => {
    assert.equal(trial.store.isOpen, true);
    const { id } = await trial.submit();
    await Promise.all([trial.store.open(trial.subject), trial.store.open(trial.subject)]);
    assert.equal((await trial.get(id)).status, "pending");
  },

  "closing twice does nothing, and a closed store takes no calls": async (trial) => {
    const run = trial.newRun();
    await Promise.all([trial.store.close(), trial.store.close()]);
    await trial.store.close();
    assert.equal(trial.store.isOpen, false);
    for (const call of callsOf(trial.store)) await refused("store_unavailable", call);
    await refused("store_unavailable", () => trial.create(run));
  },

  "a closed store can be opened again": async (trial) => {
    await trial.store.close();
    await trial.store.open(trial.subject);
    assert.equal(trial.store.isOpen, true);
    await trial.submit();
  },

  "closing ends what is under way: it is answered, or refused": async (trial) => {
    const answers = Promise.allSettled(Array.from({ length: 200 }, () => trial.submit()));
    await trial.store.close();
    for (const answer of await answers) {
      if (answer.status === "rejected")
        await refused("store_unavailable", () => Promise.reject(answer.reason as Error));
    }
  },

  "runs, logs, leases and order outlive a store": async (trial) => {
    await trial.runAt("succeeded", { id: "done", idempotencyKey: "k" });
    await trial.runAt("failed", { id: "failed" });
    const running = await trial.runAt("running", { id: "running" });
    await trial.store.appendEvents(running.id, 1, [PROGRESS]);
    await trial.store.requestCancel(running.id, "wrong month");
    await trial.submit({ id: "later", runAt: trial.now(1_000) });
    await trial.submit({ id: "low", priority: -1 });
    await trial.submit({ id: "high", priority: 1 });
    const before = await contents(trial.store);
    await trial.store.close();
    const again = await trial.reopened();
    assert.deepEqual(await contents(again), before);
    assert.equal((await trial.create(trial.newRun({ idempotencyKey: "k" }), again)).run.id, "done");
    assert.deepEqual(await again.nextDueAt(), trial.now(1_000));
    assert.deepEqual(ids(await again.claimRuns({ owner: "w", limit: 9, leaseMs: LEASE_MS })), ["high", "low"]);
    await trial.create(trial.newRun({ id: "newest" }), again);
    assert.equal((await again.listRuns({ limit: 1 })).runs[0]?.id, "newest");
    await again.close();
  },

  "every act that was answered is there, although nobody closed the store": async (trial) => {
    const run = await trial.runAt("running");
    await trial.store.appendEvents(run.id, 1, [PROGRESS]);
    const before = await contents(trial.store);
    const again = await trial.reopened();
    assert.deepEqual(await contents(again), before);
    await trial.clock.advance(LEASE_MS);
    const [taken] = await again.claimExpired({ owner: "heir", limit: 1, leaseMs: LEASE_MS });
    assert.equal(taken?.lease?.epoch, 2);
    await again.close();
  },
};

async function contents(store: JobStore): Promise<unknown> {
  const { runs } = await store.listRuns({ limit: 1_000 });
  return Promise.all(runs.map(async (run) => [run, await store.readEvents(run.id, { after: 0, limit: 1_000 })]));
}

function callsOf(store: JobStore): readonly (() => Promise<unknown>)[] {
  const claim = { owner: "w", limit: 1, leaseMs: LEASE_MS };
  return [
    () => store.getRun("run-0001"),
    () => store.listRuns({}),
    () => store.createRuns([]),
    () => store.claimRuns(claim),
    () => store.failOverdue(1),
    () => store.missingConnections([]),
    () => store.cancelRequests("w"),
    () => store.nextDueAt(),
    () => store.renewLease("run-0001", { epoch: 1, leaseMs: LEASE_MS }),
    () => store.transition("run-0001", { from: "running", to: "failed", epoch: 1 }, []),
    () => store.appendEvents("run-0001", 1, [PROGRESS]),
    () => store.requestCancel("run-0001", null),
    () => store.claimExpired(claim),
    () => store.readEvents("run-0001", { after: 0, limit: 1 }),
    () => store.pruneRuns({ olderThanMs: 0, limit: 1 }),
  ];
}
