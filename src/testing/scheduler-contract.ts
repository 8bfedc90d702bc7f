import assert from "node:assert/strict";
import type { CronTrigger, Trigger } from "../model/trigger.js";
import type { Scheduler } from "../ports/scheduler.js";
import { contract, type ContractClause, type Waiver } from "./contract.js";
import { ManualClock } from "./manual-clock.js";

interface SchedulerSubject {
  readonly scheduler: Scheduler;
  /** The clock that the scheduler was made with. */
  readonly clock: ManualClock;
}

const utc = (text: string): number => Date.parse(`${text}Z`);
const cron = (expression: string, timeZone: string, policy: Partial<CronTrigger> = {}): CronTrigger => {
  return { kind: "cron", expression, timeZone, gap: "shift", overlap: "first", ...policy };
};
const daily = (timeZone: string): CronTrigger => cron("30 6 * * *", timeZone);
const every = (everyMs: number, anchor: number): Trigger => ({ kind: "interval", everyMs, from: "anchor", anchor });

/** The promises of {@link Scheduler}. */
export function schedulerContract(options: {
  readonly make: (clock: ManualClock) => Scheduler;
  readonly without?: readonly Waiver[];
}): readonly ContractClause[] {
  const subject = (): Promise<SchedulerSubject & { dispose(): Promise<void> }> => {
    const clock = new ManualClock(utc("2026-01-01T00:00:00"));
    const scheduler = options.make(clock);
    return Promise.resolve({ scheduler, clock, dispose: () => Promise.resolve(scheduler.stop()) });
  };
  return contract<SchedulerSubject>(CLAUSES, subject, options.without);
}

