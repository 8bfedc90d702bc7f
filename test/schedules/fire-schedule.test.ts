import { describe, expect, test } from "vitest";
import type { Occurrence } from "../../src/model/occurrence.js";
import type { Schedule } from "../../src/model/schedule.js";
import type { ScheduleChange } from "../../src/ports/schedule-store.js";
import { fireSchedule } from "../../src/schedules/fire-schedule.js";
import { newSchedule } from "../../src/schedules/new-schedule.js";
import { jitterOf } from "../../src/schedules/jitter.js";
import { runsToCancel } from "../../src/schedules/overlap.js";
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

const fire = (schedule: Schedule, now: string, open: readonly Occurrence[] = []): Promise<ScheduleChange> => {
  return fireSchedule(schedule, open, utc(now), scheduler);
};
const made = ({ insert = [] }: ScheduleChange): readonly string[] => {
  return insert.map(
    ({ nominalAt, state, count }) => `${shown(nominalAt)?.slice(11)} ${state}${count > 1 ? ` ${count}` : ""}`,
  );
};

describe("a schedule whose time has come", () => {
  test("makes one occurrence, whose key names schedule and time, and looks for the next", async () => {
    const change = await fire(scheduleOf(), "2026-05-01T01:00:00");
    expect(made(change)).toEqual(["01:00:00 scheduled"]);
    expect(change.insert?.[0]).toMatchObject({ key: "s@2026-05-01T01:00:00.000Z", cause: "trigger", runId: null });
    expect(shown(change.insert?.[0]?.previousAt)).toBe("2026-05-01T00:00:00");
    expect(change.schedule).toMatchObject({ version: 2, firings: 1, missed: 0, state: "active" });
    expect(shown(change.schedule?.cursor)).toBe("2026-05-01T01:00:00");
    expect(shown(change.schedule?.nextAt)).toBe("2026-05-01T02:00:00");
    expect(shown(change.schedule?.dueAt)).toBe("2026-05-01T02:00:00");
  });

  test("fires late within the grace, and not beyond", async () => {
    expect(made(await fire(scheduleOf(), "2026-05-01T01:01:00"))).toEqual(["01:00:00 scheduled"]);
    expect(made(await fire(scheduleOf(), "2026-05-01T01:01:01"))).toEqual(["01:00:00 missed"]);
  });

  test("is put off by its jitter, and keeps its nominal time", async () => {
    const definition = definitionOf({ jitterMs: 600_000 });
    const jitter = jitterOf(definition, utc("2026-05-01T01:00:00").getTime());
    expect(jitter).toBeGreaterThan(0);
    const at = new Date(utc("2026-05-01T01:00:00").getTime() + jitter);
    const schedule = scheduleOf({ jitterMs: 600_000 }, { dueAt: at });
    expect(made(await fireSchedule(schedule, [], new Date(at.getTime() - 1), scheduler))).toEqual([]);
    const [occurrence] = (await fireSchedule(schedule, [], at, scheduler)).insert ?? [];
    expect(shown(occurrence?.nominalAt)).toBe("2026-05-01T01:00:00");
    expect(occurrence?.dueAt).toEqual(at);
  });

  test("of jitters longer than its interval misses none: one waits for the one before it", async () => {
    const times = { ...definitionOf().times, triggers: [{ ...hourly, expression: "* * * * *" }] as const };
    const parts = { times, jitterMs: 1_800_000, misfireGraceMs: 1_000, overlap: { kind: "allow" } } as const;
    const made = await newSchedule(definitionOf(parts), utc("2026-05-01T00:00:00"), scheduler);
    let schedule = made;
    const fired: Occurrence[] = [];
    for (let step = 0; step < 200; step += 1) {
      const change = await fireSchedule(schedule, [], schedule.dueAt!, scheduler);
      fired.push(...(change.insert ?? []));
      schedule = change.schedule!;
    }
    expect(fired.filter(({ state }) => state !== "scheduled")).toEqual([]);
    expect(new Set(fired.map(({ key }) => key)).size).toBe(fired.length);
    const minutes = (schedule.cursor.getTime() - made.createdAt.getTime()) / 60_000;
    expect(fired).toHaveLength(minutes);
  });

  test("what has an entry already, from before the clock was put back, is not made again", async () => {
    const schedule = scheduleOf({ overlap: { kind: "allow" }, misfireGraceMs: 1_800_000 });
    const taken = new Set(["s@2026-05-01T01:00:00.000Z", "s@2026-05-01T06:00:00.000Z"]);
    const change = await fireSchedule(schedule, [], utc("2026-05-01T06:10:00"), scheduler, taken);
    expect(made(change)).toEqual(["02:00:00 missed 4"]);
    expect(change.schedule).toMatchObject({ firings: 0, missed: 4 });
    expect(shown(change.schedule?.nextAt)).toBe("2026-05-01T07:00:00");
  });

  test("is finished when it has fired as often as it may, and when its end has come", async () => {
    const last = await fire(scheduleOf({ maxFirings: 3 }, { firings: 2 }), "2026-05-01T02:00:00");
    expect(made(last)).toEqual(["02:00:00 scheduled", "01:00:00 missed"]);
    expect(last.schedule).toMatchObject({ state: "finished", firings: 3, nextAt: null, dueAt: null });
    const times = { ...definitionOf().times, endAt: utc("2026-05-01T02:00:00").getTime() };
    const ended = await fire(scheduleOf({ times }), "2026-05-01T01:00:00");
    expect(ended.schedule).toMatchObject({ state: "finished", reason: "its end has come", dueAt: null });
  });
});

