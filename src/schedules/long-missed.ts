import type { Schedule } from "../model/schedule.js";
import type { FiringTimes, IntervalTrigger } from "../model/trigger.js";
import type { Scheduler } from "../ports/scheduler.js";
import { nextTurn } from "../runs/waiting.js";
import { fixedTimes, type MissedFirings, newestKept } from "./due-firings.js";
import { nextFiring } from "./firing-times.js";

/** Firings for which it is too late, whatever comes, and the first one behind them. */
export interface LongMissed {
  readonly missed: MissedFirings;
  readonly next: number;
}

/** Where each must be computed, so many are told by one entry at most: other schedules wait meanwhile. */
const COUNTED_AT_ONCE = 20_000;
/** The host has its turn after so many. */
const COUNTED_IN_A_TURN = 1_000;

/**
 * What was missed of a schedule before anything that may still fire: 31 million firings after a year, of an interval of a
 * second. They are counted, and never all in memory. Undefined: there are none.
 */
export async function longMissed(
  schedule: Schedule,
  now: number,
  scheduler: Scheduler,
): Promise<LongMissed | undefined> {
  const { definition, nextAt, dueAt, cursor } = schedule;
  const times = fixedTimes(definition.times);
  // However it was put off, whatever comes before is too late.
  const until = now - definition.misfireGraceMs - definition.jitterMs;
  const first = nextAt?.getTime();
  if (times === undefined || first === undefined || first >= until) return undefined;
  // It was put off for longer than its definition has it by now, and those behind it wait for it.
  if (dueAt !== null && now - dueAt.getTime() <= definition.misfireGraceMs) return undefined;
  // One more, so that there is one behind them.
  const left = newestKept(definition) + 1;
  const interval = soleInterval(times);
  const found = interval
    ? computed(interval, first, Math.min(until, times.endAt ?? until), left, scheduler)
    : await enumerated(times, first, until, left, scheduler);
  return found && { missed: { first, previous: cursor.getTime(), ...found.missed }, next: found.next };
}

interface Found {
  readonly missed: Pick<MissedFirings, "last" | "count">;
  readonly next: number;
}

/** Its firings follow each other at one distance; undefined: others' do not. */
function soleInterval({ triggers, exclude }: FiringTimes): IntervalTrigger | undefined {
  const [trigger, ...others] = triggers;
  return trigger.kind === "interval" && others.length === 0 && exclude.length === 0 ? trigger : undefined;
}

function computed(
  trigger: IntervalTrigger,
  first: number,
  until: number,
  left: number,
  scheduler: Scheduler,
): Found | undefined {
  // The first one need not be the trigger's own.
  const second = scheduler.nextFireTime(trigger, first);
  if (second === undefined) return undefined;
  const { everyMs } = trigger;
  const count = 1 + Math.ceil((until - second) / everyMs) - left;
  if (count < 1) return undefined;
  const next = second + (count - 1) * everyMs;
  return { missed: { last: count === 1 ? first : next - everyMs, count }, next };
}

async function enumerated(
  times: FiringTimes,
  first: number,
  until: number,
  left: number,
  scheduler: Scheduler,
): Promise<Found | undefined> {
  const newest: number[] = [];
  let last = first;
  let count = 0;
  let looked = 0;
  for (
    let at: number | undefined = first;
    at !== undefined && at < until;
    at = await nextFiring(times, scheduler, at)
  ) {
    newest.push(at);
    if (newest.length > left) {
      last = newest.shift() ?? last;
      count += 1;
    }
    if (count === COUNTED_AT_ONCE) break;
    looked += 1;
    if (looked % COUNTED_IN_A_TURN === 0) await nextTurn();
  }
  const [next] = newest;
  return count === 0 || next === undefined ? undefined : { missed: { last, count }, next };
}
