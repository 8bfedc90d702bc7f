import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CronerScheduler } from "../../../src/adapters/croner/croner-scheduler.js";
import type { CronTrigger } from "../../../src/model/trigger.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";
import { type CronFields, expressionOf, firingsOf } from "./wall-clock-oracle.js";

/** With half an hour, with quarters, with negative summer time, and with a day left out. */
const ZONES = [
  "UTC",
  "Europe/Paris",
  "America/New_York",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Africa/Casablanca",
  "America/St_Johns",
  "Pacific/Apia",
];
const YEARS = 10;

const setOf = (from: number, to: number, most: number): fc.Arbitrary<readonly number[]> => {
  return fc.uniqueArray(fc.integer({ min: from, max: to }), { minLength: 1, maxLength: most });
};
const orAny = (field: fc.Arbitrary<readonly number[]>): fc.Arbitrary<readonly number[] | null> => {
  return fc.option(field, { freq: 2 });
};
const FIELDS: fc.Arbitrary<CronFields> = fc.record({
  minutes: setOf(0, 59, 2),
  // Most wall clocks are changed at these.
  hours: fc.oneof(setOf(0, 3, 3), setOf(0, 23, 3)),
  daysOfMonth: orAny(setOf(1, 31, 6)),
  months: orAny(setOf(1, 12, 5)),
  daysOfWeek: orAny(setOf(0, 6, 3)),
});

describe.each(ZONES)("firing times in %s", (timeZone) => {
  test("are, over ten years, those that the wall clock shows", { timeout: 60_000 }, () => {
    const scheduler = new CronerScheduler(new ManualClock(0));
    const policy = fc.record({
      gap: fc.constantFrom<CronTrigger["gap"]>("shift", "skip"),
      overlap: fc.constantFrom<CronTrigger["overlap"]>("first", "last", "both"),
    });
    const property = fc.property(
      FIELDS,
      policy,
      fc.integer({ min: 2005, max: 2035 }),
      (fields, { gap, overlap }, year) => {
        const trigger: CronTrigger = { kind: "cron", expression: expressionOf(fields), timeZone, gap, overlap };
        const [from, to] = [Date.UTC(year, 0, 1), Date.UTC(year + YEARS, 0, 1)];
        const found: number[] = [];
        for (let time = from - 1; ;) {
          const next = scheduler.nextFireTime(trigger, time);
          if (next === undefined || next >= to) break;
          expect(next).toBeGreaterThan(time);
          found.push(next);
          time = next;
        }
        expect(found).toEqual(firingsOf(fields, trigger, from, to));
      },
    );
    fc.assert(property, { numRuns: 6 });
  });
});
