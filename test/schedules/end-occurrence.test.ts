import { describe, expect, test } from "vitest";
import type { Occurrence } from "../../src/model/occurrence.js";
import type { Schedule } from "../../src/model/schedule.js";
import type { ScheduleChange } from "../../src/ports/schedule-store.js";
import { endOccurrences, type OccurrenceEnd } from "../../src/schedules/end-occurrence.js";
import {
  definitionOf,
  everyMinuteAfterEnd,
  hourly,
  occurrenceOf,
  scheduleOf,
  scheduler,
  shown,
  utc,
} from "./schedule-samples.js";

const endOccurrence = (
  schedule: Schedule | undefined,
  occurrence: Occurrence,
  end: OccurrenceEnd,
  open: readonly Occurrence[],
  now: Date,
): Promise<ScheduleChange> => endOccurrences(schedule, [{ occurrence, end }], open, now, scheduler);
const now = utc("2026-05-01T00:10:00");
const at = utc("2026-05-01T00:09:00");
const started = occurrenceOf("2026-05-01T00:00:00", "started");
const end = (state: OccurrenceEnd["state"]): OccurrenceEnd => ({
  state,
  at,
  reason: null,
  error: null,
  rowsWritten: state === "succeeded" ? 7 : null,
  durationMs: 5_000,
});

describe("the end of an occurrence", () => {
  test("stays on it and on its schedule, with the run's counts", async () => {
    const change = await endOccurrence(scheduleOf(), started, end("succeeded"), [started], now);
    expect(change.update).toMatchObject([
      { from: "started", to: { key: started.key, state: "succeeded", endedAt: at } },
    ]);
    expect(change.schedule).toMatchObject({
      version: 2,
      succeeded: 1,
      failed: 0,
      last: { key: started.key, runId: started.runId, state: "succeeded", rowsWritten: 7, durationMs: 5_000, at },
    });
    expect(change.schedule?.nextAt).toEqual(scheduleOf().nextAt);
  });

  test("of a deleted schedule is no error: only the occurrence changes", async () => {
    const change = await endOccurrence(undefined, started, end("failed"), [], now);
    expect(change).toEqual({ update: [{ from: "started", to: expect.objectContaining({ state: "failed" }) }] });
  });

  test("starts what waits longest, once nothing else runs", async () => {
    const first = occurrenceOf("2026-05-01T00:01:00", "buffered");
    const second = occurrenceOf("2026-05-01T00:02:00", "buffered");
    const change = await endOccurrence(scheduleOf(), started, end("succeeded"), [started, first, second], now);
    expect(change.update?.slice(1)).toMatchObject([{ from: "buffered", to: { key: first.key, state: "scheduled" } }]);
    const other = occurrenceOf("2026-05-01T00:00:30", "started");
    const busy = await endOccurrence(scheduleOf(), started, end("succeeded"), [started, other, first], now);
    expect(busy.update).toHaveLength(1);
  });
});

describe("failures", () => {
  test("in a row pause the schedule, when so many are given; a success begins anew", async () => {
    const schedule = scheduleOf({ pauseAfterFailures: 3 }, { failedInARow: 1 });
    const second = (await endOccurrence(schedule, started, end("failed"), [], now)).schedule;
    expect(second).toMatchObject({ failedInARow: 2, state: "active" });
    const third = (await endOccurrence(second, started, end("failed"), [], now)).schedule;
    expect(third).toMatchObject({ state: "paused", reason: "3 runs failed in a row", nextAt: null, dueAt: null });
    expect((await endOccurrence(second, started, end("succeeded"), [], now)).schedule?.failedInARow).toBe(0);
    expect((await endOccurrence(second, started, end("cancelled"), [], now)).schedule?.failedInARow).toBe(2);
  });
});

describe("an interval from completion", () => {
  const following = { times: definitionOf({}, everyMinuteAfterEnd).times };

  test("is next due so long after the run's end, not after the ledger heard of it", async () => {
    const schedule = scheduleOf(following, { nextAt: null, dueAt: null });
    const change = await endOccurrence(schedule, started, end("failed"), [], now);
    expect(shown(change.schedule?.dueAt)).toBe("2026-05-01T00:10:00");
  });

  test("does not put off what another trigger fires before it", async () => {
    const times = definitionOf({}, hourly, { ...everyMinuteAfterEnd, everyMs: 7_200_000 }).times;
    const change = await endOccurrence(scheduleOf({ times }), started, end("succeeded"), [], now);
    expect(shown(change.schedule?.nextAt)).toBe("2026-05-01T01:00:00");
  });

  test("stays paused, and ends with its end", async () => {
    const paused = scheduleOf(following, { state: "paused", nextAt: null, dueAt: null });
    expect((await endOccurrence(paused, started, end("succeeded"), [], now)).schedule?.dueAt).toBeNull();
    const times = { ...following.times, endAt: utc("2026-05-01T00:09:30").getTime() };
    const last = scheduleOf({ times }, { nextAt: null, dueAt: null });
    expect((await endOccurrence(last, started, end("succeeded"), [], now)).schedule).toMatchObject({
      state: "finished",
      dueAt: null,
    });
  });
});
