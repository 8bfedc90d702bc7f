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
