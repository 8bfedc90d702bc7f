import assert from "node:assert/strict";
import type { ScheduleChange } from "../../ports/schedule-store.js";
import { changed, ENDED, idsOf, keysOf, ofSchedules } from "./schedule-trial.js";

/** What a ledger promises whose schedules several stores use at once. */
export const scheduleSharedClauses = ofSchedules({
  "two stores that advance the same schedules at once make each change once": async (trial) => {
    const other = await trial.reopened();
    let schedules = Array.from({ length: 8 }, (_, at) => trial.schedule(`s${at}`));
    for (const schedule of schedules) await trial.store.createSchedule(schedule);
    for (let round = 0; round < 6; round += 1) {
      const changes = schedules.map((schedule, at) => {
        const insert = [trial.occurrence(round * 8 + at, { scheduleId: schedule.definition.id })];
        return { schedule: changed(schedule, { firings: round + 1 }), insert };
      });
      const [mine, theirs] = await Promise.all([
        trial.store.advance(changes),
        // The other way round: neither may wait for the other for ever.
        other.schedules.advance([...changes].reverse()).then((answers) => [...answers].reverse()),
      ]);
      assert.deepEqual(
        mine,
        theirs.map((done) => !done),
        "Of two that change one schedule, one must.",
      );
      const starts = changes.map(({ insert: [occurrence] }): ScheduleChange => {
        assert(occurrence);
        return { update: [{ from: "scheduled", to: { ...occurrence, state: "started", runId: "r" } }] };
      });
      const started = await Promise.all([trial.store.advance(starts), other.schedules.advance(starts)]);
      assert.deepEqual(
        started[0],
        started[1]?.map((done) => !done),
        "Of two that start one occurrence, one must.",
      );
      schedules = changes.map(({ schedule }) => schedule);
    }
    assert.deepEqual(await other.schedules.listSchedules({ limit: 9 }), schedules);
    await other.jobs.close();
  },

  "what one store writes of schedules the other one sees": async (trial) => {
    const { store } = trial;
    const { schedules, jobs } = await trial.reopened();
    const schedule = await trial.stored("s");
    assert.deepEqual(idsOf(await schedules.dueSchedules(9)), ["s"]);
    const occurrence = trial.occurrence(0, { state: "started" });
    assert.deepEqual(
      await schedules.advance([{ schedule: changed(schedule, { dueAt: null }), insert: [occurrence] }]),
      [true],
    );
    assert.deepEqual(await store.dueSchedules(9), []);
    assert.deepEqual(keysOf(await store.openOccurrences(["s"])), [occurrence.key]);
    const { id } = await trial.run(occurrence, "succeeded");
    const [ended] = await schedules.endedOccurrences({ runIds: [id], limit: 9 });
    assert.deepEqual(ended, { occurrence, run: await trial.jobs.get(id) });
    const to = { ...occurrence, ...ENDED, endedAt: trial.now() };
    assert.deepEqual(await schedules.advance([{ update: [{ from: "started", to }] }]), [true]);
    assert.deepEqual(await store.endedOccurrences({ runIds: [id], limit: 9 }), []);
    assert.equal(await schedules.createBackfill(trial.backfill("b")), true);
    assert.equal(await store.createBackfill(trial.backfill("b")), false);
    assert.equal(await store.deleteSchedule("s"), true);
    assert.equal(await schedules.deleteSchedule("s"), false);
    await jobs.close();
  },

  "schedules are due by the ledger's time, whatever clock a process has": async (trial) => {
    const { clock } = trial.jobs;
    const ahead = { now: () => clock.now() + 10_000, after: clock.after.bind(clock) };
    const other = await trial.jobs.reopened({ clock: ahead });
    const { schedules } = other;
    assert(schedules);
    await trial.stored("s", { dueAt: trial.now(5_000) });
    const ended = trial.occurrence(0, { ...ENDED, endedAt: trial.now() });
    await trial.insert(ended);
    assert.deepEqual(await schedules.now(), trial.now());
    assert.deepEqual(await schedules.dueSchedules(9), []);
    assert.equal(await schedules.pruneOccurrences({ olderThanMs: 5_000, limit: 9 }), 0);
    await clock.advance(5_001);
    assert.deepEqual(idsOf(await schedules.dueSchedules(9)), ["s"]);
    assert.equal(await schedules.pruneOccurrences({ olderThanMs: 5_000, limit: 9 }), 1);
    await other.close();
  },
});
