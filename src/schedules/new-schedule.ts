import type { Schedule, ScheduleDefinition } from "../model/schedule.js";
import type { Scheduler } from "../ports/scheduler.js";
import { nextFiring } from "./firing-times.js";
import { goingOn, nextTimes } from "./schedule-states.js";

/** A schedule as it is stored first: due at once, unless its definition says otherwise. */
export async function newSchedule(definition: ScheduleDefinition, now: Date, scheduler: Scheduler): Promise<Schedule> {
  const schedule: Schedule = {
    definition,
    // Never one of a deleted schedule of the same id: what is still being done for that must not be done to this one.
    version: now.getTime(),
    state: "active",
    reason: null,
    createdAt: now,
    updatedAt: now,
    cursor: now,
    nextAt: null,
    dueAt: null,
    firings: 0,
    succeeded: 0,
    failed: 0,
    failedInARow: 0,
    missed: 0,
    skipped: 0,
    last: null,
  };
  return definition.startImmediately
    ? { ...schedule, ...(await atOnce(schedule, now, scheduler)) }
    : goingOn(schedule, now, scheduler);
}

/** No jitter: somebody is waiting to see it work. `startAt`, `endAt` and exclusions hold all the same. */
async function atOnce(
  { definition }: Pick<Schedule, "definition">,
  now: Date,
  scheduler: Scheduler,
): Promise<Partial<Schedule>> {
  const { times } = definition;
  const at = Math.max(now.getTime(), times.startAt ?? 0);
  const triggers = [{ kind: "once", at }, ...times.triggers] as const;
  const next = await nextFiring({ ...times, triggers }, scheduler, at - 1);
  return next === at ? { nextAt: new Date(at), dueAt: new Date(at) } : nextTimes({ definition }, next);
}
