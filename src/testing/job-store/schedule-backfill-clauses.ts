import assert from "node:assert/strict";
import { ODD_IDS, ofSchedules } from "./schedule-trial.js";

export const scheduleBackfillClauses = ofSchedules({
  "backfills come back as they were given, whatever their ids": async (trial) => {
    const { store } = trial;
    for (const [at, id] of ODD_IDS.entries()) {
      const given = trial.backfill(id, {
        scheduleId: id,
        cursor: new Date(-at),
        endedAt: at % 2 ? new Date(at) : null,
      });
      assert.equal(await store.createBackfill(given), true);
      assert.deepEqual(await store.getBackfill(id), given);
      assert.deepEqual(await store.listBackfills({ scheduleId: id, limit: 9 }), [given]);
    }
    assert.equal(await store.getBackfill("unknown"), undefined);
  },

  "backfills are listed newest first, of one schedule or all, open, ended or both": async (trial) => {
    const { store } = trial;
    const stored = ["c", "a", "d", "b", "e"].map((id, at) => {
      const endedAt = at % 2 === 0 ? null : trial.now();
      return trial.backfill(id, { createdAt: trial.now(at), endedAt, scheduleId: at < 3 ? "s" : "t" });
    });
    for (const backfill of [...stored].reverse()) await store.createBackfill(backfill);
    const list = async (asked: { readonly scheduleId?: string; readonly open?: boolean }, limit = 9): Promise<string> =>
      (await store.listBackfills({ ...asked, limit })).map(({ id }) => id).join("");
    assert.equal(await list({}), "ebdac");
    assert.equal(await list({}, 2), "eb");
    assert.equal(await list({}, 0), "");
    assert.equal(await list({ open: true }), "edc");
    assert.equal(await list({ open: true }, 1), "e");
    assert.equal(await list({ open: false }), "ba");
    assert.equal(await list({ scheduleId: "s" }), "dac");
    assert.equal(await list({ scheduleId: "s", open: true }), "dc");
    assert.equal(await list({ scheduleId: "s", open: false }), "a");
    assert.equal(await list({ scheduleId: "u" }), "");
    const first = await store.getBackfill("c");
    assert(first);
    await store.advance([{ backfill: { ...first, version: 2, state: "completed", endedAt: trial.now() } }]);
    assert.equal(await list({ open: true }), "ed");
  },

  "pruning deletes at most its limit of ended backfills, the longest ended first, and no open one": async (trial) => {
    const { store } = trial;
    for (const at of [30, 10, 20]) {
      await store.createBackfill(trial.backfill(`b${at}`, { state: "completed", endedAt: trial.now(-at) }));
    }
    await store.createBackfill(trial.backfill("open", { createdAt: trial.now(-1e9) }));
    const left = async (): Promise<readonly string[]> =>
      (await store.listBackfills({ limit: 9 })).map(({ id }) => id).sort();
    assert.equal(await store.pruneBackfills({ olderThanMs: 30, limit: 9 }), 0);
    assert.equal(await store.pruneBackfills({ olderThanMs: 10, limit: 0 }), 0);
    assert.equal(await store.pruneBackfills({ olderThanMs: 10, limit: 1 }), 1);
    assert.deepEqual(await left(), ["b10", "b20", "open"]);
    // Only what ended before: another one ended at that very instant.
    assert.equal(await store.pruneBackfills({ olderThanMs: 10, limit: 9 }), 1);
    assert.deepEqual(await left(), ["b10", "open"]);
    await trial.jobs.clock.advance(1_000_000);
    assert.equal(await store.pruneBackfills({ olderThanMs: 0, limit: 9 }), 1);
    assert.equal(await store.pruneBackfills({ olderThanMs: 0, limit: 9 }), 0);
    assert.deepEqual(await left(), ["open"]);
  },
});
