import type { Clock } from "../ports/clock.js";

/** Resolves after `delayMs`; at once when the signal is aborted. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      callOff();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const callOff = clock.after(delayMs, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** What the promise resolves to, or `"late"` when it takes longer than `delayMs`. */
export async function within<T>(clock: Clock, delayMs: number, promise: Promise<T>): Promise<T | "late"> {
  let callOff: () => void = () => undefined;
  const late = new Promise<"late">((resolve) => {
    callOff = clock.after(delayMs, () => resolve("late"));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    callOff();
  }
}

/**
 * What the promise settles to; rejects with the signal's reason as soon as that is aborted, for parts that do not listen
 * themselves.
 */
export async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  let leave: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    leave = () => signal.removeEventListener("abort", abort);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    leave();
    // Whoever lost the race must not be an unhandled rejection.
    promise.catch(() => undefined);
    aborted.catch(() => undefined);
  }
}

/** Resolves to `"aborted"` when the signal is. */
export function onAbort(signal: AbortSignal): Promise<"aborted"> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve("aborted");
    else signal.addEventListener("abort", () => resolve("aborted"), { once: true });
  });
}
