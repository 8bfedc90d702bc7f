import assert from "node:assert/strict";
import { ERROR, ids, LEASE_MS, moveOf, PROGRESS, type Clauses } from "./trial.js";

export const leaseClauses: Clauses = {
  "a renewal prolongs the lease, and changes nothing else": async (trial) => {
    const run = await trial.runAt("running");
    await trial.clock.advance(10_000);
    const lease = { owner: "worker", epoch: 1, expiresAt: trial.now(LEASE_MS) };
    const state = await trial.store.renewLease(run.id, { epoch: 1, leaseMs: LEASE_MS });
    assert.deepEqual(state, { held: true, lease, cancelRequested: false, cancelReason: null });
    assert.deepEqual(await trial.get(run.id), { ...run, lease });
    await trial.clock.advance(LEASE_MS - 1);
    assert.equal((await trial.takeOver()).length, 0);
  },

  "a renewal tells of a wish to cancel and its reason": async (trial) => {
    const { id } = await trial.runAt("running");
    await trial.store.requestCancel(id, "wrong month");
    const state = await trial.store.renewLease(id, { epoch: 1, leaseMs: LEASE_MS });
    assert(state.held && state.cancelRequested && state.cancelReason === "wrong month");
  },

  "another epoch, a run without a lease and an unknown run are not held": async (trial) => {
    const renew = async (id: string, epoch: number): Promise<void> => {
      assert.deepEqual(await trial.store.renewLease(id, { epoch, leaseMs: LEASE_MS }), { held: false });
    };
    const { id } = await trial.submit();
    await trial.unchanged(id, () => renew(id, 0));
    await trial.claimOne();
    await trial.unchanged(id, () => renew(id, 0));
    await trial.unchanged(id, () => renew(id, 2));
    await trial.move(await trial.get(id), "pending");
    await trial.unchanged(id, () => renew(id, 1));
    await renew("nobody", 1);
  },

  "a lease that ran out is still its owner's until somebody takes it": async (trial) => {
    const run = await trial.runAt("running");
    await trial.clock.advance(2 * LEASE_MS);
    assert((await trial.store.renewLease(run.id, { epoch: 1, leaseMs: LEASE_MS })).held);
    assert.equal((await trial.takeOver()).length, 0);
    await trial.clock.advance(2 * LEASE_MS);
    assert((await trial.store.appendEvents(run.id, 1, [PROGRESS])) && (await trial.move(run, "committing")));
  },

  "live runs are never taken over": async (trial) => {
    const runs = [await trial.runAt("running"), await trial.runAt("committing")];
    await trial.submit();
    await trial.clock.advance(LEASE_MS - 1);
    for (const { id } of runs) {
      await trial.unchanged(id, async () => assert.equal((await trial.takeOver()).length, 0));
    }
  },

  "a run whose lease ran out goes to the heir as it is, under the next epoch": async (trial) => {
    for (const status of ["running", "committing"] as const) {
      const run = await trial.runAt(status);
      await trial.clock.advance(LEASE_MS);
      const taken = await trial.takeOver({ owner: "heir", leaseMs: 5_000 });
      assert.deepEqual(taken, [{ ...run, lease: { owner: "heir", epoch: 2, expiresAt: trial.now(5_000) } }]);
      assert.deepEqual(await trial.get(run.id), taken[0]);
      assert.deepEqual(await trial.takeOver(), []);
      await trial.move(taken[0] ?? run, "failed");
    }
  },

  "the old owner of a run that was taken over can do nothing more": async (trial) => {
    const old = await trial.runAt("running");
    await trial.clock.advance(LEASE_MS);
    const [run] = await trial.takeOver();
    assert(run);
    await trial.unchanged(run.id, async () => {
      for (const to of ["committing", "pending", "failed", "cancelled"] as const) {
        const outcome = await trial.store.transition(run.id, moveOf(old, to), [PROGRESS]);
        assert.deepEqual(outcome, { moved: false, reason: "lease_lost", run });
      }
      assert.equal(await trial.store.appendEvents(run.id, 1, [PROGRESS]), false);
      assert.deepEqual(await trial.store.renewLease(run.id, { epoch: 1, leaseMs: LEASE_MS }), { held: false });
    });
    assert.equal((await trial.move(run, "failed", { error: ERROR, countRecovery: true })).recoveries, 1);
  },

  "epochs rise over retries, so that an owner of long ago stays fenced": async (trial) => {
    await trial.submit();
    const first = await trial.claimOne();
    await trial.move(first, "pending");
    const second = await trial.claimOne();
    assert.equal(second.lease?.epoch, 2);
    const outcome = await trial.store.transition(first.id, moveOf(first, "committing"), []);
    assert.deepEqual(outcome, { moved: false, reason: "lease_lost", run: second });
  },

  "a take-over takes at most its limit, and take-overs at once never the same run": async (trial) => {
    const runs = await trial.submitMany(20);
    await trial.claim({ limit: 20 });
    await trial.clock.advance(LEASE_MS);
    assert.equal((await trial.takeOver({ limit: 0 })).length, 0);
    const heirs = await Promise.all(
      Array.from({ length: 8 }, (_, number) => trial.takeOver({ owner: `h-${number}`, limit: 3 })),
    );
    assert(heirs.every((taken) => taken.length <= 3));
    assert.deepEqual([...ids(heirs.flat())].sort(), ids(runs));
  },
};
