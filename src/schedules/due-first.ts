import type { Occurrence } from "../model/occurrence.js";
import type { Schedule } from "../model/schedule.js";
import type { Scheduler } from "../ports/scheduler.js";
import type { ScheduleChange } from "../ports/schedule-store.js";
import { fireSchedule } from "./fire-schedule.js";
import { longMissed } from "./long-missed.js";

/** What has come due of a schedule before it is paused or gets other times, and nobody has fired yet; undefined: nothing. */
export async function dueFirst(
  schedule: Schedule,
  open: readonly Occurrence[],
  now: Date,
  scheduler: Scheduler,
): Promise<ScheduleChange | undefined> {
  if (schedule.dueAt === null || schedule.dueAt > now) return undefined;
  const behind = await longMissed(schedule, now.getTime(), scheduler);
  return fireSchedule(schedule, open, now, scheduler, undefined, behind);
}
