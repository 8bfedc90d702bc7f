import assert from "node:assert/strict";
import { ERROR, ids, LEASE_MS, type Clauses } from "./trial.js";

export const claimClauses: Clauses = {
  "a claim starts a run under a lease, and logs it": async (trial) => {
    const submitted = await trial.submit();
    await trial.clock.advance(10);
    const run = await trial.claimOne({ owner: "w-1" });
    const lease = { owner: "w-1", epoch: 1, expiresAt: trial.now(LEASE_MS) };
    const started = { status: "running", attempt: 1, startedAt: trial.now(), lease, lastEventSeq: 2 } as const;
    assert.deepEqual(run, { ...submitted, ...started });
    assert.deepEqual(await trial.get(run.id), run);
    assert.deepEqual((await trial.events(run.id))[1], {
      ...{ type: "run.running", owner: "w-1" },
      ...{ runId: run.id, seq: 2, at: trial.now(), attempt: 1 },
    });
  },

  "the highest priority starts first, and the oldest within one": async (trial) => {
    const priorities = [0, 5, -1, 5, 0, 2 ** 40, -0.5];
    for (const priority of priorities) await trial.submit({ priority });
    const claimed = [...(await trial.claim({ limit: 3 })), ...(await trial.claim({ limit: 9 }))];
    assert.deepEqual(ids(claimed), [
      "run-0006",
      "run-0002",
      "run-0004",
      "run-0001",
      "run-0005",
      "run-0007",
      "run-0003",
    ]);
  },

  "runs of one priority start in the order of their submission, however many are asked for at once": async (trial) => {
    const runs = await Promise.all(Array.from({ length: 200 }, () => trial.submit()));
    const claimed: string[] = [];
    while (claimed.length < runs.length) claimed.push(...ids(await trial.claim({ limit: 64 })));
    assert.deepEqual(claimed, ids(runs));
  },

  "a claim takes at most its limit, and nothing when nothing is pending": async (trial) => {
    await trial.submitMany(3);
    assert.equal((await trial.claim({ limit: 0 })).length, 0);
    assert.equal((await trial.claim({ limit: 2 })).length, 2);
    assert.equal((await trial.claim({ limit: 2 })).length, 1);
    assert.equal((await trial.claim({ limit: 2 })).length, 0);
  },

  "claims at once never take the same run": async (trial) => {
    const runs = await trial.submitMany(50);
    const claims = Array.from({ length: 12 }, (_, number) => trial.claim({ owner: `w-${number}`, limit: 5 }));
    const claimed = (await Promise.all(claims)).flat();
    assert.deepEqual([...ids(claimed)].sort(), ids(runs));
    for (const run of claimed) assert.deepEqual(await trial.get(run.id), run);
  },

  "a run does not start before its time, which nextDueAt tells": async (trial) => {
    assert.equal(await trial.store.nextDueAt(), undefined);
    const later = await trial.submit({ runAt: trial.now(2_000) });
    const sooner = await trial.submit({ runAt: trial.now(1_000) });
    await trial.submit({ runAt: trial.now(-1_000) });
    assert.deepEqual(await trial.store.nextDueAt(), sooner.runAt);
    assert.deepEqual(ids(await trial.claim()), ["run-0003"]);
    await trial.clock.advance(999);
    assert.equal((await trial.claim()).length, 0);
    await trial.clock.advance(1);
    assert.deepEqual(await trial.store.nextDueAt(), later.runAt);
    assert.deepEqual(ids(await trial.claim()), [sooner.id]);
    await trial.store.requestCancel(later.id, null);
    assert.equal(await trial.store.nextDueAt(), undefined);
  },

  "runs whose time has come stand in line by priority and submission like all others": async (trial) => {
    await trial.submit({ priority: 1, runAt: trial.now(100) });
    await trial.submit({ priority: 1 });
    await trial.submit({ priority: 2, runAt: trial.now(100) });
    await trial.submit({ priority: 3, runAt: trial.now(101) });
    await trial.clock.advance(100);
    assert.deepEqual(ids(await trial.claim()), ["run-0003", "run-0001", "run-0002"]);
  },

  "a run whose start deadline has passed fails instead, first of all and whatever it waits for": async (trial) => {
    await trial.submit({ priority: 9 });
    const overdue = await trial.submit({ startDeadline: trial.now(10) });
    const waiting = await trial.submit({ startDeadline: trial.now(10), runAt: trial.now(1_000_000) });
    await trial.clock.advance(11);
    const claimed = await trial.claim({ limit: 2 });
    assert.deepEqual(ids(claimed), [overdue.id, waiting.id]);
    for (const run of claimed) {
      const { status, attempt, startedAt, finishedAt, lease, error } = run;
      assert.deepEqual(
        { status, attempt, startedAt, finishedAt, lease },
        { status: "failed", attempt: 0, startedAt: null, finishedAt: trial.now(), lease: null },
      );
      assert.equal(error?.code, "start_deadline_passed");
      assert.deepEqual(await trial.get(run.id), run);
      const last = (await trial.events(run.id)).at(-1);
      assert(last?.type === "run.failed" && last.seq === 2 && last.attempt === 0);
      assert.deepEqual(last.error, error);
    }
    assert.deepEqual(ids(await trial.claim()), ["run-0001"]);
  },

  "a run may still start at its deadline": async (trial) => {
    await trial.submit({ startDeadline: trial.now(10) });
    await trial.clock.advance(10);
    assert.equal((await trial.claimOne()).status, "running");
  },

  "a start deadline no longer matters once an attempt has begun": async (trial) => {
    await trial.submit({ startDeadline: trial.now(10) });
    await trial.move(await trial.claimOne(), "pending", { uncountAttempt: true });
    await trial.clock.advance(11);
    assert.equal((await trial.claimOne()).status, "running");
  },

  "the next attempt has a higher epoch, no error yet, and the first one's start": async (trial) => {
    await trial.submit();
    const first = await trial.claimOne();
    await trial.clock.advance(5);
    const waiting = await trial.move(first, "pending", { error: ERROR });
    const second = await trial.claimOne({ owner: "w-2" });
    assert.deepEqual(waiting.error, ERROR);
    assert.equal(second.error, null);
    assert.equal(second.attempt, 2);
    assert.equal(second.lease?.epoch, 2);
    assert.deepEqual(second.startedAt, first.startedAt);
  },

  "runs that are not pending are never claimed": async (trial) => {
    for (const status of ["succeeded", "failed", "cancelled", "committing", "running"] as const) {
      await trial.runAt(status);
    }
    assert.equal((await trial.claim()).length, 0);
  },
};
