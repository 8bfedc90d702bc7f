import assert from "node:assert/strict";
import { spoil } from "./copy-clauses.js";
import { changed, ENDED, idsOf, ODD_IDS, ofSchedules } from "./schedule-trial.js";
import { refused } from "./trial.js";

export const scheduleClauses = ofSchedules({
  "a schedule is stored once: its id then is taken, until it is deleted": async (trial) => {
    const { store } = trial;
    const first = await trial.stored("s");
    assert.equal(await store.createSchedule(trial.schedule("s", { firings: 7 })), false);
    assert.deepEqual(await store.getSchedules(["s"]), [first]);
    assert.equal(await store.deleteSchedule("t"), false);
    assert.equal(await store.deleteSchedule("s"), true);
    assert.equal(await store.deleteSchedule("s"), false);
    assert.deepEqual(await store.getSchedules(["s"]), []);
    assert.deepEqual(await store.advance([{ schedule: changed(first) }]), [false]);
    const second = await trial.stored("s", { firings: 7 });
    assert.deepEqual(await store.getSchedules(["s"]), [second]);
  },

  "schedules come back as they were given, whatever their ids and texts": async (trial) => {
    const { store } = trial;
    const given = ODD_IDS.map((id, firings) => {
      const last = {
        key: id,
        nominalAt: new Date(0),
        runId: id,
        state: "failed",
        at: trial.now(),
        ...OUTCOME,
      } as const;
      const cursor = new Date([-62_135_596_800_001, 8.64e15, 0, -1][firings % 4] ?? 0);
      return trial.schedule(id, { firings, cursor, reason: id, last: firings % 2 === 0 ? last : null });
    });
    for (const schedule of given) assert.equal(await store.createSchedule(schedule), true);
    for (const schedule of given) assert.deepEqual(await store.getSchedules([schedule.definition.id]), [schedule]);
    const next = given.map((schedule) => changed(schedule, { dueAt: trial.now(-1), createdAt: trial.now(5) }));
    const done = await store.advance(next.map((schedule) => ({ schedule })));
    assert(done.every((one) => one));
    for (const schedule of next) assert.deepEqual(await store.getSchedules([schedule.definition.id]), [schedule]);
    assert.equal((await store.dueSchedules(1_000)).length, ODD_IDS.length);
    for (const id of ODD_IDS) assert.equal(await store.deleteSchedule(id), true);
  },

  "of the schedules asked for those come that are there, each once": async (trial) => {
    const [a, b] = [await trial.stored("a"), await trial.stored("b")];
    const found = await trial.store.getSchedules(["b", "c", "a", "b"]);
    assert.deepEqual(
      [...found].sort((left, right) => (left.definition.id < right.definition.id ? -1 : 1)),
      [a, b],
    );
    assert.deepEqual(await trial.store.getSchedules([]), []);
  },

  "schedules are listed in the order of their ids' code units, page after page": async (trial) => {
    const { store } = trial;
    const sorted = [...ODD_IDS].sort();
    for (const id of ODD_IDS) await trial.stored(id, { state: id === "a" ? "paused" : "active" });
    assert.deepEqual(idsOf(await store.listSchedules({ limit: 1_000 })), sorted);
    const listed: string[] = [];
    for (;;) {
      const after = listed.at(-1);
      const page = await store.listSchedules({ limit: 4, ...(after !== undefined && { after }) });
      if (page.length === 0) break;
      listed.push(...idsOf(page));
    }
    assert.deepEqual(listed, sorted);
    await store.deleteSchedule("a ");
    assert.deepEqual(idsOf(await store.listSchedules({ after: "a ", limit: 1 })), ["a!b"]);
    assert.deepEqual(await store.listSchedules({ limit: 0 }), []);
  },

  "due are active schedules whose time has come, longest due first, at most the limit": async (trial) => {
    const { store } = trial;
    await trial.stored("late", { dueAt: trial.now(20) });
    await trial.stored("early", { dueAt: trial.now(10) });
    await trial.stored("next", { dueAt: trial.now(21) });
    await trial.stored("paused", { state: "paused", dueAt: trial.now(-1) });
    await trial.stored("finished", { state: "finished", dueAt: trial.now(-1) });
    await trial.stored("never", { dueAt: null });
    assert.deepEqual(await store.dueSchedules(9), []);
    assert.deepEqual(await store.nextScheduleDueAt(), trial.now(10));
    await trial.jobs.clock.advance(20);
    assert.deepEqual(idsOf(await store.dueSchedules(9)), ["early", "late"]);
    assert.deepEqual(idsOf(await store.dueSchedules(1)), ["early"]);
    assert.deepEqual(idsOf(await store.dueSchedules(9, 1)), ["late"]);
    assert.deepEqual(await store.dueSchedules(9, 2), []);
    assert.deepEqual(await store.dueSchedules(0), []);
    assert.deepEqual(await store.nextScheduleDueAt(), trial.now(-10));
    assert.deepEqual(await store.now(), trial.now());
    const [early, late] = await store.dueSchedules(2);
    assert(early && late);
    const done = await store.advance([
      { schedule: changed(early, { dueAt: null }) },
      { schedule: changed(late, { state: "paused" }) },
    ]);
    assert.deepEqual(done, [true, true]);
    assert.deepEqual(await store.dueSchedules(9), []);
    assert.deepEqual(await store.nextScheduleDueAt(), trial.now(1));
    await store.deleteSchedule("next");
    assert.equal(await store.nextScheduleDueAt(), undefined);
  },

  "changing schedules that were passed in changes nothing, also before the act ends": async (trial) => {
    const { store } = trial;
    const given = trial.schedule("s");
    const kept = structuredClone(given);
    const creating = store.createSchedule(given);
    spoil(given);
    assert.equal(await creating, true);
    spoil(given);
    assert.deepEqual(await store.getSchedules(["s"]), [kept]);

    const change = {
      schedule: changed(kept, { cursor: trial.now(1) }),
      insert: [trial.occurrence(0, { ...ENDED, endedAt: trial.now() })],
    };
    const expected = structuredClone(change);
    const advancing = store.advance([change]);
    spoil(change);
    assert.deepEqual(await advancing, [true]);
    spoil(change);
    assert.deepEqual(await store.getSchedules(["s"]), [expected.schedule]);
    assert.deepEqual(await store.listOccurrences({ scheduleId: "s", limit: 9 }), expected.insert);

    const backfill = trial.backfill("b");
    const stored = structuredClone(backfill);
    const adding = store.createBackfill(backfill);
    spoil(backfill);
    assert.equal(await adding, true);
    assert.deepEqual(await store.getBackfill("b"), stored);

    const ids = ["s"];
    const [asking, looking] = [store.getSchedules(ids), store.openOccurrences(ids)];
    spoil(ids);
    assert.deepEqual([(await asking).length, await looking], [1, []]);
  },

  "changing schedules that came out changes nothing": async (trial) => {
    const { store } = trial;
    await trial.stored("s");
    const [started] = await trial.insert(
      trial.occurrence(0, { state: "started", runId: "run-0001" }),
      trial.occurrence(1),
      trial.occurrence(2, { ...ENDED, endedAt: trial.now() }),
    );
    const { id } = await trial.run(started, "failed");
    assert.equal(await store.createBackfill(trial.backfill("b")), true);
    const outcomes = [
      () => store.now(),
      () => store.getSchedules(["s"]),
      () => store.listSchedules({ limit: 9 }),
      () => store.dueSchedules(9),
      () => store.nextScheduleDueAt(),
      () => store.getOccurrence(started.key),
      () => store.listOccurrences({ scheduleId: "s", limit: 9 }),
      () => store.openOccurrences(["s"]),
      () => store.occurrencesToStart(9),
      () => store.endedOccurrences({ limit: 9 }),
      () => store.endedOccurrences({ runIds: [id], limit: 9 }),
      () => store.getBackfill("b"),
      () => store.listBackfills({ limit: 9 }),
    ];
    for (const outcome of outcomes) {
      const before = structuredClone([await trial.everything(), await trial.jobs.get(id)]);
      spoil(await outcome());
      assert.deepEqual([await trial.everything(), await trial.jobs.get(id)], before);
    }
  },

  "schedules outlive a store, with their occurrences and backfills": async (trial) => {
    await trial.stored("s", { firings: 3 });
    const [open] = await trial.insert(trial.occurrence(0), trial.occurrence(1, { ...ENDED, endedAt: trial.now() }));
    assert.equal(await trial.store.createBackfill(trial.backfill("b")), true);
    const before = await trial.everything();
    await trial.jobs.store.close();
    await refused("store_unavailable", () => trial.store.dueSchedules(1));
    await refused("store_unavailable", () => trial.store.advance([{ insert: [trial.occurrence(9)] }]));
    const { schedules, jobs } = await trial.reopened();
    const after = await Promise.all([
      schedules.listSchedules({ limit: 1_000 }),
      schedules.listOccurrences({ scheduleId: "s", limit: 1_000 }),
      schedules.listBackfills({ limit: 1_000 }),
      schedules.openOccurrences(["s"]),
      schedules.occurrencesToStart(1_000),
      schedules.nextScheduleDueAt(),
    ]);
    assert.deepEqual(after, before);
    assert.deepEqual(await schedules.advance([{ insert: [open] }]), [false]);
    await jobs.close();
  },
});

const OUTCOME = { rowsWritten: 9_007_199_254_740_991, message: "it's \u0000", durationMs: 0.5 };
