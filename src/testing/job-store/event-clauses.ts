import assert from "node:assert/strict";
import type { RunEventBody } from "../../model/run-event.js";
import { ERROR, LEASE_MS, moveOf, PROGRESS, type Clauses } from "./trial.js";

export const eventClauses: Clauses = {
  "the log of a run tells its life in order": async (trial) => {
    await trial.submit();
    await trial.move(await trial.claimOne(), "pending", { error: ERROR });
    const running = await trial.claimOne();
    await trial.store.appendEvents(running.id, 2, [PROGRESS, PROGRESS]);
    const done = await trial.move(await trial.move(running, "committing"), "succeeded");
    const events = await trial.events(done.id);
    assert.deepEqual(
      events.map(({ type, seq, attempt }) => `${seq} ${type} ${attempt}`),
      [
        ...["1 run.pending 0", "2 run.running 1", "3 run.retrying 1", "4 run.running 2"],
        ...["5 run.progress 2", "6 run.progress 2", "7 run.committing 2", "8 run.succeeded 2"],
      ],
    );
    assert.equal(done.lastEventSeq, events.length);
  },

  "events are numbered from 1 without a gap, however many acts add some at once": async (trial) => {
    const run = await trial.runAt("running");
    const two: readonly RunEventBody[] = [PROGRESS, { ...PROGRESS, rows: 4_096 }];
    await Promise.all([
      ...Array.from({ length: 40 }, () => trial.store.appendEvents(run.id, 1, two)),
      trial.store.requestCancel(run.id, null),
      trial.store.transition(run.id, moveOf(run, "committing"), [
        { type: "run.committing", commitId: "c", rowsStaged: 0 },
      ]),
      ...Array.from({ length: 40 }, () => trial.store.appendEvents(run.id, 1, two)),
      trial.store.renewLease(run.id, { epoch: 1, leaseMs: LEASE_MS }),
    ]);
    const events = await trial.events(run.id);
    assert.deepEqual(
      events.map(({ seq }) => seq),
      Array.from({ length: 2 + 160 + 2 }, (_, index) => index + 1),
    );
    assert.equal((await trial.get(run.id)).lastEventSeq, events.length);
  },

  "events are dated when they are stored, and belong to the attempt under way": async (trial) => {
    const run = await trial.runAt("running");
    await trial.clock.advance(250);
    assert.equal(await trial.store.appendEvents(run.id, 1, [PROGRESS]), true);
    assert.deepEqual((await trial.events(run.id)).at(-1), {
      ...PROGRESS,
      runId: run.id,
      seq: 3,
      at: trial.now(),
      attempt: 1,
    });
    const after = await trial.get(run.id);
    assert.deepEqual(after, { ...run, lastEventSeq: 3 });
  },

  "only the holder of the lease adds events": async (trial) => {
    const pending = await trial.submit();
    await trial.unchanged(pending.id, async () => {
      assert.equal(await trial.store.appendEvents(pending.id, 0, [PROGRESS]), false);
      assert.equal(await trial.store.appendEvents(pending.id, 1, [PROGRESS]), false);
    });
    const running = await trial.claimOne();
    await trial.unchanged(running.id, async () => {
      assert.equal(await trial.store.appendEvents(running.id, 2, [PROGRESS]), false);
      assert.equal(await trial.store.appendEvents(running.id, 1, []), true);
    });
    assert.equal(await trial.store.appendEvents("nobody", 1, [PROGRESS]), false);
  },

  "events are read after a number and up to a limit": async (trial) => {
    const { id } = await trial.runAt("running");
    await trial.store.appendEvents(
      id,
      1,
      Array.from({ length: 8 }, () => PROGRESS),
    );
    const seqs = async (after: number, limit: number): Promise<readonly number[]> =>
      (await trial.store.readEvents(id, { after, limit })).map(({ seq }) => seq);
    assert.deepEqual(await seqs(0, 3), [1, 2, 3]);
    assert.deepEqual(await seqs(3, 3), [4, 5, 6]);
    assert.deepEqual(await seqs(8, 100), [9, 10]);
    assert.deepEqual(await seqs(10, 100), []);
    assert.deepEqual(await seqs(99, 100), []);
    assert.deepEqual(await seqs(0, 0), []);
  },

  "the logs of two runs do not mix": async (trial) => {
    const [one, other] = [await trial.runAt("running"), await trial.runAt("running")];
    await trial.store.appendEvents(one.id, 1, [PROGRESS]);
    assert.equal((await trial.events(other.id)).length, 2);
    assert((await trial.events(one.id)).every(({ runId }) => runId === one.id));
  },
};