describe("firings for which nobody was there", () => {
  const at = "2026-05-01T06:30:00";

  test("none: they are missed, in one entry that counts them", async () => {
    const change = await fire(scheduleOf(), at);
    expect(made(change)).toEqual(["01:00:00 missed 6"]);
    expect(shown(change.insert?.[0]?.lastNominalAt)).toBe("2026-05-01T06:00:00");
    expect(change.schedule).toMatchObject({ missed: 6, firings: 0 });
    expect(shown(change.schedule?.nextAt)).toBe("2026-05-01T07:00:00");
  });

  test("latest: the newest fires", async () => {
    const change = await fire(scheduleOf({ catchUp: { kind: "latest" } }), at);
    expect(made(change)).toEqual(["06:00:00 scheduled", "01:00:00 missed 5"]);
    expect(change.insert?.[0]?.cause).toBe("catch_up");
  });

  test("latest: none beside one that is in time", async () => {
    expect(made(await fire(scheduleOf({ catchUp: { kind: "latest" } }), "2026-05-01T06:00:30"))).toEqual([
      "06:00:00 scheduled",
      "01:00:00 missed 5",
    ]);
  });

  test("all: as many as may, the newest of them", async () => {
    const catchUp = { kind: "all", maxCount: 3, maxAgeMs: Infinity } as const;
    expect(made(await fire(scheduleOf({ catchUp, overlap: { kind: "allow" } }), at))).toEqual([
      "04:00:00 scheduled",
      "05:00:00 scheduled",
      "06:00:00 scheduled",
      "01:00:00 missed 3",
    ]);
  });

  test("all: none that is too old", async () => {
    const catchUp = { kind: "all", maxCount: 100, maxAgeMs: 2 * 3_600_000 } as const;
    expect(made(await fire(scheduleOf({ catchUp, overlap: { kind: "allow" } }), at))).toEqual([
      "05:00:00 scheduled",
      "06:00:00 scheduled",
      "01:00:00 missed 4",
    ]);
  });

  test("very many are decided upon step by step, and each of them once", async () => {
    const catchUp = { kind: "all", maxCount: 2, maxAgeMs: Infinity } as const;
    let schedule = scheduleOf({ catchUp, overlap: { kind: "allow" } });
    const now = "2026-09-01T00:30:00";
    const hours = (utc("2026-09-01T00:00:00").getTime() - utc("2026-05-01T00:00:00").getTime()) / 3_600_000;
    const occurrences: Occurrence[] = [];
    for (let step = 0; schedule.dueAt !== null && schedule.dueAt <= utc(now); step += 1) {
      expect(step).toBeLessThan(10);
      const change = await fire(schedule, now);
      occurrences.push(...(change.insert ?? []));
      schedule = change.schedule ?? schedule;
    }
    expect(occurrences.reduce((sum, { count }) => sum + count, 0)).toBe(hours);
    const fired = occurrences.filter(({ state }) => state === "scheduled").map(({ nominalAt }) => shown(nominalAt));
    expect(fired).toEqual(["2026-08-31T23:00:00", "2026-09-01T00:00:00"]);
    expect(schedule).toMatchObject({ missed: hours - 2, firings: 2 });
  });

  test("one that follows the end of its own runs is never too late", async () => {
    const schedule = scheduleOf({ times: definitionOf({}, everyMinuteAfterEnd).times });
    const change = await fire(schedule, at);
    expect(made(change)).toEqual(["01:00:00 scheduled"]);
    expect(change.schedule).toMatchObject({ state: "active", nextAt: null, dueAt: null });
  });
});

