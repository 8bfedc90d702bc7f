import assert from "node:assert/strict";
import { changed, ENDED, ofSchedules } from "./schedule-trial.js";

/** What becomes of schedules, in acts that compare first. */
export const scheduleAdvanceClauses = ofSchedules({
  "a schedule is changed over the version before it, and over no other": async (trial) => {
    const { store } = trial;
    const first = await trial.stored("s");
    for (const version of [0, 1, 3, 4]) await trial.refuses({ schedule: { ...first, version, firings: 9 } });
    await trial.refuses({ schedule: trial.schedule("t", { version: 2 }) });
    const second = changed(first, { state: "paused", dueAt: null, reason: "by hand", last: null });
    assert.deepEqual(await store.advance([{ schedule: second }]), [true]);
    assert.deepEqual(await store.getSchedules(["s"]), [second]);
    await trial.refuses({ schedule: changed(first) });
    assert.deepEqual(await store.advance([{ schedule: changed(second) }]), [true]);
  },

  "an occurrence is changed from its state, and from no other": async (trial) => {
    const { store } = trial;
    const [scheduled] = await trial.insert(trial.occurrence(0));
    const started = { ...scheduled, state: "started", runId: "r" } as const;
    await trial.refuses({ update: [{ from: "buffered", to: started }] });
    await trial.refuses({ update: [{ from: "scheduled", to: { ...started, key: "unknown" } }] });
    assert.deepEqual(await store.advance([{ update: [{ from: "scheduled", to: started }] }]), [true]);
    assert.deepEqual(await store.getOccurrence(scheduled.key), started);
    await trial.refuses({ update: [{ from: "scheduled", to: started }] });
    const ended = { ...started, ...ENDED, endedAt: trial.now() };
    assert.deepEqual(await store.advance([{ update: [{ from: "started", to: ended }] }]), [true]);
    assert.deepEqual(await store.getOccurrence(scheduled.key), ended);
    assert.deepEqual(await store.openOccurrences(["s"]), []);
  },

  "a backfill is changed over the version before it, and over no other": async (trial) => {
    const { store } = trial;
    const first = trial.backfill("b");
    assert.equal(await store.createBackfill(first), true);
    assert.equal(await store.createBackfill({ ...first, total: 1 }), false);
    for (const version of [1, 3]) await trial.refuses({ backfill: { ...first, version, started: 1 } });
    await trial.refuses({ backfill: trial.backfill("unknown", { version: 2 }) });
    const second = { ...first, version: 2, state: "completed", endedAt: trial.now(), cursor: new Date(0) } as const;
    assert.deepEqual(await store.advance([{ backfill: second }]), [true]);
    assert.deepEqual(await store.getBackfill("b"), second);
  },

  "a change happens whole or not at all, whatever it is that somebody else was first with": async (trial) => {
    const { store } = trial;
    const schedule = await trial.stored("s");
    const backfill = trial.backfill("b");
    assert.equal(await store.createBackfill(backfill), true);
    const [taken, open] = await trial.insert(trial.occurrence(0), trial.occurrence(1));
    const good = {
      schedule: changed(schedule),
      backfill: { ...backfill, version: 2 },
      insert: [trial.occurrence(2), trial.occurrence(3)],
      update: [{ from: "scheduled", to: { ...open, state: "started" } }],
    } as const;
    const stale = { from: "buffered", to: { ...taken, state: "started" } } as const;
    await trial.refuses({ ...good, schedule });
    await trial.refuses({ ...good, backfill });
    await trial.refuses({ ...good, insert: [...good.insert, taken] });
    await trial.refuses({ ...good, insert: [...good.insert, trial.occurrence(2)] });
    await trial.refuses({ ...good, update: [...good.update, stale] });
    await trial.refuses({ ...good, update: [stale, ...good.update] });
    assert.deepEqual(await store.advance([good]), [true]);
    assert.deepEqual(await store.getSchedules(["s"]), [good.schedule]);
    assert.deepEqual(await store.getBackfill("b"), good.backfill);
    for (const one of [...good.insert, good.update[0].to]) {
      assert.deepEqual(await store.getOccurrence(one.key), one);
    }
  },

  "the changes of one act are independent, each upon what those before it left, and answered in their order": async (
    trial,
  ) => {
    const { store } = trial;
    const [a, b, c] = [await trial.stored("a"), await trial.stored("b"), await trial.stored("c")];
    const one = trial.occurrence(1);
    const started = { ...one, state: "started" } as const;
    const done = await store.advance([
      { schedule: changed(a), insert: [one] },
      { schedule: changed(b, { version: 7 }), insert: [trial.occurrence(2)] },
      { schedule: changed(c), insert: [one] },
      { update: [{ from: "scheduled", to: started }] },
      { schedule: changed(changed(a)), insert: [trial.occurrence(3)] },
      { schedule: changed(a) },
      { schedule: changed(b), update: [{ from: "scheduled", to: started }] },
      { insert: [trial.occurrence(4)] },
      {},
    ]);
    assert.deepEqual(done, [true, false, false, true, true, false, false, true, true]);
    assert.deepEqual(
      (await store.listSchedules({ limit: 9 })).map(({ version }) => version),
      [3, 1, 1],
    );
    const found = await store.listOccurrences({ scheduleId: "s", limit: 9 });
    assert.deepEqual(found, [trial.occurrence(4), trial.occurrence(3), started]);
    const steps = [changed(b), changed(changed(b)), changed(changed(b))];
    assert.deepEqual(await store.advance(steps.map((schedule) => ({ schedule }))), [true, true, false]);
    assert.deepEqual(await store.getSchedules(["b"]), steps.slice(1, 2));
    assert.deepEqual(await store.advance([]), []);
  },

  "many changes are one act, of which each is made once": async (trial) => {
    const { store } = trial;
    const schedules = Array.from({ length: 300 }, (_, at) => trial.schedule(`s${at}`));
    for (const schedule of schedules) await store.createSchedule(schedule);
    const changes = schedules.map((schedule, at) => ({
      schedule: changed(schedule, { dueAt: trial.now(at + 1) }),
      insert: [trial.occurrence(at, { scheduleId: schedule.definition.id })],
    }));
    const both = await Promise.all([store.advance(changes), store.advance([...changes].reverse())]);
    const [first = [], second = []] = [both[0], [...(both[1] ?? [])].reverse()];
    assert(
      first.every((done, at) => done !== second[at]),
      "Each change must be made by one of the two.",
    );
    assert.deepEqual(
      await store.advance(changes),
      changes.map(() => false),
    );
    assert.equal((await store.occurrencesToStart(1_000)).length, 300);
    const next = changes.map(({ schedule, insert }, at) => ({
      schedule: changed(schedule),
      insert: at % 100 === 7 ? insert : [trial.occurrence(at, { key: `next ${at}` })],
    }));
    assert.deepEqual(
      await store.advance(next),
      next.map((_, at) => at % 100 !== 7),
    );
    assert.deepEqual(await store.dueSchedules(9), []);
  },
});
