import type { StopFlag } from "./stop-flag.js";

/** For how long who only reads waits for a writer that locks out readers too. */
export const READ_WAIT_MS = 5_000;

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 20;

/**
 * Tries until no other connection holds the lock, or until the flag is raised. SQLite's own busy timeout could not be
 * stopped.
 *
 * @param giveUpAfterMs after so many milliseconds of pauses SQLite's own error is thrown. Default: never.
 */
export function whenUnlocked<R>(stop: StopFlag, attempt: () => R, giveUpAfterMs = Number.POSITIVE_INFINITY): R {
  stop.throwIfRaised();
  let pause = FIRST_PAUSE_MS;
  for (let waited = 0; ; waited += pause) {
    try {
      return attempt();
    } catch (error) {
      if (!isLocked(error) || waited >= giveUpAfterMs) throw error;
    }
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    stop.pause(pause);
  }
}

export function isLocked(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(sqliteCode(error) ?? "");
}

/** `SQLITE_FULL` and the like; undefined for an error that is not SQLite's. */
export function sqliteCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" && error.code.startsWith("SQLITE_") ? error.code : undefined;
}