const CLAUSES: Readonly<Record<string, (subject: SchedulerSubject) => Promise<void>>> = {
  "a cron trigger fires at the wall time of its zone": async ({ scheduler }) => {
    const after = utc("2026-01-15T12:00:00");
    assert.equal(scheduler.nextFireTime(daily("UTC"), after), utc("2026-01-16T06:30:00"));
    assert.equal(scheduler.nextFireTime(daily("America/New_York"), after), utc("2026-01-16T11:30:00"));
    assert.equal(scheduler.nextFireTime(daily("Asia/Kolkata"), after), utc("2026-01-16T01:00:00"));
  },
  "firing times are strictly after, and strictly increasing": async ({ scheduler }) => {
    let time = utc("2026-03-07T00:00:00");
    for (let firing = 0; firing < 400; firing += 1) {
      const next = scheduler.nextFireTime(cron("*/30 * * * *", "America/New_York"), time);
      assert.ok(next !== undefined && next > time, `${String(next)} is not after ${time}`);
      time = next;
    }
  },
  "computing is pure: the same question has the same answer, whatever the clock says": async ({ scheduler, clock }) => {
    const after = utc("2026-06-01T00:00:00");
    const first = scheduler.nextFireTime(daily("UTC"), after);
    clock.jumpTo(utc("2030-01-01T00:00:00"));
    assert.equal(scheduler.nextFireTime(daily("UTC"), after), first);
  },
  "an interval keeps its anchor": async ({ scheduler }) => {
    const anchor = utc("2026-01-01T00:00:10");
    const trigger = every(60_000, anchor);
    assert.equal(scheduler.nextFireTime(trigger, anchor), anchor + 60_000);
    assert.equal(scheduler.nextFireTime(trigger, anchor + 59_999), anchor + 60_000);
    assert.equal(scheduler.nextFireTime(trigger, anchor - 1), anchor);
  },
  "an interval from completion counts from what it is asked for": async ({ scheduler }) => {
    const trigger: Trigger = { kind: "interval", everyMs: 90_000, from: "completion", anchor: 0 };
    assert.equal(scheduler.nextFireTime(trigger, 1_234_567), 1_324_567);
  },
  "a wall-clock time that does not exist is shifted by the gap, or skipped": async ({ scheduler }) => {
    // In Paris the clock goes from 02:00 to 03:00 on 29 March 2026.
    const after = utc("2026-03-28T12:00:00");
    const shifted = cron("30 2 * * *", "Europe/Paris", { gap: "shift" });
    assert.equal(scheduler.nextFireTime(shifted, after), utc("2026-03-29T01:30:00"));
    const skipped = cron("30 2 * * *", "Europe/Paris", { gap: "skip" });
    assert.equal(scheduler.nextFireTime(skipped, after), utc("2026-03-30T00:30:00"));
  },
  "a shifted time that meets a firing of its own fires once": async ({ scheduler }) => {
    const trigger = cron("30 2,3 * * *", "Europe/Paris", { gap: "shift" });
    const first = scheduler.nextFireTime(trigger, utc("2026-03-29T00:00:00"));
    assert.equal(first, utc("2026-03-29T01:30:00"));
    assert.equal(scheduler.nextFireTime(trigger, first ?? 0), utc("2026-03-30T00:30:00"));
  },
  "a wall-clock time that comes twice fires the first time, the last, or both": async ({ scheduler }) => {
    // In Paris the clock goes from 03:00 back to 02:00 on 25 October 2026.
    const [first, last] = [utc("2026-10-25T00:30:00"), utc("2026-10-25T01:30:00")];
    const next = utc("2026-10-26T01:30:00");
    const firings = (overlap: CronTrigger["overlap"], count: number): readonly (number | undefined)[] => {
      const trigger = cron("30 2 * * *", "Europe/Paris", { overlap });
      let after = utc("2026-10-24T12:00:00");
      return Array.from({ length: count }, () => (after = scheduler.nextFireTime(trigger, after) ?? Infinity));
    };
    assert.deepEqual(firings("first", 2), [first, next]);
    assert.deepEqual(firings("last", 2), [last, next]);
    assert.deepEqual(firings("both", 3), [first, last, next]);
  },
  "Sunday is 0 and 7; L, W and # are the last, the nearest weekday and the nth": async ({ scheduler }) => {
    const after = utc("2026-01-01T12:00:00");
    const expected: readonly (readonly [string, string])[] = [
      ["0 9 * * 0", "2026-01-04T09:00:00"],
      ["0 9 * * 7", "2026-01-04T09:00:00"],
      ["0 9 L * *", "2026-01-31T09:00:00"],
      ["0 9 17W * *", "2026-01-16T09:00:00"],
      ["0 9 * * 5#2", "2026-01-09T09:00:00"],
      ["15 0 9 * * *", "2026-01-02T09:00:15"],
    ];
    for (const [expression, time] of expected) {
      assert.equal(scheduler.nextFireTime(cron(expression, "UTC"), after), utc(time), expression);
    }
  },
  "a single time fires once": async ({ scheduler }) => {
    const at = utc("2026-05-05T05:05:05");
    assert.equal(scheduler.nextFireTime({ kind: "once", at }, at - 1), at);
    assert.equal(scheduler.nextFireTime({ kind: "once", at }, at), undefined);
  },
  "what never comes has no firing time": async ({ scheduler }) => {
    const trigger = cron("0 0 30 2 *", "UTC");
    assert.equal(scheduler.nextFireTime(trigger, utc("2026-01-01T00:00:00")), undefined);
  },
  "a trigger that makes no sense is refused with its field": async ({ scheduler }) => {
    const bad: readonly [Trigger, string][] = [
      [cron("61 * * * *", "UTC"), "expression"],
      [cron("* * * * *", "Mars/Olympus"), "timeZone"],
      [every(0, 0), "everyMs"],
    ];
    for (const [trigger, field] of bad) {
      assert.throws(() => scheduler.nextFireTime(trigger, 0), { code: "invalid_definition", field });
    }
  },
  "wakes at the time that was asked for last, and not before": async ({ scheduler, clock }) => {
    let woken = 0;
    scheduler.start(() => (woken += 1));
    scheduler.wakeAt(clock.now() + 1_000);
    scheduler.wakeAt(clock.now() + 5_000);
    await clock.advance(4_999);
    assert.equal(woken, 0);
    await clock.advance(1);
    assert.equal(woken, 1);
    await clock.advance(60_000);
    assert.equal(woken, 1);
  },
  "wakes at once for a time that has passed": async ({ scheduler, clock }) => {
    let woken = 0;
    scheduler.start(() => (woken += 1));
    scheduler.wakeAt(clock.now() - 10_000);
    await clock.advance(0);
    assert.equal(woken, 1);
  },
  "does not wake when called off or stopped, and holds no timer then": async ({ scheduler, clock }) => {
    let woken = 0;
    scheduler.start(() => (woken += 1));
    scheduler.wakeAt(clock.now() + 10);
    scheduler.wakeAt(undefined);
    await clock.advance(100);
    scheduler.wakeAt(clock.now() + 10);
    scheduler.stop();
    assert.equal(clock.pending, 0);
    await clock.advance(100);
    assert.equal(woken, 0);
  },
};
