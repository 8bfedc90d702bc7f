/** When something fires, in plain data. Times are milliseconds since 1970 UTC. */
export type Trigger = CronTrigger | IntervalTrigger | OnceTrigger;

/** Fires when the wall clock of a zone matches. */
export interface CronTrigger {
  readonly kind: "cron";
  /** Five fields, or six with seconds in front; `L`, `W` and `#` as croner reads them; 0 and 7 are Sunday. */
  readonly expression: string;
  /** A name of the IANA database. */
  readonly timeZone: string;
  /** A wall-clock time that does not exist, in spring: fires later by the length of the gap, or not at all. */
  readonly gap: "shift" | "skip";
  /** A wall-clock time that comes twice, in autumn. */
  readonly overlap: "first" | "last" | "both";
}

export interface IntervalTrigger {
  readonly kind: "interval";
  readonly everyMs: number;
  /** `completion`: so long after the run before has ended. `anchor`: at `anchor` and every so long from it, whatever runs. */
  readonly from: "completion" | "anchor";
  /** Ignored with `completion`. */
  readonly anchor: number;
}

export interface OnceTrigger {
  readonly kind: "once";
  readonly at: number;
}

/** Several triggers as one: it fires when any of them does, once at any one time. */
export interface FiringTimes {
  readonly triggers: readonly [Trigger, ...Trigger[]];
  /** A firing at a time that any of these covers does not happen. */
  readonly exclude: readonly ExcludedTimes[];
  /** No firing before. */
  readonly startAt: number | null;
  /** No firing at it or after. */
  readonly endAt: number | null;
}

/** Times at which nothing fires. */
export type ExcludedTimes =
  /** Whole days of a zone, as `2026-12-25`. */
  | { readonly kind: "dates"; readonly dates: readonly string[]; readonly timeZone: string }
  /** Wall-clock minutes (or seconds, with six fields) that the expression matches: `* * * * 6,7` is every weekend. */
  | { readonly kind: "cron"; readonly expression: string; readonly timeZone: string }
  /** From `from` until before `to`. */
  | { readonly kind: "range"; readonly from: number; readonly to: number };
