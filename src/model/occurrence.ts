import type { RunError } from "./run.js";

/**
 * One nominal firing time of a schedule, and what became of it. Its key is the same whoever computes it, so that any number
 * of processes make one occurrence of it and one run.
 */
export interface Occurrence {
  /** `<schedule>@<nominal time>`, `<schedule>!<request>` when asked for by hand, `…#<backfill>` of a backfill. */
  readonly key: string;
  readonly scheduleId: string;
  /** The time that the trigger names, jitter left out. */
  readonly nominalAt: Date;
  /** The nominal time of the firing before it; the schedule's making when it is the first. */
  readonly previousAt: Date;
  /** Not to be started before: the nominal time plus its jitter. */
  readonly dueAt: Date;
  readonly cause: OccurrenceCause;
  readonly state: OccurrenceState;
  /** Why it is in this state, in words for people; null where the state says it all. */
  readonly reason: string | null;
  /** The run that was submitted for it. */
  readonly runId: string | null;
  /** Why no run was made of it, or what the run failed with. */
  readonly error: RunError | null;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
  /** `missed` only: how many firings this entry stands for, from `nominalAt` to `lastNominalAt`. Otherwise 1. */
  readonly count: number;
  readonly lastNominalAt: Date;
}

export type OccurrenceCause = "trigger" | "catch_up" | "manual" | "backfill";

export const OCCURRENCE_STATES = [
  /** Its run is to be submitted. */
  "scheduled",
  /** Waits for the one before it to end. */
  "buffered",
  "started",
  "succeeded",
  "failed",
  "cancelled",
  /** The one before it had not ended. */
  "skipped_overlap",
  /** Nobody was there to fire it in time. */
  "missed",
] as const;

export type OccurrenceState = (typeof OCCURRENCE_STATES)[number];

/** States from which something can still come. */
const OPEN_OCCURRENCE_STATES = ["scheduled", "buffered", "started"] as const;

export function isOpenOccurrence(state: OccurrenceState): boolean {
  return OPEN_OCCURRENCE_STATES.some((open) => open === state);
}
