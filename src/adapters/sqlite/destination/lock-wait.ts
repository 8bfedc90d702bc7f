const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 20;

/**
 * Tries until no other connection holds the lock. Only for the worker: it blocks its thread, which can be terminated in
 * the middle of a pause. SQLite's own busy timeout cannot, and sleeps up to a second at a time on some systems.
 *
 * @param giveUpAfterMs after so many milliseconds of pauses SQLite's own error is thrown. Default: never.
 */
export function whenUnlocked<R>(attempt: () => R, giveUpAfterMs = Number.POSITIVE_INFINITY): R {
  const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));
  let pause = FIRST_PAUSE_MS;
  for (let waited = 0; ; waited += pause) {
    try {
      return attempt();
    } catch (error) {
      if (!isLocked(error) || waited >= giveUpAfterMs) throw error;
    }
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    Atomics.wait(nobodyWakes, 0, 0, pause);
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
