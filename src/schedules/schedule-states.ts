import type { Schedule } from "../model/schedule.js";
import type { Scheduler } from "../ports/scheduler.js";
import { nextFiring } from "./firing-times.js";
import { jitterOf } from "./jitter.js";

const NEVER = { nextAt: null, dueAt: null } as const;

/** The next nominal time, and when somebody has to look. */
export function nextTimes(
  { definition }: Pick<Schedule, "definition">,
  next: number | undefined,
): Pick<Schedule, "nextAt" | "dueAt"> {
  if (next === undefined) return NEVER;
  return { nextAt: new Date(next), dueAt: new Date(next + jitterOf(definition, next)) };
}

export function paused(schedule: Schedule, reason: string): Schedule {
  return { ...schedule, state: "paused", reason, ...NEVER };
}

/** Of a definition that cannot be carried out: somebody wrote it past the checks, or this system knows less than theirs. */
export function pausedByFault(schedule: Schedule, fault: unknown): Schedule {
  return paused(schedule, `its definition is at fault: ${fault instanceof Error ? fault.message : String(fault)}`);
}

export function finished(schedule: Schedule, reason: string): Schedule {
  return { ...schedule, state: "finished", reason, ...NEVER };
}

/** Active from `after` on; finished when nothing is left of it. */
export async function goingOn(schedule: Schedule, after: Date, scheduler: Scheduler): Promise<Schedule> {
  if (hasFiredEnough(schedule)) return finished(schedule, FIRED_ENOUGH);
  const { times } = schedule.definition;
  const next = await nextFiring(times, scheduler, after.getTime());
  if (next === undefined) return finished(schedule, whyNoMore(schedule));
  return { ...schedule, state: "active", reason: null, ...nextTimes(schedule, next) };
}

export const FIRED_ENOUGH = "it has fired as often as it may";

export function hasFiredEnough({ definition: { maxFirings }, firings }: Schedule): boolean {
  return maxFirings !== null && firings >= maxFirings;
}

export function whyNoMore({ definition: { times } }: Schedule): string {
  return times.endAt === null ? "it does not fire again" : "its end has come";
}
