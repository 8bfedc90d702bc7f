import type { Schedule, ScheduleDefinition } from "../model/schedule.js";
import type { FiringTimes, Trigger } from "../model/trigger.js";
import type { Scheduler } from "../ports/scheduler.js";
import { nextFiring } from "./firing-times.js";
import { jitterOf } from "./jitter.js";
import type { LongMissed } from "./long-missed.js";

/** A firing whose time has come. All times in milliseconds since 1970 UTC. */
export interface Firing {
  readonly nominal: number;
  /** The nominal time of the one before it. */
  readonly previous: number;
  readonly due: number;
  readonly cause: "trigger" | "catch_up";
}

/** Firings one after another for which nobody was there in time. */
export interface MissedFirings {
  readonly first: number;
  readonly last: number;
  readonly previous: number;
  readonly count: number;
}

export interface DueFirings {
  /** In the order of their times. */
  readonly fired: readonly Firing[];
  readonly missed: readonly MissedFirings[];
  /** The last nominal time that is decided upon now. */
  readonly cursor: number;
  /** The first one that is not; undefined: none comes by itself. */
  readonly next: number | undefined;
}

/** Of a schedule that slept for long no more firings than these are looked at in one go: what is left is due at once again. */
export const LOOKED_AT = 1_000;

/**
 * What has come due of a schedule by `now`, and what becomes of it as far as its own rules for lateness decide.
 *
 * Whatever is at most `misfireGraceMs` late fires. Of what is later, `catchUp` keeps the newest. A schedule that follows
 * the ends of its own runs is never too late: it fires as soon as somebody is there.
 *
 * @param behind what is known to be missed before all that is looked at here.
 */
export async function dueFirings(
  schedule: Schedule,
  now: number,
  scheduler: Scheduler,
  behind?: LongMissed,
): Promise<DueFirings> {
  const { definition } = schedule;
  const { catchUp, misfireGraceMs } = definition;
  const kept = newestKept(definition);
  const fixed = fixedTimes(definition.times);

  const come: { readonly nominal: number; readonly due: number }[] = [];
  let next = behind?.next ?? schedule.nextAt?.getTime();
  let due = behind ? behind.next + jitterOf(definition, behind.next) : (schedule.dueAt?.getTime() ?? next ?? now);
  while (next !== undefined && due <= now && come.length <= LOOKED_AT + kept) {
    come.push({ nominal: next, due });
    next = fixed && (await nextFiring(fixed, scheduler, next));
    // In the order of their nominal times: with much jitter, one waits for the one before it.
    if (next !== undefined) due = Math.max(due, next + jitterOf(definition, next));
  }
  const isCut = next !== undefined && due <= now;
  const decided = isCut ? come.slice(0, LOOKED_AT) : come;

  const fired: Firing[] = [];
  const missed: MissedFirings[] = behind ? [behind.missed] : [];
  let previous = behind?.missed.last ?? schedule.cursor.getTime();
  decided.forEach(({ nominal, due }, at) => {
    const isOnTime = now - due <= misfireGraceMs || fixed === undefined;
    const isNew = come.length - at <= kept && (catchUp.kind !== "all" || now - nominal <= catchUp.maxAgeMs);
    if (isOnTime || isNew) fired.push({ nominal, previous, due, cause: isOnTime ? "trigger" : "catch_up" });
    else addMissed(missed, nominal, previous);
    previous = nominal;
  });
  return { fired, missed, cursor: previous, next: isCut ? come[LOOKED_AT]?.nominal : next };
}

/** The times that do not wait for a run to end; undefined: all do. */
export function fixedTimes(times: FiringTimes): FiringTimes | undefined {
  const [first, ...others] = times.triggers.filter((trigger) => !followsEnds(trigger));
  return first && { ...times, triggers: [first, ...others] };
}

/** Those that do wait; undefined: none does. */
export function followingTimes(times: FiringTimes): FiringTimes | undefined {
  const [first, ...others] = times.triggers.filter(followsEnds);
  return first && { ...times, triggers: [first, ...others] };
}

function followsEnds(trigger: Trigger): boolean {
  return trigger.kind === "interval" && trigger.from === "completion";
}

/** How many firings are caught up that are too late otherwise. */
export function newestKept({ catchUp }: ScheduleDefinition): number {
  if (catchUp.kind === "all") return catchUp.maxCount;
  return catchUp.kind === "latest" ? 1 : 0;
}

function addMissed(missed: MissedFirings[], nominal: number, previous: number): void {
  const before = missed.at(-1);
  if (before?.last === previous) missed[missed.length - 1] = { ...before, last: nominal, count: before.count + 1 };
  else missed.push({ first: nominal, last: nominal, previous, count: 1 });
}
