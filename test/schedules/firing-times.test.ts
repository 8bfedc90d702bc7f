import { describe, expect, test } from "vitest";
import { CronerScheduler } from "../../src/adapters/croner/croner-scheduler.js";
import type { CronTrigger, FiringTimes, Trigger } from "../../src/model/trigger.js";
import { nextFiring, nextFirings } from "../../src/schedules/firing-times.js";
import { ManualClock } from "../../src/testing/manual-clock.js";

const scheduler = new CronerScheduler(new ManualClock(0));
const utc = (text: string): number => Date.parse(`${text}Z`);
const cron = (expression: string, timeZone = "UTC"): CronTrigger => {
  return { kind: "cron", expression, timeZone, gap: "shift", overlap: "first" };
};
const times = (triggers: readonly [Trigger, ...Trigger[]], parts: Partial<FiringTimes> = {}): FiringTimes => {
  return { triggers, exclude: [], startAt: null, endAt: null, ...parts };
};
const first = async (given: FiringTimes, after: string, count: number): Promise<readonly string[]> => {
  const found = await nextFirings(given, scheduler, utc(after), count);
  return found.map((time) => new Date(time).toISOString().slice(0, 19));
};

describe("several triggers", () => {
  test("fire when any of them does, once where two meet", async () => {
    const both = times([cron("0 */6 * * *"), cron("0 8,12 * * *")]);
    expect(await first(both, "2026-05-01T05:00:00", 4)).toEqual([
      "2026-05-01T06:00:00",
      "2026-05-01T08:00:00",
      "2026-05-01T12:00:00",
      "2026-05-01T18:00:00",
    ]);
  });

  test("end when the last of them has ended", async () => {
    const once = times([
      { kind: "once", at: utc("2026-05-02T00:00:00") },
      { kind: "once", at: utc("2026-05-01T00:00:00") },
    ]);
    expect(await first(once, "2026-01-01T00:00:00", 5)).toEqual(["2026-05-01T00:00:00", "2026-05-02T00:00:00"]);
  });
});

describe("start and end", () => {
  const limits = { startAt: utc("2026-05-02T06:00:00"), endAt: utc("2026-05-03T06:00:00") };

  test("the start belongs to it, the end does not", async () => {
    expect(await first(times([cron("0 6 * * *")], limits), "2026-01-01T00:00:00", 5)).toEqual(["2026-05-02T06:00:00"]);
  });

  test("an anchored interval keeps its phase; one from completion begins at the start", async () => {
    const anchored: Trigger = {
      kind: "interval",
      everyMs: 50_000_000,
      from: "anchor",
      anchor: utc("2026-05-01T00:00:00"),
    };
    expect(await first(times([anchored], limits), "2026-01-01T00:00:00", 5)).toEqual(["2026-05-02T17:40:00"]);
    const completion: Trigger = { kind: "interval", everyMs: 60_000, from: "completion", anchor: 0 };
    expect(await first(times([completion], limits), "2026-01-01T00:00:00", 2)).toEqual([
      "2026-05-02T06:00:00",
      "2026-05-02T06:01:00",
    ]);
  });
});

describe("exclusions", () => {
  test("whole days of a zone", async () => {
    const exclude = [{ kind: "dates", dates: ["2026-12-25"], timeZone: "Asia/Tokyo" }] as const;
    // 25 December in Tokyo ends at 15:00 UTC.
    expect(await first(times([cron("0 */5 * * *")], { exclude }), "2026-12-24T12:00:00", 3)).toEqual([
      "2026-12-25T15:00:00",
      "2026-12-25T20:00:00",
      "2026-12-26T00:00:00",
    ]);
  });

  test("minutes that a cron expression matches, seconds with six fields", async () => {
    const weekends = [{ kind: "cron", expression: "* * * * 6,7", timeZone: "UTC" }] as const;
    // 2026-05-02 is a Saturday.
    expect(await first(times([cron("30 15 9 * * *")], { exclude: weekends }), "2026-05-01T00:00:00", 2)).toEqual([
      "2026-05-01T09:15:30",
      "2026-05-04T09:15:30",
    ]);
    const atNought = [{ kind: "cron", expression: "0 * * * * *", timeZone: "UTC" }] as const;
    expect(await first(times([cron("*/30 * * * * *")], { exclude: atNought }), "2026-05-01T00:00:00", 2)).toEqual([
      "2026-05-01T00:00:30",
      "2026-05-01T00:01:30",
    ]);
  });

  test("a range, its end not included", async () => {
    const exclude = [{ kind: "range", from: utc("2026-05-01T06:00:00"), to: utc("2026-05-01T18:00:00") }] as const;
    expect(await first(times([cron("0 */6 * * *")], { exclude }), "2026-05-01T00:00:00", 2)).toEqual([
      "2026-05-01T18:00:00",
      "2026-05-02T00:00:00",
    ]);
  });

  test("what they leave nothing of never fires, and says so soon", async () => {
    const exclude = [{ kind: "cron", expression: "* * * * *", timeZone: "UTC" }] as const;
    expect(
      await nextFiring(times([cron("0 6 * * *")], { exclude }), scheduler, utc("2026-05-01T00:00:00")),
    ).toBeUndefined();
  });
});

describe("long exclusions", () => {
  const everySecond = cron("* * * * * *");

  test("whole days are passed over as days, however often it fires", async () => {
    const dates = ["2026-12-24", "2026-12-25", "2026-12-26", "2026-12-27"];
    const excluded = times([everySecond], { exclude: [{ kind: "dates", dates, timeZone: "America/New_York" }] });
    expect(await first(excluded, "2026-12-24T04:59:58", 2)).toEqual(["2026-12-24T04:59:59", "2026-12-28T05:00:00"]);
  });

  test("so are the days, hours and minutes of an expression", async () => {
    const without = (expression: string) =>
      times([everySecond], { exclude: [{ kind: "cron", expression, timeZone: "Europe/Paris" }] });
    expect(await first(without("* * * 1-6 *"), "2026-02-01T00:00:00", 1)).toEqual(["2026-06-30T22:00:00"]);
    expect(await first(without("* * * * * 6,7"), "2026-05-02T00:00:00", 1)).toEqual(["2026-05-03T22:00:00"]);
    expect(await first(without("* 0-22 * * *"), "2026-05-01T00:00:00", 1)).toEqual(["2026-05-01T21:00:00"]);
    expect(await first(without("0-58 * * * *"), "2026-05-01T00:00:00", 1)).toEqual(["2026-05-01T00:59:00"]);
    expect(await first(without("30-59 * * * * *"), "2026-05-01T00:00:29", 1)).toEqual(["2026-05-01T00:01:00"]);
  });

  test("a day whose midnight comes twice ends with the second", async () => {
    const dates = ["2026-10-31"];
    // Havana puts its clocks back from 01:00 to 00:00 on the 1st of November.
    const excluded = times([everySecond], { exclude: [{ kind: "dates", dates, timeZone: "America/Havana" }] });
    expect(await first(excluded, "2026-10-31T12:00:00", 1)).toEqual(["2026-11-01T04:00:00"]);
  });
});
