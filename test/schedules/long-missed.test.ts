import { expect, test } from "vitest";
import type { Schedule, ScheduleDefinition } from "../../src/model/schedule.js";
import type { Trigger } from "../../src/model/trigger.js";
import { fireSchedule } from "../../src/schedules/fire-schedule.js";
import { longMissed } from "../../src/schedules/long-missed.js";
import { seededRandom } from "../crash/seeded-random.js";
import { hourly, scheduler, scheduleOf, utc } from "./schedule-samples.js";

const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1_000_000);
const HOUR = 3_600_000;

const cron = { ...hourly, expression: "*/10 * * * *" };
const interval: Trigger = { kind: "interval", everyMs: 7 * 60_000, from: "anchor", anchor: 12_345 };
const completion: Trigger = { kind: "interval", everyMs: 5_000, from: "completion", anchor: 0 };
const exclude = [{ kind: "dates", dates: ["2026-05-03"], timeZone: "Europe/Oslo" }] as const;

/** What becomes of a schedule by `now`, in as many changes as it takes. */
async function decided(schedule: Schedule, now: Date, isCounted: boolean) {
  const fired: number[] = [];
  let changes = 0;
  let next = schedule;
  do {
    const behind = isCounted ? await longMissed(next, now.getTime(), scheduler) : undefined;
    const change = await fireSchedule(next, [], now, scheduler, undefined, behind);
    for (const { state, nominalAt } of change.insert ?? []) if (state !== "missed") fired.push(nominalAt.getTime());
    next = change.schedule!;
    changes += 1;
  } while (next.dueAt !== null && next.dueAt <= now);
  const { missed, cursor, nextAt, dueAt, state, firings } = next;
  return { changes, outcome: { fired, missed, cursor, nextAt, dueAt, state, firings } };
}

test("what was missed for long is counted as if each was looked at", async () => {
  console.log(`seed ${SEED}: set MILLRACE_SEED to repeat it`);
  const random = seededRandom(SEED);
  const oneOf = <T>(...all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
  let fewer = 0;
  for (let trial = 0; trial < 60; trial += 1) {
    const triggers = oneOf<ScheduleDefinition["times"]["triggers"]>(
      [interval],
      [cron],
      [interval, cron],
      [interval, completion],
      [{ kind: "once", at: utc("2026-05-01T05:00:00").getTime() }],
    );
    const definition = {
      times: {
        triggers,
        exclude: oneOf<ScheduleDefinition["times"]["exclude"]>([], exclude),
        startAt: null,
        endAt: oneOf(null, utc("2026-05-09T00:00:00").getTime()),
      },
      catchUp: oneOf<ScheduleDefinition["catchUp"]>(
        { kind: "none" },
        { kind: "latest" },
        { kind: "all", maxCount: Math.ceil(random() * 50), maxAgeMs: random() * 20 * HOUR },
      ),
      misfireGraceMs: oneOf(0, 60_000, 3 * HOUR),
      jitterMs: oneOf(0, 30_000, 2 * HOUR),
      maxFirings: oneOf(null, 5),
      overlap: { kind: "allow" },
    } as const;
    const schedule = scheduleOf(definition);
    const now = new Date(schedule.nextAt!.getTime() + Math.floor(random() ** 3 * 30 * 24 * HOUR));
    const [counted, looked] = [await decided(schedule, now, true), await decided(schedule, now, false)];
    expect(counted.outcome, `trial ${trial}`).toEqual(looked.outcome);
    if (counted.changes < looked.changes) fewer += 1;
  }
  expect(fewer).toBeGreaterThan(3);
});
