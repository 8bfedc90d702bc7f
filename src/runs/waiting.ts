import { JobError } from "../model/job-error.js";
import { setMaxListeners } from "node:events";
import type { Clock } from "../ports/clock.js";
import type { Cue } from "./cue.js";

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

/** Lets the event loop turn, which belongs to the host: a ledger in memory answers without a turn of it. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** What the promise resolves to, or `"late"` when it takes longer than `delayMs`, or when `left` fires before. */
export function within<T>(clock: Clock, delayMs: number, promise: Promise<T>, left?: Cue): Promise<T | "late"> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      callOff();
      resolve("late");
    };
    const callOff = clock.after(delayMs, giveUp);
    promise.then(
      (value) => {
        callOff();
        resolve(value);
      },
      (error: Error) => {
        callOff();
        reject(error);
      },
    );
    left?.onFire(giveUp);
  });
}

/** The signal of what nobody can call off. */
export const NEVER_ABORTED = manyListeners(new AbortController().signal);

/**
 * The same signal, which may be the host's. Node warns of a leak where many listen to one at once, even if each leaves
 * again; it knows nothing of signals that others made.
 */
export function manyListeners(signal: AbortSignal): AbortSignal {
  if (signal instanceof EventTarget) setMaxListeners(0, signal);
  return signal;
}

/**
 * What the promise settles to; rejects with the signal's reason as soon as that is aborted, for parts that do not listen
 * themselves.
 */
export function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  if (signal === NEVER_ABORTED) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    // Whatever comes after the abort must not be an unhandled rejection.
    promise.then(
      (value) => {
        signal.removeEventListener("abort", abort);
        resolve(value);
      },
      (error: Error) => {
        signal.removeEventListener("abort", abort);
        reject(error);
      },
    );
  });
}

/** How long until a ledger that failed an act is asked for it again: the first of these, then each twice the one before. */
export const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2_000;

/** The wait after this one. */
export function nextRetryMs(waitMs: number): number {
  return Math.min(2 * waitMs, LAST_RETRY_MS);
}

/** The ledger answers within this, or counts as out of reach: a connection that is half open never does. */
const ANSWER_MS = 10_000;

/**
 * What the ledger answers.
 *
 * @param late takes an answer that comes after all.
 * @throws JobError `store_unavailable` when it takes longer than 10 s.
 */
export function withAnswer<T>(clock: Clock, asked: Promise<T>, late?: (answer: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const callOff = clock.after(ANSWER_MS, () => {
      asked.then(late, () => undefined);
      reject(unanswered());
    });
    asked.then(
      (answer) => {
        callOff();
        resolve(answer);
      },
      (error: Error) => {
        callOff();
        reject(error);
      },
    );
  });
}

function unanswered(): JobError {
  return new JobError("store_unavailable", {
    message: `The ledger did not answer within ${ANSWER_MS} ms.`,
    hint: "Look for locks, load or network trouble at the ledger's database.",
  });
}
