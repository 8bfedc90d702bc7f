import { isDeepStrictEqual } from "node:util";
import type { Occurrence } from "../model/occurrence.js";
import type { Schedule, ScheduleDefinition } from "../model/schedule.js";
import type { Scheduler } from "../ports/scheduler.js";
import type { ScheduleChange } from "../ports/schedule-store.js";
import { dueFirst } from "./due-first.js";
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
  return (await dueFirst(schedule, open, now, scheduler)) ?? { schedule: await goingOn(next, now, scheduler) };
}
