import { occurrenceKey } from "../model/occurrence-key.js";
import { isOpenOccurrence, type Occurrence } from "../model/occurrence.js";
import type { Schedule } from "../model/schedule.js";
import type { Scheduler } from "../ports/scheduler.js";
import type { ScheduleChange } from "../ports/schedule-store.js";
import { dueFirings, fixedTimes, followingTimes, type Firing, type MissedFirings } from "./due-firings.js";
import { nextFiring } from "./firing-times.js";
import type { LongMissed } from "./long-missed.js";
import { applyOverlap } from "./overlap.js";
import { finished, FIRED_ENOUGH, goingOn, hasFiredEnough, nextTimes, whyNoMore } from "./schedule-states.js";

/**
 * What becomes of a schedule whose time has come: its new occurrences, and when to look again.
 *
 * @param open what is open of the schedule; backfills are not among it.
 * @param taken keys of occurrences that are there already, from before a clock was put back: they are not made again.
 * @param behind what of it was missed for long.
 */
export async function fireSchedule(
  schedule: Schedule,
  open: readonly Occurrence[],
  now: Date,
  scheduler: Scheduler,
  taken: ReadonlySet<string> = new Set(),
  behind?: LongMissed,
): Promise<ScheduleChange> {
  const { definition } = schedule;
  const due = await dueFirings(schedule, now.getTime(), scheduler, behind);
  const left = definition.maxFirings === null ? Infinity : definition.maxFirings - schedule.firings;
  const fired = due.fired
    .map((firing) => fresh(schedule, firing, now))
    .filter(({ key }) => !taken.has(key))
    .slice(0, Math.max(0, left));
  const overlap = applyOverlap(definition.overlap, open, fired, now);
  const told = due.missed.map((range) => missedOccurrence(schedule, range, now, scheduler, taken));
  const missed = (await Promise.all(told)).filter((one) => one !== undefined);
  const skipped = [...overlap.insert, ...overlap.update.map(({ to }) => to)].filter(
    ({ state }) => state === "skipped_overlap",
  ).length;
  const next: Schedule = {
    ...schedule,
    version: schedule.version + 1,
    updatedAt: now,
    cursor: new Date(due.cursor),
    firings: schedule.firings + fired.length,
    missed: schedule.missed + missed.reduce((sum, { count }) => sum + count, 0),
    skipped: schedule.skipped + skipped,
    ...nextTimes(schedule, due.next),
  };
  const isIdle = ![...open, ...overlap.insert].some(({ state }) => isOpenOccurrence(state));
  return {
    schedule: await unlessOver(next, isIdle, now, scheduler),
    insert: [...overlap.insert, ...missed],
    update: overlap.update,
  };
}

async function unlessOver(schedule: Schedule, isIdle: boolean, now: Date, scheduler: Scheduler): Promise<Schedule> {
  if (hasFiredEnough(schedule)) return finished(schedule, FIRED_ENOUGH);
  if (schedule.nextAt !== null) return schedule;
  if (followingTimes(schedule.definition.times) === undefined) return finished(schedule, whyNoMore(schedule));
  // Nothing is under way whose end it could follow.
  return isIdle ? goingOn(schedule, now, scheduler) : schedule;
}

function fresh({ definition: { id } }: Schedule, { nominal, previous, due, cause }: Firing, now: Date): Occurrence {
  const nominalAt = new Date(nominal);
  return {
    key: occurrenceKey(id, nominalAt),
    scheduleId: id,
    nominalAt,
    previousAt: new Date(previous),
    dueAt: new Date(due),
    cause,
    state: "scheduled",
    reason: cause === "catch_up" ? "it was caught up" : null,
    runId: null,
    error: null,
    createdAt: now,
    endedAt: null,
    count: 1,
    lastNominalAt: nominalAt,
  };
}

/** Undefined: all of them have an entry already. */
async function missedOccurrence(
  schedule: Schedule,
  { first, last, previous, count }: MissedFirings,
  now: Date,
  scheduler: Scheduler,
  taken: ReadonlySet<string>,
): Promise<Occurrence | undefined> {
  const firing: Firing = { nominal: first, previous, due: first, cause: "trigger" };
  const missed = fresh(schedule, firing, now);
  if (taken.has(missed.key)) {
    const fixed = fixedTimes(schedule.definition.times);
    const next = fixed && count > 1 ? await nextFiring(fixed, scheduler, first) : undefined;
    if (next === undefined) return undefined;
    return missedOccurrence(schedule, { first: next, last, previous: first, count: count - 1 }, now, scheduler, taken);
  }
  return {
    ...missed,
    state: "missed",
    reason: "nobody was there to fire it in time",
    endedAt: now,
    count,
    lastNominalAt: new Date(last),
  };
}
