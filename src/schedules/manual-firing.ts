import type { Occurrence } from "../model/occurrence.js";
import type { OverlapPolicy, Schedule } from "../model/schedule.js";
import type { ScheduleChange } from "../ports/schedule-store.js";
import { applyOverlap } from "./overlap.js";

/**
 * A firing that somebody asked for: its nominal time is that of the request. Works in every state of the schedule, and does
 * not count among those that `maxFirings` allows.
 */
export function manualFiring(
  schedule: Schedule,
  open: readonly Occurrence[],
  request: { readonly key: string; readonly now: Date; readonly overlap: OverlapPolicy },
): { readonly change: ScheduleChange; readonly occurrence: Occurrence } {
  const { key, now, overlap } = request;
  const asked: Occurrence = {
    key,
    scheduleId: schedule.definition.id,
    nominalAt: now,
    previousAt: schedule.cursor,
    dueAt: now,
    cause: "manual",
    state: "scheduled",
    reason: null,
    runId: null,
    error: null,
    createdAt: now,
    endedAt: null,
    count: 1,
    lastNominalAt: now,
  };
  const own = open.filter(({ cause }) => cause !== "backfill");
  const { insert, update } = applyOverlap(overlap, own, [asked], now);
  const occurrence = insert.find((one) => one.key === key) ?? asked;
  const skipped = [occurrence, ...update.map(({ to }) => to)].filter(({ state }) => state === "skipped_overlap").length;
  const next = {
    ...schedule,
    version: schedule.version + 1,
    updatedAt: now,
    skipped: schedule.skipped + skipped,
  };
  return { change: { schedule: next, insert, update }, occurrence };
}
