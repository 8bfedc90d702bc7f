import { JobError } from "../model/job-error.js";
import type { ExcludedTimes, FiringTimes, Trigger } from "../model/trigger.js";
import type { Scheduler } from "../ports/scheduler.js";
import { nextTurn } from "../runs/waiting.js";

/** So many firings in a row whose minute, hour, day or range is excluded count as: never. */
const MOST_EXCLUDED = 100_000;

/** The host has its turn after so many questions: for a trigger, an exclusion or so many of its days one each. */
const ASKED_IN_A_TURN = 200;
const DAYS_IN_A_QUESTION = 50;

/**
 * The first firing strictly after `after`, of several triggers together, exclusions and limits kept; undefined: none comes.
 * Where many are excluded, the host has its turns.
 *
 * @throws JobError `invalid_definition`, with the part of a trigger at fault in `field`.
 */
export async function nextFiring(times: FiringTimes, scheduler: Scheduler, after: number): Promise<number | undefined> {
  const search = firingAfter(times, scheduler, after);
  for (;;) {
    const { done, value } = search.next();
    if (done === true) return value;
    await nextTurn();
  }
}

/** The next `count` firings after `after`, or fewer where there are no more. */
export async function nextFirings(
  times: FiringTimes,
  scheduler: Scheduler,
  after: number,
  count: number,
): Promise<readonly number[]> {
  const found: number[] = [];
  for (let next = await nextFiring(times, scheduler, after); next !== undefined;) {
    found.push(next);
    if (found.length >= count) break;
    next = await nextFiring(times, scheduler, next);
  }
  return found;
}

/**
 * As {@link nextFirings}, at once.
 *
 * @throws JobError `invalid_definition` where so many in a row are excluded that the host would have to wait for it.
 */
export function nextFiringsNow(
  times: FiringTimes,
  scheduler: Scheduler,
  after: number,
  count: number,
): readonly number[] {
  const found: number[] = [];
  for (let from = after; found.length < count;) {
    const { done, value } = firingAfter(times, scheduler, from).next();
    if (done !== true) throw excludedForLong();
    if (value === undefined) break;
    found.push(value);
    from = value;
  }
  return found;
}

/** Yields where the host should have its turn. */
function* firingAfter(times: FiringTimes, scheduler: Scheduler, after: number): Generator<void, number | undefined> {
  const { triggers, exclude, endAt } = times;
  const questions = exclude.reduce(
    (sum, one) => sum + 1 + (one.kind === "dates" ? one.dates.length / DAYS_IN_A_QUESTION : 0),
    triggers.length,
  );
  let from = after;
  let asked = 0;
  for (let tries = 0; tries < MOST_EXCLUDED; tries += 1) {
    const next = earliest(times, scheduler, from);
    if (next === undefined || (endAt !== null && next >= endAt)) return undefined;
    const last = lastExcluded(exclude, scheduler, next);
    if (last === undefined) return next;
    from = last;
    asked += questions;
    if (asked < ASKED_IN_A_TURN) continue;
    asked = 0;
    yield;
  }
  return undefined;
}

function excludedForLong(): JobError {
  return new JobError("invalid_definition", {
    message: "So many firings in a row are excluded that the next one cannot be told at once.",
    hint: "Exclude whole days or ranges. To create the schedule looks farther.",
    field: "exclude",
  });
}

function earliest({ triggers, startAt }: FiringTimes, scheduler: Scheduler, after: number): number | undefined {
  const found = triggers
    .map((trigger) => nextOf(trigger, startAt, scheduler, after))
    .filter((time) => time !== undefined);
  return found.length === 0 ? undefined : Math.min(...found);
}

function nextOf(trigger: Trigger, startAt: number | null, scheduler: Scheduler, after: number): number | undefined {
  if (startAt === null) return scheduler.nextFireTime(trigger, after);
  // What follows an end is put off to the start; what has times of its own begins with the first at the start or later.
  if (trigger.kind === "interval" && trigger.from === "completion") {
    return Math.max(startAt, scheduler.nextFireTime(trigger, after) ?? startAt);
  }
  return scheduler.nextFireTime(trigger, Math.max(after, startAt - 1));
}

/** Until when the exclusion that covers `time` lasts at least; undefined: none covers it. */
function lastExcluded(exclude: readonly ExcludedTimes[], scheduler: Scheduler, time: number): number | undefined {
  for (const excluded of exclude) {
    const last = lastCovered(excluded, scheduler, time);
    if (last !== undefined) return last;
  }
  return undefined;
}

function lastCovered(excluded: ExcludedTimes, scheduler: Scheduler, time: number): number | undefined {
  switch (excluded.kind) {
    case "range":
      return excluded.from <= time && time < excluded.to ? excluded.to - 1 : undefined;
    case "dates": {
      const near = excluded.dates.filter((date) => Math.abs(Date.parse(date) - time) <= TWO_DAYS_MS);
      if (near.length === 0) return undefined;
      // First of all, this refuses a zone that there is not.
      const last = beforeNext(DAY, excluded.timeZone, scheduler, time);
      return near.includes(dateIn(excluded.timeZone, time)) ? last : undefined;
    }
    case "cron": {
      const { unitMs, whole } = resolutionOf(excluded.expression);
      const start = Math.floor(time / unitMs) * unitMs;
      const trigger: Trigger = { ...excluded, gap: "skip", overlap: "both" };
      if (scheduler.nextFireTime(trigger, start - 1) !== start) return undefined;
      return whole === undefined ? start + unitMs - 1 : beforeNext(whole, excluded.timeZone, scheduler, time);
    }
  }
}

const MINUTE = "* * * * *";
const HOUR = "0 * * * *";
const DAY = "0 0 * * *";

/** To what an expression is exact, and the whole minute, hour or day of the wall clock that it covers where it covers any of it. */
function resolutionOf(expression: string): { readonly unitMs: number; readonly whole: string | undefined } {
  const fields = expression.trim().split(/\s+/);
  const hasSeconds = fields.length > 5;
  const [seconds, minutes, hours] = hasSeconds ? fields : ["*", ...fields];
  const unitMs = hasSeconds ? 1_000 : 60_000;
  if (seconds !== "*") return { unitMs, whole: undefined };
  if (minutes !== "*") return { unitMs, whole: MINUTE };
  return { unitMs, whole: hours === "*" ? DAY : HOUR };
}

/** The end of a minute, an hour or a day of the wall clock; one that comes twice ends twice. */
function beforeNext(expression: string, timeZone: string, scheduler: Scheduler, time: number): number {
  const trigger = { kind: "cron", expression, timeZone, gap: "shift", overlap: "both" } as const;
  return (scheduler.nextFireTime(trigger, time) ?? time + 1) - 1;
}

const TWO_DAYS_MS = 2 * 86_400_000;

function dateIn(timeZone: string, time: number): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" }).format(time);
}
