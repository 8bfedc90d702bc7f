import assert from "node:assert/strict";
import type { Scheduler, ScheduleTrigger } from "../ports/scheduler.js";
import { contract, type ContractClause, type Waiver } from "./contract.js";
import { ManualClock } from "./manual-clock.js";

interface SchedulerSubject {
  readonly scheduler: Scheduler;
  /** The clock that the scheduler was made with. */
  readonly clock: ManualClock;
}

const utc = (text: string): number => Date.parse(`${text}Z`);
const daily = (timeZone: string): ScheduleTrigger => ({ kind: "cron", expression: "30 6 * * *", timeZone });

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
      const next = scheduler.nextFireTime(
        { kind: "cron", expression: "*/30 * * * *", timeZone: "America/New_York" },
        time,
      );
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
    const trigger = { kind: "interval", everyMs: 60_000, anchor } as const;
    assert.equal(scheduler.nextFireTime(trigger, anchor), anchor + 60_000);
    assert.equal(scheduler.nextFireTime(trigger, anchor + 59_999), anchor + 60_000);
    assert.equal(scheduler.nextFireTime(trigger, anchor - 1), anchor);
  },
  "a single time fires once": async ({ scheduler }) => {
    const at = utc("2026-05-05T05:05:05");
    assert.equal(scheduler.nextFireTime({ kind: "once", at }, at - 1), at);
    assert.equal(scheduler.nextFireTime({ kind: "once", at }, at), undefined);
  },
  "what never comes has no firing time": async ({ scheduler }) => {
    const trigger = { kind: "cron", expression: "0 0 30 2 *", timeZone: "UTC" } as const;
    assert.equal(scheduler.nextFireTime(trigger, utc("2026-01-01T00:00:00")), undefined);
  },
  "a trigger that makes no sense is refused with its field": async ({ scheduler }) => {
    const bad: readonly [ScheduleTrigger, string][] = [
      [{ kind: "cron", expression: "61 * * * *", timeZone: "UTC" }, "expression"],
      [{ kind: "cron", expression: "* * * * *", timeZone: "Mars/Olympus" }, "timeZone"],
      [{ kind: "interval", everyMs: 0, anchor: 0 }, "everyMs"],
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
