import type { Occurrence } from "../model/occurrence.js";
import type { Schedule } from "../model/schedule.js";
import type { Scheduler } from "../ports/scheduler.js";
import { nextFirings } from "./firing-times.js";

/** Why a schedule fired, or did not. Made from the ledger alone. */
export interface ScheduleExplanation {
  readonly schedule: Schedule;
  /** What stands between now and the next firing, in words for people; the weightiest first. */
  readonly facts: readonly string[];
  /** Newest first. */
  readonly recent: readonly Occurrence[];
  /** What has not ended. */
  readonly open: readonly Occurrence[];
  /** Nominal times. */
  readonly next: readonly Date[];
}

interface Known {
  readonly schedule: Schedule;
  readonly recent: readonly Occurrence[];
  readonly open: readonly Occurrence[];
  readonly now: Date;
  readonly isJobKnown: boolean;
}

const SHOWN = 10;

export async function explainSchedule(known: Known, scheduler: Scheduler): Promise<ScheduleExplanation> {
  const { schedule, recent, open } = known;
  return { schedule, facts: [...factsOf(known)], recent, open, next: await nextOf(schedule, scheduler, SHOWN) };
}

/** The nominal times that come next, at most `count`. */
export async function nextOf(schedule: Schedule, scheduler: Scheduler, count: number): Promise<readonly Date[]> {
  const { definition, nextAt, state, firings } = schedule;
  if (state !== "active" || nextAt === null) return [];
  const left = definition.maxFirings === null ? count : Math.min(count, definition.maxFirings - firings);
  const others = left > 1 ? await nextFirings(definition.times, scheduler, nextAt.getTime(), left - 1) : [];
  return [nextAt, ...others.map((time) => new Date(time))];
}

function* factsOf({ schedule, recent, open, now, isJobKnown }: Known): Generator<string> {
  const { definition, state, reason, cursor, nextAt, dueAt, missed, skipped } = schedule;
  if (state === "paused") yield `It is paused: ${reason ?? "somebody paused it"}. Nothing fires until it is resumed.`;
  if (state === "finished") yield `It is finished: ${reason ?? "it does not fire again"}.`;
  if (!isJobKnown) yield `The job "${definition.job}" is not registered in this process, which cannot submit it.`;
  const { startAt } = definition.times;
  if (startAt !== null && startAt > now.getTime()) yield `It begins at ${new Date(startAt).toISOString()}.`;
  const running = open.filter((one) => one.state !== "buffered");
  const waiting = open.length - running.length;
  for (const { nominalAt, runId, state: open } of running) {
    const what = open === "started" ? `is carried out as run ${runId ?? ""}` : "is being submitted";
    yield `The firing of ${nominalAt.toISOString()} ${what}.`;
  }
  if (waiting > 0) yield `Firings that wait for it to end: ${waiting} (overlap: ${definition.overlap.kind}).`;
  else if (running.length > 0) yield `What fires meanwhile: overlap is ${definition.overlap.kind}.`;
  if (state === "active" && cursor > now) {
    const decided = cursor.toISOString();
    yield `The clock was put back: all until ${decided} is decided already. Pause and resume it to go on from now.`;
  }
  if (state === "active" && nextAt === null) yield "It fires again so long after the run under way has ended.";
  if (dueAt !== null && dueAt <= now)
    yield `It has been due since ${dueAt.toISOString()}, and nobody has fired it yet.`;
  else if (nextAt !== null) yield `It fires next at ${nextAt.toISOString()}.`;
  const last = recent.find(({ state: one }) => one === "failed" || one === "missed" || one === "skipped_overlap");
  if (last) yield `The firing of ${last.nominalAt.toISOString()} is ${last.state}: ${whyOf(last)}.`;
  if (missed > 0) yield `In all, ${missed} firings were missed.`;
  if (skipped > 0) yield `In all, ${skipped} firings were skipped because of overlap.`;
}

function whyOf({ error, reason }: Occurrence): string {
  if (error !== null) return `${error.code}: ${error.message}`;
  return reason ?? "no reason is known";
}
