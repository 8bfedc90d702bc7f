/**
 * Computes firing times and wakes the host when one is due.
 *
 * Promise: `nextFireTime` is pure and strictly after its argument. `start` only wakes; what is due is read from the
 * ledger, so that a wake-up too many or too few loses nothing.
 */
export interface Scheduler {
  /** The first firing strictly after `after`, in milliseconds since 1970 UTC; undefined when there is none. */
  nextFireTime(trigger: ScheduleTrigger, after: number): number | undefined;
  /** Calls `wake` at each time that the last {@link wakeAt} asked for. */
  start(wake: () => void): void;
  /** Asks for a wake-up at this time; undefined calls it off. */
  wakeAt(time: number | undefined): void;
  stop(): void;
}

/** When a schedule fires. */
export type ScheduleTrigger =
  | { readonly kind: "cron"; readonly expression: string; readonly timeZone: string }
  | { readonly kind: "interval"; readonly everyMs: number; readonly anchor: number }
  | { readonly kind: "once"; readonly at: number };
