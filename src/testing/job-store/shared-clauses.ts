import assert from "node:assert/strict";
import type { JobRun } from "../../model/run.js";
import { Ear } from "./ear.js";
import { assertWithinLimits, gated } from "./gate-clauses.js";
import { ids, LEASE_MS, moveOf, PROGRESS, type Clauses } from "./trial.js";

/** What a ledger promises that several stores use at once. */
export const sharedClauses: Clauses = {
  "two stores on one ledger never take the same run, nor pass a full gate, when both claim at once": async (trial) => {
    const stores = [trial.store, await trial.reopened()];
    const batch = Array.from({ length: 60 }, (_, number) => {
      const gates = gated({ perJob: number % 2 === 0 ? 3 : 0, key: `k${number % 4}`, perKey: 2 });
      return trial.newRun({ jobName: `job-${number % 3}`, ...gates });
    });
    await trial.store.createRuns(batch);
    const taken: string[] = [];
    let underWay: readonly JobRun[] = [];
    for (let idle = 0; taken.length < batch.length || underWay.length > 0; idle += 1) {
      const claims = [...stores, ...stores].map((store, lane) =>
        store.claimRuns({ owner: `w-${lane}`, limit: 3, leaseMs: LEASE_MS }),
      );
      const claimed = (await Promise.all(claims)).flat();
      taken.push(...ids(claimed));
      underWay = [...underWay, ...claimed];
      assertWithinLimits(underWay);
      if (underWay.length > 0) idle = 0;
      assert(idle < 20, "Nothing starts, although every gate is free.");
      const leaving = underWay.filter((_, index) => index % 2 === 0);
      underWay = underWay.filter((_, index) => index % 2 === 1);
      await Promise.all(leaving.map((run) => trial.move(run, "failed")));
    }
    assert.deepEqual([...taken].sort(), ids(batch));
    await stores[1]?.close();
  },

  "a store refuses the old owner's steps after another store took the run over, and those that a wish to cancel forbids":
    async (trial) => {
      const other = await trial.reopened();
      await trial.submitMany(4);
      const [moved, logged, renewed, wanted] = await trial.claim();
      assert(moved && logged && renewed && wanted);
      assert.equal(await other.requestCancel(wanted.id, "no"), "requested");
      const toCommit = moveOf(wanted, "committing", { commitId: wanted.id, unlessCancelRequested: true });
      const late = await trial.store.transition(wanted.id, toCommit, [PROGRESS]);
      assert.deepEqual([late.moved, !late.moved && late.reason], [false, "cancel_requested"]);
      await trial.clock.advance(LEASE_MS);
      const heir = { owner: "heir", limit: 9, leaseMs: LEASE_MS };
      assert.deepEqual(ids(await other.claimExpired(heir)), ids([moved, logged, renewed, wanted]));
      await trial.unchanged(moved.id, async () => {
        const outcome = await trial.store.transition(moved.id, moveOf(moved, "committing"), [PROGRESS]);
        assert.deepEqual([outcome.moved, !outcome.moved && outcome.reason], [false, "lease_lost"]);
      });
      await trial.unchanged(logged.id, async () => {
        assert.equal(await trial.store.appendEvents(logged.id, 1, [PROGRESS]), false);
      });
      await trial.unchanged(renewed.id, async () => {
        const state = await trial.store.renewLease(renewed.id, { epoch: 1, leaseMs: LEASE_MS });
        assert.deepEqual(state, { held: false });
      });
      await other.close();
    },

  "a store hears within a second what another one did: new runs, wishes to cancel, events": async (trial) => {
    const ear = new Ear(trial);
    const other = await trial.reopened({ onChange: ear.onChange });
    await ear.hears("pending", () => trial.submit());
    const run = await trial.claimOne();
    await ear.hears("run", () => trial.store.appendEvents(run.id, 1, [PROGRESS]), run.id);
    await ear.hears("cancel", () => trial.store.requestCancel(run.id, null), run.id);
    await ear.hears("run", () => trial.move(run, "cancelled"), run.id);
    await other.close();
  },

  "a store whose process has a wrong clock dates and judges like the others": async (trial) => {
    const { clock } = trial;
    const ahead = { now: () => clock.now() + 10_000, after: clock.after.bind(clock) };
    const other = await trial.reopened({ clock: ahead });
    const claim = { owner: "ahead", limit: 9, leaseMs: LEASE_MS };
    const { run } = await trial.create(trial.newRun({ startDeadline: trial.now(5_000) }), other);
    assert.deepEqual(run.createdAt, trial.now());
    await trial.submit({ runAt: trial.now(5_000) });
    const [first, ...others] = await other.claimRuns(claim);
    assert(first && others.length === 0);
    assert.deepEqual([first.id, first.status, first.startedAt], [run.id, "running", trial.now()]);
    assert.deepEqual(first.lease?.expiresAt, trial.now(LEASE_MS));
    await trial.clock.advance(LEASE_MS - 1);
    assert.deepEqual(await other.claimExpired(claim), []);
    await trial.clock.advance(1);
    assert.deepEqual(ids(await other.claimExpired(claim)), [run.id]);
    assert.deepEqual((await trial.get(run.id)).lease?.expiresAt, trial.now(LEASE_MS));
    const again = { from: "running", to: "pending", epoch: 2, delayMs: 1_000 } as const;
    const retrying = {
      type: "run.retrying",
      cause: "error",
      error: null,
      nextAttemptAt: new Date(ahead.now() + 1_000),
    } as const;
    assert((await other.transition(run.id, again, [retrying])).moved);
    assert.deepEqual((await trial.get(run.id)).runAt, trial.now(1_000));
    const last = (await trial.events(run.id)).at(-1);
    assert(last?.type === "run.retrying");
    assert.deepEqual(last.nextAttemptAt, trial.now(1_000));
    assert.equal(await other.requestCancel(run.id, null), "cancelled");
    await trial.clock.advance(5_000);
    assert.equal(await other.pruneRuns({ olderThanMs: 5_000, limit: 9 }), 0);
    await trial.clock.advance(1);
    assert.equal(await other.pruneRuns({ olderThanMs: 5_000, limit: 9 }), 1);
    await other.close();
  },
};
