import assert from "node:assert/strict";
import type { RunStatus } from "../../model/run-status.js";
import { ids, type Clauses } from "./trial.js";

export const pruneClauses: Clauses = {
  "pruning deletes at most its limit of finished runs, oldest first, with their logs": async (trial) => {
    const runs = [];
    for (const status of ["succeeded", "failed", "cancelled", "succeeded"] as const) {
      runs.push(await trial.runAt(status));
      await trial.clock.advance(1_000);
    }
    const olderThanMs = 1_000;
    assert.equal(await trial.store.pruneRuns({ olderThanMs, limit: 0 }), 0);
    assert.equal(await trial.store.pruneRuns({ olderThanMs, limit: 2 }), 2);
    assert.deepEqual(ids((await trial.store.listRuns({})).runs), ["run-0004", "run-0003"]);
    assert.equal(await trial.store.getRun("run-0001"), undefined);
    assert.deepEqual(await trial.events("run-0001"), []);
    // Only what finished before: the last one finished at that very instant.
    assert.equal(await trial.store.pruneRuns({ olderThanMs, limit: 2 }), 1);
    assert.deepEqual(ids((await trial.store.listRuns({})).runs), ["run-0004"]);
  },

  "pruning takes only the statuses asked for, oldest first among them all": async (trial) => {
    const statuses = ["failed", "succeeded", "cancelled", "failed", "succeeded"] as const;
    for (const [index, status] of statuses.entries()) {
      await trial.runAt(status, { id: `${status} ${index}` });
      await trial.clock.advance(1_000);
    }
    const prune = async (limit: number, ...asked: readonly RunStatus[]): Promise<readonly string[]> => {
      const before = ids((await trial.store.listRuns({})).runs);
      const count = await trial.store.pruneRuns({ olderThanMs: 0, limit, statuses: asked });
      const left = ids((await trial.store.listRuns({})).runs);
      assert.equal(before.length - left.length, count);
      return before.filter((id) => !left.includes(id)).reverse();
    };
    assert.deepEqual(await prune(9), []);
    assert.deepEqual(await prune(9, "pending", "running", "committing"), []);
    assert.deepEqual(await prune(1, "failed"), ["failed 0"]);
    assert.deepEqual(await prune(2, "succeeded", "failed", "succeeded"), ["succeeded 1", "failed 3"]);
    assert.deepEqual(await prune(9, "cancelled", "pending"), ["cancelled 2"]);
    assert.deepEqual(await prune(9, "succeeded"), ["succeeded 4"]);
  },

  "pruning goes by the end of a run, not by its beginning": async (trial) => {
    const early = await trial.runAt("committing");
    await trial.clock.advance(1_000);
    await trial.runAt("failed");
    await trial.clock.advance(1_000);
    await trial.move(early, "succeeded");
    await trial.clock.advance(1_000);
    assert.equal(await trial.store.pruneRuns({ olderThanMs: 0, limit: 1 }), 1);
    assert.deepEqual(ids((await trial.store.listRuns({})).runs), [early.id]);
  },

  "runs that have not ended are never pruned": async (trial) => {
    const running = await trial.runAt("running");
    const committing = await trial.runAt("committing");
    const pending = await trial.submit();
    await trial.clock.advance(1e9);
    assert.equal(await trial.store.pruneRuns({ olderThanMs: 0, limit: 10 }), 0);
    assert.deepEqual(ids((await trial.store.listRuns({})).runs), ids([pending, committing, running]));
  },

  "a run that redrives another one stays as long as that one, however long ago it ended": async (trial) => {
    const failed = await trial.runAt("failed");
    const cancelled = await trial.runAt("cancelled");
    const again = await trial.runAt("succeeded", { redriveOf: failed.id });
    const once = await trial.runAt("succeeded", { redriveOf: "gone" });
    await trial.runAt("failed", { redriveOf: cancelled.id });
    await trial.clock.advance(1_000);
    const prune = (...statuses: readonly RunStatus[]): Promise<number> =>
      trial.store.pruneRuns({ olderThanMs: 500, limit: 9, statuses });
    assert.equal(await prune("succeeded"), 1);
    assert.equal(await trial.store.getRun(once.id), undefined);
    assert.equal((await trial.get(again.id)).status, "succeeded");
    // Both together: what one act finds in the way it leaves, though it deletes that.
    assert.equal(await prune("succeeded", "failed"), 1);
    assert.equal(await trial.store.getRun(failed.id), undefined);
    assert.equal(await prune("succeeded", "failed"), 1);
    assert.equal(await trial.store.getRun(again.id), undefined);
    assert.equal(await prune("cancelled"), 1);
    assert.equal(await prune("failed"), 1);
    assert.deepEqual(await trial.store.listRuns({}), { runs: [] });
  },

  "pruning frees ids and idempotency keys, and keeps the order of what comes after": async (trial) => {
    const old = await trial.runAt("succeeded", { idempotencyKey: "k" });
    await trial.clock.advance(1);
    await trial.store.pruneRuns({ olderThanMs: 0, limit: 10 });
    const again = await trial.create(trial.newRun({ id: old.id, idempotencyKey: "k" }));
    assert(again.created);
    assert.equal((await trial.events(old.id)).length, 1);
    const next = await trial.submit();
    assert.deepEqual(ids((await trial.store.listRuns({})).runs), [next.id, old.id]);
    assert.deepEqual(ids(await trial.claim()), [old.id, next.id]);
  },

  "a cursor stays good when its run is pruned": async (trial) => {
    for (let count = 0; count < 6; count += 1) await trial.runAt("failed");
    const { nextCursor } = await trial.store.listRuns({ limit: 5 });
    assert(nextCursor !== undefined);
    await trial.clock.advance(1);
    await trial.store.pruneRuns({ olderThanMs: 0, limit: 5 });
    assert.deepEqual(await trial.store.listRuns({ cursor: nextCursor }), { runs: [] });
  },

  "a cursor never leads to runs that are newer than its page, also when all others are pruned": async (trial) => {
    for (let count = 0; count < 3; count += 1) await trial.runAt("failed");
    const { nextCursor } = await trial.store.listRuns({ limit: 2 });
    assert(nextCursor !== undefined);
    await trial.clock.advance(1);
    assert.equal(await trial.store.pruneRuns({ olderThanMs: 0, limit: 5 }), 3);
    await trial.submit();
    assert.deepEqual(await trial.store.listRuns({ cursor: nextCursor }), { runs: [] });
  },
};
