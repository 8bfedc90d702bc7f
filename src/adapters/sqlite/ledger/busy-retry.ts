import type { Clock } from "../../../ports/clock.js";
import { isBusy } from "./sqlite-failure.js";

const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 25;
/** Well below the time for which a lease is usually given: a blocked ledger must be noticed before leases are lost. */
const GIVE_UP_AFTER_MS = 10_000;

/**
 * Tries again while another connection holds a lock. SQLite's own waiting would stop the event loop, so every connection
 * is opened with a busy timeout of zero and the waiting is done here.
 */
export async function retryWhileBusy<T>(clock: Clock, attempt: () => T): Promise<T> {
  let waited = 0;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || waited >= GIVE_UP_AFTER_MS) throw error;
    }
    await new Promise<void>((resolve) => void clock.after(waitMs, resolve));
    waited += waitMs;
  }
}