describe("while a run has not ended", () => {
  const running = occurrenceOf("2026-05-01T00:00:00", "started");
  const waiting = occurrenceOf("2026-05-01T00:30:00", "buffered");
  const at = "2026-05-01T01:00:00";

  test("skip: the firing is skipped, and counted", async () => {
    const change = await fire(scheduleOf(), at, [running]);
    expect(made(change)).toEqual(["01:00:00 skipped_overlap"]);
    expect(change.schedule).toMatchObject({ skipped: 1, firings: 1 });
    expect(shown(change.insert?.[0]?.endedAt)).toBe(at);
  });

  test("buffer_one: one waits, no more", async () => {
    const overlap = { kind: "buffer_one" } as const;
    expect(made(await fire(scheduleOf({ overlap }), at, [running]))).toEqual(["01:00:00 buffered"]);
    expect(made(await fire(scheduleOf({ overlap }), at, [running, waiting]))).toEqual(["01:00:00 skipped_overlap"]);
  });

  test("buffer_all: as many wait as may", async () => {
    const schedule = scheduleOf({ overlap: { kind: "buffer_all", limit: 2 }, misfireGraceMs: 7_200_000 });
    expect(made(await fire(schedule, "2026-05-01T02:00:00", [running, waiting]))).toEqual([
      "01:00:00 buffered",
      "02:00:00 skipped_overlap",
    ]);
  });

  test("cancel_running: the newest waits for the cancelled run, and takes the place of what waited", async () => {
    const schedule = scheduleOf({ overlap: { kind: "cancel_running" }, misfireGraceMs: 7_200_000 });
    const change = await fire(schedule, "2026-05-01T02:00:00", [running, waiting]);
    expect(made(change)).toEqual(["01:00:00 skipped_overlap", "02:00:00 buffered"]);
    expect(change.update).toMatchObject([{ from: "buffered", to: { key: waiting.key, state: "skipped_overlap" } }]);
    expect(change.schedule?.skipped).toBe(2);
    expect(runsToCancel([running, ...(change.insert ?? [])])).toEqual([running.runId]);
    // What waits by another policy waits for the run's own end.
    expect(runsToCancel([running, waiting])).toEqual([]);
    expect(runsToCancel([running])).toEqual([]);
  });

  test("allow: it starts", async () => {
    expect(made(await fire(scheduleOf({ overlap: { kind: "allow" } }), at, [running]))).toEqual(["01:00:00 scheduled"]);
  });

  test("what waits keeps its place before newer ones, even when nothing runs", async () => {
    const overlap = { kind: "buffer_all", limit: 9 } as const;
    expect(made(await fire(scheduleOf({ overlap }), at, [waiting]))).toEqual(["01:00:00 buffered"]);
  });
});
