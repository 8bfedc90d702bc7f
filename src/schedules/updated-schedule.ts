import { isDeepStrictEqual } from "node:util";
import type { Occurrence } from "../model/occurrence.js";
import type { Schedule, ScheduleDefinition } from "../model/schedule.js";
import type { Scheduler } from "../ports/scheduler.js";
import type { ScheduleChange } from "../ports/schedule-store.js";
import { fireSchedule } from "./fire-schedule.js";
import { longMissed } from "./long-missed.js";
import { finished, FIRED_ENOUGH, goingOn, hasFiredEnough } from "./schedule-states.js";

/**
 * What becomes of a schedule that gets another definition. What is due by its old times is fired first, so that a downtime
 * before a deployment loses nothing: that is one change, with an `insert`, and the update itself another.
 */
export async function updatedSchedule(
  schedule: Schedule,
  definition: ScheduleDefinition,
  open: readonly Occurrence[],
  now: Date,
  scheduler: Scheduler,
): Promise<ScheduleChange> {
  const createdBy = definition.createdBy ?? schedule.definition.createdBy;
  const next = { ...schedule, definition: { ...definition, createdBy } };
  if (schedule.state === "paused") return { schedule: next };
  if (schedule.state === "active" && isDeepStrictEqual(schedule.definition.times, definition.times)) {
    return { schedule: hasFiredEnough(next) ? finished(next, FIRED_ENOUGH) : next };
  }
  if (schedule.dueAt !== null && schedule.dueAt <= now) {
    const behind = await longMissed(schedule, now.getTime(), scheduler);
    return fireSchedule(schedule, open, now, scheduler, undefined, behind);
  }
  return { schedule: goingOn(next, now, scheduler) };
}
