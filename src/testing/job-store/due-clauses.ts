import assert from "node:assert/strict";
import { ids, type Clauses } from "./trial.js";

export const dueClauses: Clauses = {
  "nextDueAt tells of start deadlines too, until the run has started or ended": async (trial) => {
    const both = await trial.submit({ runAt: trial.now(3_000), startDeadline: trial.now(2_000) });
    assert.deepEqual(await trial.store.nextDueAt(), both.startDeadline);
    const ready = await trial.submit({ startDeadline: trial.now(1_000) });
    const later = await trial.submit({ runAt: trial.now(1_500) });
    assert.deepEqual(await trial.store.nextDueAt(), ready.startDeadline);
    assert.deepEqual(ids(await trial.claim()), [ready.id]);
    assert.deepEqual(await trial.store.nextDueAt(), later.runAt);
    await trial.move(await trial.get(ready.id), "pending");
    assert.deepEqual(await trial.store.nextDueAt(), later.runAt);
    await trial.store.requestCancel(later.id, null);
    assert.deepEqual(await trial.store.nextDueAt(), both.startDeadline);
    await trial.store.requestCancel(both.id, null);
    assert.equal(await trial.store.nextDueAt(), undefined);
  },

  "failOverdue fails the runs whose start deadline passed, at most its limit, and no other": async (trial) => {
    const late = await trial.submit({ startDeadline: trial.now(20) });
    const early = await trial.submit({ startDeadline: trial.now(10), runAt: trial.now(50) });
    const needy = await trial.submit({ startDeadline: trial.now(15), connections: ["nobody_has_it"] });
    const retried = await trial.submit({ startDeadline: trial.now(5), priority: 9 });
    const [first] = await trial.claim({ limit: 1 });
    assert.equal(first?.id, retried.id);
    await trial.move(first, "pending");
    await trial.submit({ startDeadline: trial.now(30) });
    assert.deepEqual(await trial.store.failOverdue(9), []);
    await trial.clock.advance(30);
    assert.deepEqual(await trial.store.failOverdue(0), []);
    const failed = [...(await trial.store.failOverdue(2)), ...(await trial.store.failOverdue(9))];
    assert.deepEqual(ids(failed), [early.id, needy.id, late.id]);
    for (const run of failed) {
      assert.equal(run.status, "failed");
      assert.equal(run.error?.code, "start_deadline_passed");
      assert.deepEqual(await trial.get(run.id), run);
      assert.equal((await trial.events(run.id)).at(-1)?.type, "run.failed");
    }
    assert.deepEqual(await trial.store.failOverdue(9), []);
    assert.equal((await trial.claim()).length, 2);
  },
};
