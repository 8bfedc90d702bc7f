import type { Trigger } from "../model/trigger.js";

/**
 * Computes firing times and wakes the host when one is due.
 *
 * Promise: `nextFireTime` is pure and strictly after its argument. `start` only wakes; what is due is read from the
 * ledger, so that a wake-up too many or too few loses nothing.
 */
export interface Scheduler {
  /**
   * The first firing strictly after `after`, in milliseconds since 1970 UTC; undefined when there is none. Of an interval
   * from completion: the one that follows an end at `after`.
   *
   * @throws JobError `invalid_definition`, with the part of the trigger at fault in `field`.
   */
  nextFireTime(trigger: Trigger, after: number): number | undefined;
  /** Calls `wake` at each time that the last {@link wakeAt} asked for. */
  start(wake: () => void): void;
  /** Asks for a wake-up at this time; undefined calls it off. */
  wakeAt(time: number | undefined): void;
  stop(): void;
}
