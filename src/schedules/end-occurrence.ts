import type { Backfill } from "../model/backfill.js";
import { isOpenOccurrence, type Occurrence, type OccurrenceState } from "../model/occurrence.js";
import type { FinishedRun, RunError } from "../model/run.js";
import type { Schedule } from "../model/schedule.js";
import type { Scheduler } from "../ports/scheduler.js";
import type { ScheduleChange } from "../ports/schedule-store.js";
import { followingTimes } from "./due-firings.js";
import { nextFiring } from "./firing-times.js";
import { finished, nextTimes, paused, pausedByFault, whyNoMore } from "./schedule-states.js";

/** How an occurrence ended. */
export interface OccurrenceEnd {
  readonly state: Extract<OccurrenceState, "succeeded" | "failed" | "cancelled">;
  readonly at: Date;
  readonly reason: string | null;
  readonly error: RunError | null;
  readonly rowsWritten: number | null;
  readonly durationMs: number | null;
}

export function endOfRun(run: FinishedRun): OccurrenceEnd {
  const at = run.finishedAt ?? run.createdAt;
  return {
    state: run.status,
    at,
    reason: run.status === "cancelled" ? (run.cancelRequest?.reason ?? null) : null,
    error: run.error,
    rowsWritten: run.rowsWritten,
    durationMs: run.startedAt && at.getTime() - run.startedAt.getTime(),
  };
}

/** An occurrence that has ended, and how. */
export interface EndedOccurrence {
  readonly occurrence: Occurrence;
  readonly end: OccurrenceEnd;
}

/**
 * What the ends of occurrences of one schedule change: their own entries, the schedule's counters and times, and what waited
 * for them.
 *
 * @param schedule undefined: it was deleted meanwhile.
 * @param open what is open of the schedule, these occurrences included or not; backfills are not among it.
 */
export async function endOccurrences(
  schedule: Schedule | undefined,
  ended: readonly EndedOccurrence[],
  open: readonly Occurrence[],
  now: Date,
  scheduler: Scheduler,
): Promise<ScheduleChange> {
  const inOrder = [...ended].sort((left, right) => left.end.at.getTime() - right.end.at.getTime());
  const keys = new Set(ended.map(({ occurrence }) => occurrence.key));
  const others = open.filter(({ key, state }) => !keys.has(key) && isOpenOccurrence(state));
  const update = inOrder.map(({ occurrence, end }) => endOf(occurrence, end));
  const waiting = others.filter(({ state }) => state === "buffered");
  if (schedule === undefined) {
    return { update: [...update, ...waiting.map((one) => calledOff(one, now, "its schedule was deleted"))] };
  }
  const counted = inOrder.reduce((sum, one) => count(sum, one), schedule);
  const limit = schedule.definition.pauseAfterFailures;
  const isBroken = schedule.state === "active" && limit !== null && counted.failedInARow >= limit;
  const reason = `${counted.failedInARow} runs failed in a row`;
  const off = isBroken ? waiting.filter(({ cause }) => cause !== "manual") : [];
  const [first] = waiting.length === others.length ? waiting.filter((one) => !off.includes(one)) : [];
  const lastEnd = inOrder.at(-1)?.end.at ?? now;
  const next = isBroken
    ? paused(counted, reason)
    : others.length > 0
      ? counted
      : await afterEnd(counted, lastEnd, scheduler);
  return {
    schedule: { ...next, version: schedule.version + 1, updatedAt: now },
    update: [
      ...update,
      ...off.map((one) => calledOff(one, now, `its schedule was paused: ${reason}`)),
      ...(first ? [{ from: first.state, to: { ...first, state: "scheduled" as const, reason: "it waited" } }] : []),
    ],
  };
}

/** What has not started, and will not. */
export function calledOff(occurrence: Occurrence, now: Date, reason: string): OccurrenceUpdate {
  return { from: occurrence.state, to: { ...occurrence, state: "cancelled", reason, endedAt: now } };
}

type OccurrenceUpdate = NonNullable<ScheduleChange["update"]>[number];

function endOf(occurrence: Occurrence, { state, at, reason, error }: OccurrenceEnd): OccurrenceUpdate {
  return { from: occurrence.state, to: { ...occurrence, state, reason, error, endedAt: at } };
}

/** As {@link endOccurrences}, for those that a backfill made: the schedule's counters and times do not change. */
export function endBackfilled(backfill: Backfill | undefined, ended: readonly EndedOccurrence[]): ScheduleChange {
  const update = ended.map(({ occurrence, end }) => endOf(occurrence, end));
  if (backfill === undefined) return { update };
  const counted = ended.reduce((sum, { end: { state } }) => ({ ...sum, [state]: sum[state] + 1 }), backfill);
  return { update, backfill: { ...counted, version: backfill.version + 1 } };
}

function count(schedule: Schedule, { occurrence, end }: EndedOccurrence): Schedule {
  const { state, at, error, rowsWritten, durationMs } = end;
  const { key, nominalAt, runId } = occurrence;
  const failedInARow =
    state === "failed" ? schedule.failedInARow + 1 : state === "succeeded" ? 0 : schedule.failedInARow;
  const message = error?.message ?? end.reason;
  return {
    ...schedule,
    succeeded: schedule.succeeded + Number(state === "succeeded"),
    failed: schedule.failed + Number(state === "failed"),
    failedInARow,
    last: { key, nominalAt, runId, state, at, rowsWritten, message, durationMs },
  };
}

/** Once nothing is open any more, triggers that follow ends fire so long after this one, if nothing else fires before. */
async function afterEnd(schedule: Schedule, at: Date, scheduler: Scheduler): Promise<Schedule> {
  const following = followingTimes(schedule.definition.times);
  if (following === undefined || schedule.state !== "active") return schedule;
  try {
    const next = await nextFiring(following, scheduler, at.getTime());
    if (schedule.nextAt !== null && schedule.nextAt.getTime() <= (next ?? Infinity)) return schedule;
    return next === undefined ? finished(schedule, whyNoMore(schedule)) : { ...schedule, ...nextTimes(schedule, next) };
  } catch (fault) {
    return pausedByFault(schedule, fault);
  }
}
