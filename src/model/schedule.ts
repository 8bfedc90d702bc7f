import type { JsonValue } from "./json.js";
import type { OccurrenceState } from "./occurrence.js";
import type { FiringTimes } from "./trigger.js";

/** What a host declares: everything of a schedule that firing does not change. */
export interface ScheduleDefinition {
  readonly id: string;
  readonly description: string | null;
  readonly times: FiringTimes;
  readonly job: string;
  /** The job's parameters in their exact JSON form, those of `timeParameters` left out. */
  readonly parameters: Readonly<Record<string, JsonValue>>;
  /** Parameters of the job that get the firing's own times. */
  readonly timeParameters: Readonly<Record<string, "nominal" | "previous">>;
  readonly overlap: OverlapPolicy;
  readonly catchUp: CatchUpPolicy;
  /** A firing that is later than this counts as missed, in milliseconds. */
  readonly misfireGraceMs: number;
  /** Each firing is put off by less than this, in milliseconds, always the same for the same firing. */
  readonly jitterMs: number;
  /** So many runs that fail in a row pause the schedule; null: none do. */
  readonly pauseAfterFailures: number | null;
  /** It has fired so often, then it is finished; null: without end. */
  readonly maxFirings: number | null;
  /** Whether it fires once as soon as it is made. */
  readonly startImmediately: boolean;
  readonly createdBy: string | null;
  /** Equal for equal definitions. */
  readonly hash: string;
}

/** What becomes of a firing while the run of the one before has not ended. */
export type OverlapPolicy =
  | { readonly kind: "skip" | "buffer_one" | "cancel_running" | "allow" }
  | { readonly kind: "buffer_all"; readonly limit: number };

/** What becomes of firings for which nobody was there. */
export type CatchUpPolicy =
  | { readonly kind: "none" | "latest" }
  /** Of more than `maxCount`, or older than `maxAgeMs`, the newest are kept. */
  | { readonly kind: "all"; readonly maxCount: number; readonly maxAgeMs: number };

export const SCHEDULE_STATES = ["active", "paused", "finished"] as const;
export type ScheduleState = (typeof SCHEDULE_STATES)[number];

/** A schedule as the ledger holds it. */
export interface Schedule {
  readonly definition: ScheduleDefinition;
  /** Rises with every change: the guard of compare-and-set. */
  readonly version: number;
  readonly state: ScheduleState;
  /** Why it is paused or finished. */
  readonly reason: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** The last firing time that was decided upon; what comes strictly after it is still open. */
  readonly cursor: Date;
  /** The next nominal time; null: none, or the end of a run decides. */
  readonly nextAt: Date | null;
  /** When somebody has to look: the next nominal time plus its jitter; null: nobody. What is due is found by it. */
  readonly dueAt: Date | null;
  readonly firings: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly failedInARow: number;
  readonly missed: number;
  readonly skipped: number;
  readonly last: LastOutcome | null;
}

/** The newest end of a run of the schedule. */
export interface LastOutcome {
  readonly key: string;
  readonly nominalAt: Date;
  readonly runId: string | null;
  readonly state: OccurrenceState;
  readonly at: Date;
  readonly rowsWritten: number | null;
  readonly message: string | null;
  readonly durationMs: number | null;
}
