import assert from "node:assert/strict";
import type { Occurrence } from "../../model/occurrence.js";
import type { OccurrencePage } from "../../ports/schedule-store.js";
import { changed, ENDED, keysOf, ODD_IDS, ofSchedules } from "./schedule-trial.js";

/** How occurrences are found. */
export const scheduleOccurrenceClauses = ofSchedules({
  "occurrences come back as they were given, whatever their keys and texts": async (trial) => {
    const { store } = trial;
    const given = ODD_IDS.map((key, at) => {
      const times = {
        nominalAt: new Date(-at),
        previousAt: new Date(-62_135_596_800_001),
        lastNominalAt: new Date(at),
      };
      return trial.occurrence(0, {
        ...ENDED,
        key,
        scheduleId: key,
        reason: key,
        endedAt: trial.now(),
        count: at,
        ...times,
      });
    });
    await trial.insert(...given);
    for (const one of given) {
      assert.deepEqual(await store.getOccurrence(one.key), one);
      assert.deepEqual(await store.listOccurrences({ scheduleId: one.scheduleId, limit: 9 }), [one]);
    }
    assert.equal(await store.getOccurrence("unknown"), undefined);
    const open = given.map((one) => ({ ...one, state: "scheduled" as const }));
    await store.advance(open.map((to) => ({ update: [{ from: "failed", to }] })));
    for (const one of open) assert.deepEqual(await store.openOccurrences([one.scheduleId]), [one]);
  },

  "occurrences are listed newest first, of one time in the order of their keys, page after page": async (trial) => {
    const { store } = trial;
    await trial.insert(trial.occurrence(50, { scheduleId: "other" }));
    const given: Occurrence[] = [];
    for (const at of [3, 1, -1e12, 2]) {
      for (const key of ["~", "B", "a", "\u{1f600}", "\uffff", "a\u0000"]) {
        given.push(trial.occurrence(at, { key: `${key}${at}` }));
      }
    }
    await trial.insert(...given);
    const sorted = [...given].sort(
      (left, right) =>
        right.nominalAt.getTime() - left.nominalAt.getTime() || (left.key < right.key ? -1 : Number(left !== right)),
    );
    const all = { scheduleId: "s", limit: 1_000 };
    assert.deepEqual(await store.listOccurrences(all), sorted);
    const listed: Occurrence[] = [];
    for (;;) {
      const before = listed.at(-1);
      const page = await store.listOccurrences({ ...all, limit: 5, ...(before && { before }) });
      if (page.length === 0) break;
      listed.push(...page);
    }
    assert.deepEqual(keysOf(listed), keysOf(sorted));
    const since = await store.listOccurrences({ ...all, since: trial.now(2) });
    assert.deepEqual(keysOf(since), keysOf(sorted.slice(0, 12)));
    const [, second] = sorted;
    const between = await store.listOccurrences({ ...all, since: trial.now(3), ...(second && { before: second }) });
    assert.deepEqual(keysOf(between), keysOf(sorted.slice(2, 6)));
    assert.deepEqual(await store.listOccurrences({ ...all, limit: 0 }), []);
    assert.deepEqual(await store.listOccurrences({ ...all, scheduleId: "S" }), []);
  },

  "occurrences are listed of the states asked for": async (trial) => {
    const { store } = trial;
    const states = ["scheduled", "missed", "failed", "started", "failed", "succeeded"] as const;
    const given = await trial.insert(...states.map((state, at) => trial.occurrence(at, { state })));
    const list = async (asked: OccurrencePage["states"], limit = 9): Promise<readonly string[]> =>
      keysOf(await store.listOccurrences({ scheduleId: "s", limit, ...(asked && { states: asked }) }));
    const keys = keysOf(given);
    assert.deepEqual(await list(["failed"]), [keys[4], keys[2]]);
    assert.deepEqual(await list(["failed"], 1), [keys[4]]);
    assert.deepEqual(await list(["started", "missed"]), [keys[3], keys[1]]);
    assert.deepEqual(await list([]), []);
    assert.deepEqual(await list(undefined), [...keys].reverse());
  },

  "open are the occurrences from which something can still come, oldest first": async (trial) => {
    const { store } = trial;
    const states = ["started", "succeeded", "buffered", "skipped_overlap", "scheduled", "cancelled", "missed"] as const;
    const given = await trial.insert(...states.map((state, at) => trial.occurrence(-at, { state })));
    const [other] = await trial.insert(trial.occurrence(-1, { scheduleId: "t", state: "buffered" }));
    await trial.insert(trial.occurrence(0, { scheduleId: "u" }));
    const [started, , buffered, , scheduled] = given;
    assert.deepEqual(await store.openOccurrences(["s"]), [scheduled, buffered, started]);
    assert.deepEqual(await store.openOccurrences(["t", "s", "t", "v"]), [scheduled, buffered, other, started]);
    assert.deepEqual(await store.openOccurrences([]), []);
  },

  "to be started are scheduled occurrences of all schedules, oldest first, at most the limit": async (trial) => {
    const { store } = trial;
    const [, late] = await trial.insert(
      trial.occurrence(1, { state: "buffered" }),
      trial.occurrence(9),
      trial.occurrence(2, { state: "started" }),
    );
    const [, early] = await trial.insert(
      trial.occurrence(3, { scheduleId: "t", state: "cancelled" }),
      trial.occurrence(4, { scheduleId: "t" }),
    );
    assert(early && late);
    assert.deepEqual(await store.occurrencesToStart(9), [early, late]);
    assert.deepEqual(await store.occurrencesToStart(1), [early]);
    assert.deepEqual(await store.occurrencesToStart(0), []);
    await store.advance([{ update: [{ from: "scheduled", to: { ...early, state: "started" } }] }]);
    assert.deepEqual(await store.occurrencesToStart(9), [late]);
  },

  "pruning deletes at most its limit of ended occurrences, the longest ended first, and no open one": async (trial) => {
    const { store } = trial;
    const ended = [30, 10, 20].map((at) => trial.occurrence(-at, { ...ENDED, endedAt: trial.now(-at) }));
    await trial.insert(...ended, trial.occurrence(-99), trial.occurrence(-98, { state: "buffered" }));
    await trial.insert(trial.occurrence(-97, { state: "started", runId: "r" }));
    const [open] = [await store.openOccurrences(["s"])];
    const left = async (): Promise<readonly string[]> =>
      keysOf(await store.listOccurrences({ scheduleId: "s", states: ["failed"], limit: 9 }));
    const keys = keysOf(ended);
    assert.equal(await store.pruneOccurrences({ olderThanMs: 30, limit: 9 }), 0);
    assert.equal(await store.pruneOccurrences({ olderThanMs: 10, limit: 0 }), 0);
    assert.equal(await store.pruneOccurrences({ olderThanMs: 10, limit: 1 }), 1);
    assert.deepEqual(await left(), [keys[1], keys[2]]);
    // Only what ended before: another one ended at that very instant.
    assert.equal(await store.pruneOccurrences({ olderThanMs: 10, limit: 9 }), 1);
    assert.deepEqual(await left(), [keys[1]]);
    await trial.jobs.clock.advance(1_000_000);
    assert.equal(await store.pruneOccurrences({ olderThanMs: 0, limit: 9 }), 1);
    assert.equal(await store.pruneOccurrences({ olderThanMs: 0, limit: 9 }), 0);
    assert.deepEqual(await store.openOccurrences(["s"]), open);
  },

  "a deleted schedule leaves its occurrences": async (trial) => {
    const { store } = trial;
    const schedule = await trial.stored("s");
    const given = await trial.insert(trial.occurrence(0), trial.occurrence(1, { ...ENDED, endedAt: trial.now() }));
    await store.deleteSchedule("s");
    assert.deepEqual(keysOf(await store.listOccurrences({ scheduleId: "s", limit: 9 })), keysOf([...given].reverse()));
    assert.deepEqual(await store.openOccurrences(["s"]), [given[0]]);
    await trial.refuses({ schedule: changed(schedule), update: [{ from: "scheduled", to: given[0] }] });
    const cancelled = { ...given[0], state: "cancelled", endedAt: trial.now() } as const;
    assert.deepEqual(await store.advance([{ update: [{ from: "scheduled", to: cancelled }] }]), [true]);
  },
});
