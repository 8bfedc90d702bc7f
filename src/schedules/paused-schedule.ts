import type { Occurrence } from "../model/occurrence.js";
import type { Schedule } from "../model/schedule.js";
import type { Scheduler } from "../ports/scheduler.js";
import type { ScheduleChange } from "../ports/schedule-store.js";
import { dueFirst } from "./due-first.js";
import { calledOff } from "./end-occurrence.js";
import { paused } from "./schedule-states.js";

/**
 * What becomes of a schedule that somebody pauses; null: it is not active. What was due before, of a machine that slept, is
 * fired or told as missed first, in one change with an `insert`: the pause itself is another.
 */
export async function pausedSchedule(
  schedule: Schedule,
  reason: string,
  open: readonly Occurrence[],
  now: Date,
  scheduler: Scheduler,
): Promise<ScheduleChange | null> {
  if (schedule.state !== "active") return null;
  const due = await dueFirst(schedule, open, now, scheduler);
  if (due !== undefined) return due;
  const waiting = open.filter(({ state }) => state === "buffered");
  const update = waiting.map((one) => calledOff(one, now, `its schedule was paused: ${reason}`));
  return { schedule: paused(schedule, reason), update };
}
