import type { Clock } from "../../ports/clock.js";

// A timer of Node takes at most 2^31 - 1 ms and fires at once above it.
const LONGEST_TIMER_MS = 2_147_483_647;

/** The machine's clock and timers. A timer that is set keeps the process alive: a run waiting for its retry does so. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, fire) => {
    // Nearly always; the rest takes three times the memory.
    if (delayMs <= LONGEST_TIMER_MS) {
      const only = setTimeout(fire, Math.max(0, delayMs));
      return () => clearTimeout(only);
    }
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      const now = Math.min(left, LONGEST_TIMER_MS);
      timer = setTimeout(() => (left > now ? arm(left - now) : fire()), now);
    };
    arm(delayMs);
    return () => clearTimeout(timer);
  },
};
