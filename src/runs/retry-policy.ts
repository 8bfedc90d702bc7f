import type { Backoff, ExecutionPolicy } from "../model/job-definition.js";
import type { RunError } from "../model/run.js";

const LARGEST_EXPONENT = 1_023;

/** Whether a failed attempt is followed by another. */
export function mayRetry({ maxAttempts, retryOn }: ExecutionPolicy, attempt: number, error: RunError): boolean {
  const named = retryOn === "retryable" ? error.retryable : retryOn.includes(error.code);
  return named && attempt < maxAttempts;
}

/**
 * The wait before the next attempt, in milliseconds: the whole of the backoff, less a random part of at most its jitter,
 * so that runs that failed together do not come back together.
 *
 * @param failed how many attempts have failed, from 1.
 * @param random from 0 up to 1.
 */
export function retryDelayMs(backoff: Backoff, failed: number, random: number): number {
  const whole = Math.min(backoff.maxDelayMs, backoff.delayMs * growth(backoff.kind, failed));
  return Math.round(whole * (1 - backoff.jitter * (1 - random)));
}

function growth(kind: Backoff["kind"], failed: number): number {
  switch (kind) {
    case "constant":
      return 1;
    case "linear":
      return failed;
    case "exponential":
      // Beyond it the power is infinite, and no delay times infinity is not a number.
      return 2 ** Math.min(failed - 1, LARGEST_EXPONENT);
  }
}
