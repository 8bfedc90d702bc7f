import assert from "node:assert/strict";
import { LEASE_MS, moveOf, type Clauses } from "./trial.js";

export const cancelClauses: Clauses = {
  "a pending run is cancelled at once": async (trial) => {
    const run = await trial.submit({ runAt: trial.now(1_000) });
    await trial.clock.advance(10);
    assert.equal(await trial.store.requestCancel(run.id, "wrong month"), "cancelled");
    const cancelRequest = { at: trial.now(), reason: "wrong month" };
    const cancelled = { ...run, status: "cancelled", finishedAt: trial.now(), cancelRequest, lastEventSeq: 2 } as const;
    assert.deepEqual(await trial.get(run.id), cancelled);
    const event = { type: "run.cancelled", reason: "wrong month", runId: run.id, seq: 2, at: trial.now(), attempt: 0 };
    assert.deepEqual((await trial.events(run.id))[1], event);
    await trial.clock.advance(1_000);
    assert.equal((await trial.claim()).length, 0);
  },

  "a running run is marked and logged once, and keeps running": async (trial) => {
    const run = await trial.runAt("running");
    assert.equal(await trial.store.requestCancel(run.id, null), "requested");
    const marked = { ...run, cancelRequest: { at: trial.now(), reason: null }, lastEventSeq: 3 };
    assert.deepEqual(await trial.get(run.id), marked);
    await trial.clock.advance(10);
    await trial.unchanged(run.id, async () => {
      assert.equal(await trial.store.requestCancel(run.id, "another reason"), "requested");
    });
    const requests = (await trial.events(run.id)).filter(({ type }) => type === "run.cancel_requested");
    assert.equal(requests.length, 1);
  },

  "a run that somebody wished to cancel gets no permit, and can be cancelled": async (trial) => {
    const run = await trial.runAt("running");
    await trial.store.requestCancel(run.id, null);
    await trial.unchanged(run.id, async () => {
      const asked = moveOf(run, "committing", { unlessCancelRequested: true, commitId: "c" });
      const outcome = await trial.store.transition(run.id, asked, []);
      assert.deepEqual(outcome, { moved: false, reason: "cancel_requested", run: await trial.get(run.id) });
    });
    assert.equal((await trial.move(run, "cancelled")).status, "cancelled");
  },

  "a wish to cancel outlives the attempt and its owner": async (trial) => {
    const run = await trial.runAt("running");
    await trial.store.requestCancel(run.id, "first");
    await trial.clock.advance(LEASE_MS);
    const [taken] = await trial.takeOver();
    assert.equal(taken?.cancelRequest?.reason, "first");
    await trial.move(taken ?? run, "pending");
    assert.equal(await trial.store.requestCancel(run.id, "second"), "cancelled");
    assert.equal((await trial.get(run.id)).cancelRequest?.reason, "first");
  },

  "a committing run is beyond cancelling": async (trial) => {
    const run = await trial.runAt("committing");
    await trial.unchanged(run.id, async () => {
      assert.equal(await trial.store.requestCancel(run.id, null), "too_late");
    });
  },

  "a finished run and an unknown one are told apart": async (trial) => {
    for (const status of ["succeeded", "failed", "cancelled"] as const) {
      const run = await trial.runAt(status);
      await trial.unchanged(run.id, async () => {
        assert.equal(await trial.store.requestCancel(run.id, null), "already_finished");
      });
    }
    assert.equal(await trial.store.requestCancel("nobody", null), "unknown_run");
  },

  "an owner is told which of its running runs somebody wished to cancel, and of no others": async (trial) => {
    await trial.submitMany(4);
    const [first, second, third] = await trial.claim({ owner: "w-1", limit: 3 });
    assert(first && second && third);
    const other = await trial.claimOne({ owner: "w-2" });
    for (const { id } of [second, first, other]) await trial.store.requestCancel(id, id === first.id ? "why" : null);
    await trial.move(second, "failed");
    assert.deepEqual(await trial.store.cancelRequests("w-1"), [{ runId: first.id, epoch: 1, reason: "why" }]);
    assert.deepEqual(await trial.store.cancelRequests("w-2"), [{ runId: other.id, epoch: 1, reason: null }]);
    assert.deepEqual(await trial.store.cancelRequests("w-3"), []);
    // The wish goes with the run to its next owner.
    await trial.clock.advance(LEASE_MS);
    await trial.takeOver({ owner: "w-3", limit: 1 });
    assert.deepEqual(await trial.store.cancelRequests("w-3"), [{ runId: first.id, epoch: 2, reason: "why" }]);
    assert.deepEqual(await trial.store.cancelRequests("w-1"), []);
  },

  "cancel and permit at once: exactly one wins": async (trial) => {
    for (let round = 0; round < 20; round += 1) {
      const run = await trial.runAt("running");
      const permit = (): Promise<{ readonly moved: boolean }> =>
        trial.store.transition(run.id, moveOf(run, "committing", { unlessCancelRequested: true }), []);
      const cancel = (): Promise<string> => trial.store.requestCancel(run.id, null);
      const [first, second] = round % 2 === 0 ? [permit, cancel] : [cancel, permit];
      const answers = await Promise.all([first(), second()]);
      const outcome = answers.find((answer) => typeof answer === "string");
      const moved = answers.some((answer) => typeof answer !== "string" && answer.moved);
      assert.equal(outcome, moved ? "too_late" : "requested");
    }
  },

  "cancel and claim at once: exactly one wins": async (trial) => {
    for (let round = 0; round < 20; round += 1) {
      const { id } = await trial.submit();
      const [claimed, outcome] = await Promise.all([trial.claim(), trial.store.requestCancel(id, null)]);
      assert.equal(outcome, claimed.length === 1 ? "requested" : "cancelled");
    }
  },
};
