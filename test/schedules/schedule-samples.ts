import { CronerScheduler } from "../../src/adapters/croner/croner-scheduler.js";
import type { Occurrence } from "../../src/model/occurrence.js";
import type { Schedule, ScheduleDefinition } from "../../src/model/schedule.js";
import type { IntervalTrigger, Trigger } from "../../src/model/trigger.js";
import { ManualClock } from "../../src/testing/manual-clock.js";

export const scheduler = new CronerScheduler(new ManualClock(0));

export const utc = (text: string): Date => new Date(`${text}Z`);
export const shown = (time: Date | number | null | undefined): string | null => {
  return time == null ? null : new Date(time).toISOString().slice(0, 19);
};

export const hourly: Trigger = {
  kind: "cron",
  expression: "0 * * * *",
  timeZone: "UTC",
  gap: "shift",
  overlap: "first",
};
export const everyMinuteAfterEnd: IntervalTrigger = {
  kind: "interval",
  everyMs: 60_000,
  from: "completion",
  anchor: 0,
};

export function definitionOf(
  parts: Partial<ScheduleDefinition> = {},
  ...triggers: readonly Trigger[]
): ScheduleDefinition {
  const [first = hourly, ...others] = triggers;
  return {
    id: "s",
    description: null,
    times: { triggers: [first, ...others], exclude: [], startAt: null, endAt: null },
    job: "j",
    parameters: {},
    timeParameters: {},
    overlap: { kind: "skip" },
    catchUp: { kind: "none" },
    misfireGraceMs: 60_000,
    jitterMs: 0,
    pauseAfterFailures: null,
    maxFirings: null,
    startImmediately: false,
    createdBy: null,
    hash: "h",
    ...parts,
  };
}

/** Hourly, made at midnight, and next due at one o'clock. */
export function scheduleOf(parts: Partial<ScheduleDefinition> = {}, state: Partial<Schedule> = {}): Schedule {
  const createdAt = utc("2026-05-01T00:00:00");
  const nextAt = utc("2026-05-01T01:00:00");
  return {
    definition: definitionOf(parts),
    version: 1,
    state: "active",
    reason: null,
    createdAt,
    updatedAt: createdAt,
    cursor: createdAt,
    nextAt,
    dueAt: nextAt,
    firings: 0,
    succeeded: 0,
    failed: 0,
    failedInARow: 0,
    missed: 0,
    skipped: 0,
    last: null,
    ...state,
  };
}

export function occurrenceOf(time: string, state: Occurrence["state"], parts: Partial<Occurrence> = {}): Occurrence {
  const at = utc(time);
  return {
    key: `s@${time}`,
    scheduleId: "s",
    nominalAt: at,
    previousAt: at,
    dueAt: at,
    cause: "trigger",
    state,
    reason: null,
    runId: state === "started" ? `run-${time}` : null,
    error: null,
    createdAt: at,
    endedAt: null,
    count: 1,
    lastNominalAt: at,
    ...parts,
  };
}
