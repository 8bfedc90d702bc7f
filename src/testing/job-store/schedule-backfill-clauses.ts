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
});
