import assert from "node:assert/strict";
import { isTerminal, mayMove, RUN_STATUSES } from "../../model/run-status.js";
import { ERROR, LEASE_MS, moveOf, type Clauses } from "./trial.js";

export const transitionClauses: Clauses = {
  "every move of the table is made, and no other": async (trial) => {
    for (const from of RUN_STATUSES) {
      for (const to of RUN_STATUSES) {
        const run = await trial.runAt(from);
        const legal = mayMove(from, to) && to !== "running";
        const outcome = await trial.store.transition(run.id, moveOf(run, to), []);
        assert.equal(outcome.moved, legal, `${from} to ${to}`);
        if (!outcome.moved) assert.equal(outcome.reason, "wrong_status", `${from} to ${to}`);
        assert.equal((await trial.get(run.id)).status, legal ? to : from);
        // Nothing may be left for the next claim.
        await trial.store.requestCancel(run.id, null);
        await trial.claim();
      }
    }
  },

  "a move from another status than the run's is refused, and changes nothing": async (trial) => {
    for (const status of RUN_STATUSES) {
      const run = await trial.runAt(status);
      for (const from of RUN_STATUSES.filter((other) => other !== status)) {
        for (const to of RUN_STATUSES) {
          await trial.unchanged(run.id, async () => {
            const outcome = await trial.store.transition(run.id, { ...moveOf(run, to), from }, [
              { type: "run.cancelled", reason: null },
            ]);
            assert.deepEqual(outcome, { moved: false, reason: "wrong_status", run });
          });
        }
      }
      await trial.store.requestCancel(run.id, null);
    }
  },

  "an owner of another epoch is fenced off, whatever it asks for": async (trial) => {
    for (const status of ["running", "committing"] as const) {
      const run = await trial.runAt(status);
      for (const epoch of [0, 2, -1]) {
        for (const from of RUN_STATUSES) {
          await trial.unchanged(run.id, async () => {
            const outcome = await trial.store.transition(run.id, { from, to: "failed", epoch, error: ERROR }, []);
            assert.deepEqual(outcome, { moved: false, reason: "lease_lost", run });
          });
        }
      }
    }
  },

  "a move of an unknown run is a value": async (trial) => {
    const outcome = await trial.store.transition("nobody", { from: "running", to: "failed", epoch: 1 }, []);
    assert.deepEqual(outcome, { moved: false, reason: "unknown_run" });
  },

  "what goes with a move is kept, and what is absent stays": async (trial) => {
    await trial.submit();
    const first = await trial.move(await trial.claimOne(), "pending", { error: ERROR });
    assert.deepEqual(first.error, ERROR);
    const committing = await trial.move(await trial.claimOne(), "committing", { commitId: "commit-1" });
    assert.equal(committing.commitId, "commit-1");
    const again = await trial.move(committing, "pending", { error: { ...ERROR, message: "deadlock" } });
    assert.equal(again.commitId, "commit-1");
    assert.equal(again.error?.message, "deadlock");
    const running = await trial.claimOne();
    assert.equal(running.commitId, "commit-1");
    const staged = await trial.move(running, "committing", { commitId: "commit-2" });
    const done = await trial.move(staged, "succeeded", { rowsWritten: 0, snapshotId: "v17" });
    const { commitId, rowsWritten, snapshotId, error } = done;
    assert.deepEqual(
      { commitId, rowsWritten, snapshotId, error },
      { commitId: "commit-2", rowsWritten: 0, snapshotId: "v17", error: null },
    );
    assert.deepEqual(await trial.get(done.id), done);
  },

  "an error stays until the next attempt begins": async (trial) => {
    await trial.submit();
    const waiting = await trial.move(await trial.claimOne(), "pending", { error: ERROR });
    assert.deepEqual((await trial.move(waiting, "cancelled")).error, ERROR);
  },

  "dates are set once": async (trial) => {
    const { id, createdAt } = await trial.submit();
    await trial.clock.advance(1);
    const { startedAt } = await trial.claimOne();
    assert.deepEqual(startedAt, trial.now());
    await trial.clock.advance(1);
    await trial.move(await trial.get(id), "pending");
    await trial.clock.advance(1);
    const committing = await trial.move(await trial.claimOne(), "committing");
    assert.equal(committing.finishedAt, null);
    await trial.clock.advance(1);
    const done = await trial.move(committing, "succeeded");
    const finishedAt = trial.now();
    await trial.clock.advance(1);
    await trial.store.transition(id, moveOf(done, "failed"), []);
    const { createdAt: created, startedAt: started, finishedAt: finished } = await trial.get(id);
    assert.deepEqual({ created, started, finished }, { created: createdAt, started: startedAt, finished: finishedAt });
  },

  "a delayed retry waits its time, and an undelayed one does not": async (trial) => {
    await trial.submit();
    const waiting = await trial.move(await trial.claimOne(), "pending", { delayMs: 500 });
    assert.deepEqual(waiting.runAt, trial.now(500));
    assert.equal((await trial.claim()).length, 0);
    assert.deepEqual(await trial.store.nextDueAt(), waiting.runAt);
    await trial.clock.advance(500);
    await trial.move(await trial.claimOne(), "pending");
    assert.equal((await trial.claim()).length, 1);
  },

  "an attempt can go uncounted, and a recovery is counted": async (trial) => {
    await trial.submit();
    const handedBack = await trial.move(await trial.claimOne(), "pending", { uncountAttempt: true });
    assert.deepEqual([handedBack.attempt, handedBack.recoveries], [0, 0]);
    const recovered = await trial.move(await trial.claimOne(), "pending", {
      uncountAttempt: true,
      countRecovery: true,
    });
    assert.deepEqual([recovered.attempt, recovered.recoveries], [0, 1]);
    const counted = await trial.move(await trial.claimOne(), "pending");
    assert.deepEqual([counted.attempt, counted.recoveries], [1, 1]);
    const failed = await trial.move(await trial.claimOne(), "failed", { uncountAttempt: true, countRecovery: true });
    assert.deepEqual([failed.attempt, failed.recoveries], [2, 2]);
    // Events belong to the attempt that they end, also when it does not count.
    const attempts = (await trial.events(failed.id)).map(({ attempt }) => attempt);
    assert.deepEqual(attempts, [0, 1, 1, 1, 1, 1, 1, 2, 2]);
  },

  "a lease stays with the move to committing, is prolonged when asked, and ends with every other": async (trial) => {
    await trial.submit();
    const running = await trial.claimOne();
    await trial.clock.advance(1_000);
    const kept = await trial.move(running, "committing");
    assert.deepEqual(kept.lease, running.lease);
    assert.equal((await trial.move(kept, "pending", { renewLeaseMs: 5_000 })).lease, null);
    const prolonged = await trial.move(await trial.claimOne(), "committing", { renewLeaseMs: 2 * LEASE_MS });
    assert.deepEqual(prolonged.lease, { owner: "worker", epoch: 2, expiresAt: trial.now(2 * LEASE_MS) });
    assert.equal((await trial.move(prolonged, "succeeded")).lease, null);
    for (const status of RUN_STATUSES.filter(isTerminal)) assert.equal((await trial.runAt(status)).lease, null);
  },

  "of two moves at once one is made": async (trial) => {
    for (let round = 0; round < 20; round += 1) {
      const run = await trial.runAt("committing");
      const outcomes = await Promise.all(
        (["succeeded", "failed"] as const).map((to) => trial.store.transition(run.id, moveOf(run, to), [])),
      );
      const [made, ...others] = outcomes.filter(({ moved }) => moved);
      assert(made?.moved && others.length === 0);
      assert.equal((await trial.get(run.id)).status, made.run.status);
      assert(outcomes.some((outcome) => !outcome.moved && outcome.reason === "wrong_status"));
    }
  },

  "terminal is final": async (trial) => {
    for (const status of RUN_STATUSES.filter(isTerminal)) {
      const run = await trial.runAt(status);
      await trial.unchanged(run.id, async () => {
        for (const to of RUN_STATUSES) {
          assert(
            !(await trial.store.transition(run.id, moveOf(run, to), [{ type: "run.cancelled", reason: null }])).moved,
          );
        }
        assert.equal(await trial.store.appendEvents(run.id, 1, [{ type: "run.progress", rows: 1, bytes: 1 }]), false);
        assert.equal(await trial.store.requestCancel(run.id, "too late"), "already_finished");
        assert.equal((await trial.store.renewLease(run.id, { epoch: 1, leaseMs: LEASE_MS })).held, false);
        await trial.clock.advance(10 * LEASE_MS);
        assert.equal((await trial.takeOver()).length, 0);
        assert.equal((await trial.claim()).length, 0);
      });
    }
  },
};
