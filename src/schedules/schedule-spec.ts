import type { AnyJob } from "../jobs/job-definition.js";
import type { CatchUpPolicy, OverlapPolicy } from "../model/schedule.js";

/** An instant: a Date, or ISO text with a zone as `2026-12-24T18:00:00Z`. */
export type InstantSpec = Date | string;

export type TriggerSpec =
  | {
      /** Five fields, or six with seconds in front. */
      readonly cron: string;
      /** A name of the IANA database. Default `UTC`. */
      readonly timeZone?: string;
      /** Wall-clock times that do not exist: fire later by the gap (default), or not at all. */
      readonly gap?: "shift" | "skip";
      /** Wall-clock times that come twice: which of them fire. Default `first`. */
      readonly overlap?: "first" | "last" | "both";
    }
  | {
      /** At least 1,000; in milliseconds. */
      readonly everyMs: number;
      /** Fires at this time and every so long from it. Left out: so long after the run before has ended. */
      readonly anchor?: InstantSpec;
    }
  | { readonly at: InstantSpec };

export type ExclusionSpec =
  | { readonly dates: readonly string[]; readonly timeZone?: string }
  | { readonly cron: string; readonly timeZone?: string }
  | { readonly from: InstantSpec; readonly to: InstantSpec };

/** A schedule as one writes it. */
export interface ScheduleSpec {
  /** At most 200 characters. */
  readonly id: string;
  readonly description?: string;
  /** One, or several that fire as one. */
  readonly trigger: TriggerSpec | readonly TriggerSpec[];
  /** Times at which nothing fires: holidays, weekends, a maintenance window. */
  readonly exclude?: ExclusionSpec | readonly ExclusionSpec[];
  /** No firing before. */
  readonly startAt?: InstantSpec;
  /** No firing at it or after. */
  readonly endAt?: InstantSpec;
  /** The job, or its name. */
  readonly job: string | AnyJob;
  /** The job's parameters, as JSON: the ledger keeps them. No secrets. */
  readonly params?: Readonly<Record<string, unknown>>;
  /**
   * Parameters that get the firing's own times: the time that the trigger names, or that of the firing before. As an instant,
   * as the wall clock of the trigger's zone (TIMESTAMP, DATE), as ISO text, or in milliseconds (BIGINT), by the type of the parameter.
   */
  readonly times?: Readonly<Record<string, "nominal" | "previous">>;
  /** While the run before has not ended. Default `skip`. `buffer_all` alone keeps at most 100 waiting. */
  readonly overlap?: OverlapPolicy["kind"] | { readonly kind: "buffer_all"; readonly limit: number };
  /** Firings for which nobody was there. Default `none`. `all` alone keeps the newest 100 of the last 7 days. */
  readonly catchUp?:
    CatchUpPolicy["kind"] | { readonly kind: "all"; readonly maxCount?: number; readonly maxAgeMs?: number };
  /** A firing that is later than this was missed, in milliseconds. Default 60,000. */
  readonly misfireGraceMs?: number;
  /** Puts each firing off by less than this, in milliseconds, always the same for the same firing. Default 0. */
  readonly jitterMs?: number;
  /** Pauses after so many failed runs in a row. Default: never. */
  readonly pauseAfterFailures?: number;
  /** Default: without end. */
  readonly maxFirings?: number;
  /** Whether it fires once as soon as it is made. Default true. */
  readonly startImmediately?: boolean;
  readonly createdBy?: string;
}
