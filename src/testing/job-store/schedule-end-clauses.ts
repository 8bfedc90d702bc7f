import assert from "node:assert/strict";
import { occurrenceKey } from "../../model/occurrence-key.js";
import type { Occurrence } from "../../model/occurrence.js";
import type { JobRun } from "../../model/run.js";
import { ENDED, ODD_IDS, ofSchedules } from "./schedule-trial.js";

/** How the ends of runs come to their occurrences. */
export const scheduleEndClauses = ofSchedules({
  "of runs asked for those come that have ended and whose occurrence is open, known of their run or not": async (
    trial,
  ) => {
    const { store } = trial;
    const states = ["scheduled", "started", "buffered", "failed", "started"] as const;
    const given = states.map((state, at) =>
      trial.occurrence(at, { state, endedAt: state === "failed" ? trial.now() : null }),
    );
    await trial.insert(...given);
    const [unaware, aware, , over, live] = given;
    assert(unaware && aware && over && live);
    const unawareRun = await trial.run(unaware, "succeeded");
    const awareRun = await trial.run(aware, "failed");
    await store.advance([{ update: [{ from: "started", to: { ...aware, runId: awareRun.id } }] }]);
    const overRun = await trial.run(over, "cancelled");
    const liveRun = await trial.run(live, "committing");
    const plain = await trial.jobs.runAt("failed", { idempotencyKey: live.key });
    const unkeyed = await trial.jobs.runAt("failed");
    const gone = await trial.jobs.runAt("failed", { idempotencyKey: "schedule/unknown@x" });
    const runIds = [unawareRun, awareRun, overRun, liveRun, plain, unkeyed, gone].map(({ id }) => id);
    const found = await store.endedOccurrences({ runIds: [...runIds, "unknown", unawareRun.id], limit: 9 });
    assert.deepEqual(sorted(found), [
      { occurrence: unaware, run: await trial.jobs.get(unawareRun.id) },
      { occurrence: { ...aware, runId: awareRun.id }, run: await trial.jobs.get(awareRun.id) },
    ]);
    assert.equal((await store.endedOccurrences({ runIds, limit: 1 })).length, 1);
    assert.deepEqual(await store.endedOccurrences({ runIds, limit: 0 }), []);
    assert.deepEqual(await store.endedOccurrences({ runIds: [], limit: 9 }), []);
  },

  "of all runs those come that have ended, or were deleted, and whose started occurrence knows of them": async (
    trial,
  ) => {
    const { store } = trial;
    const statuses = ["succeeded", "failed", "cancelled", "running"] as const;
    const given: Occurrence[] = [];
    for (const [at, status] of statuses.entries()) {
      const { id: runId } = await trial.run(trial.occurrence(at), status);
      given.push(trial.occurrence(at, { state: "started", runId }));
      await trial.jobs.clock.advance(1_000);
    }
    const deleted = trial.occurrence(20, { state: "started", runId: "unknown" });
    const odd = ODD_IDS.map((runId, at) => trial.occurrence(30 + at, { state: "started", runId }));
    await trial.insert(...given, deleted, ...odd);
    await trial.insert(trial.occurrence(-9), trial.occurrence(-8, { state: "buffered" }));
    await trial.insert(trial.occurrence(-7, { ...ENDED, runId: given[0]?.runId ?? null, endedAt: trial.now() }));
    const expected = async (): Promise<readonly End[]> => {
      const ends = given.slice(0, 3).map(async (occurrence) => {
        return { occurrence, run: (await trial.jobs.store.getRun(occurrence.runId ?? "")) ?? null };
      });
      return [...(await Promise.all(ends)), ...[deleted, ...odd].map((occurrence) => ({ occurrence, run: null }))];
    };
    assert.deepEqual(sorted(await store.endedOccurrences({ limit: 99 })), sorted(await expected()));
    assert.equal((await store.endedOccurrences({ limit: 2 })).length, 2);
    assert.deepEqual(await store.endedOccurrences({ limit: 0 }), []);
    assert.equal(await trial.jobs.store.pruneRuns({ olderThanMs: 0, limit: 2 }), 2);
    const pruned = await store.endedOccurrences({ limit: 99 });
    assert.deepEqual(sorted(pruned), sorted(await expected()));
    assert.equal(pruned.filter(({ run }) => run !== null).length, 1);
  },

  "runs of occurrences are told by the occurrences' keys, whether these know of them or not": async (trial) => {
    const { store } = trial;
    const given = [0, 1, 2].map((at) => trial.occurrence(at));
    await trial.insert(...given);
    const [pending, ended, without] = given;
    assert(pending && ended && without);
    const { id: endedId } = await trial.run(ended, "failed");
    const { id: pendingId } = await trial.run(pending, "pending");
    const keys = [ended, without, pending].map(({ key }) => key);
    const found = await store.runsOf([...keys, "unknown", keys[0] ?? ""]);
    assert.deepEqual(
      new Map([...found].sort()),
      new Map([[ended.key, endedId] as const, [pending.key, pendingId] as const].sort()),
    );
    assert.equal((await store.runsOf([])).size, 0);
  },

  "the run of an occurrence is found by its key, whatever is in it": async (trial) => {
    const { store } = trial;
    for (const id of ODD_IDS) {
      const [occurrence] = await trial.insert(
        trial.occurrence(0, { scheduleId: id, key: occurrenceKey(id, trial.now()) }),
      );
      const { id: runId } = await trial.run(occurrence, "failed");
      const run = await trial.jobs.get(runId);
      assert.deepEqual(await store.endedOccurrences({ runIds: [runId], limit: 9 }), [{ occurrence, run }]);
    }
  },
});

interface End {
  readonly occurrence: Occurrence;
  readonly run: JobRun | null;
}

function sorted(ends: readonly End[]): readonly End[] {
  return [...ends].sort((left, right) => (left.occurrence.key < right.occurrence.key ? -1 : 1));
}
