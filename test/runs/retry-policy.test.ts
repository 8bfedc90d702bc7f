import { describe, expect, it } from "vitest";
import { EXECUTION_DEFAULTS, type Backoff, type ExecutionPolicy } from "../../src/model/job-definition.js";
import { mayRetry, retryDelayMs } from "../../src/runs/retry-policy.js";

const LONGEST = 2_147_483_647;

describe("the wait before the next attempt", () => {
  it("is a whole number from 0 to the longest, for every policy that a job may have", () => {
    for (const kind of ["constant", "linear", "exponential"] as const) {
      for (const delayMs of [0, 1, 1_000, LONGEST]) {
        for (const jitter of [0, 0.3, 1]) {
          for (const failed of [1, 2, 31, 1_024, 1_025, 1_000_000]) {
            for (const random of [0, 0.5, 0.999_999]) {
              const wait = retryDelayMs({ kind, delayMs, maxDelayMs: LONGEST, jitter }, failed, random);
              const fits = Number.isSafeInteger(wait) && wait >= 0 && wait <= LONGEST;
              expect(fits, `${kind} ${delayMs} ms, jitter ${jitter}, ${failed} failed: ${wait}`).toBe(true);
            }
          }
        }
      }
    }
  });

  const after = (kind: Backoff["kind"], jitter: number, random: number) =>
    [1, 2, 3, 9].map((failed) => retryDelayMs({ kind, delayMs: 100, maxDelayMs: 1_000, jitter }, failed, random));

  it("grows as its kind says, up to the longest", () => {
    expect(after("constant", 0, 0)).toEqual([100, 100, 100, 100]);
    expect(after("linear", 0, 0)).toEqual([100, 200, 300, 900]);
    expect(after("exponential", 0, 0)).toEqual([100, 200, 400, 1_000]);
  });

  it("is less by a random part of at most its jitter", () => {
    expect(after("exponential", 0.5, 1)).toEqual([100, 200, 400, 1_000]);
    expect(after("exponential", 0.5, 0)).toEqual([50, 100, 200, 500]);
    expect(after("exponential", 1, 0)).toEqual([0, 0, 0, 0]);
    expect(after("linear", 0.2, 0.5)).toEqual([90, 180, 270, 810]);
  });
});

describe("which errors are followed by another attempt", () => {
  const error = (code: "query_failed" | "timed_out" | "internal_error", retryable: boolean) => {
    return { code, message: "m", hint: "h", retryable };
  };
  const policy = (retryOn: ExecutionPolicy["retryOn"]) => ({ ...EXECUTION_DEFAULTS, maxAttempts: 3, retryOn });

  it("the retryable ones, by default", () => {
    expect(mayRetry(policy("retryable"), 1, error("query_failed", true))).toBe(true);
    expect(mayRetry(policy("retryable"), 1, error("query_failed", false))).toBe(false);
  });

  it("those that are named, whether they are retryable or not, and no others", () => {
    const named = policy(["internal_error", "timed_out"]);
    expect(mayRetry(named, 1, error("internal_error", false))).toBe(true);
    expect(mayRetry(named, 1, error("timed_out", true))).toBe(true);
    expect(mayRetry(named, 1, error("query_failed", true))).toBe(false);
  });

  it("none behind the last attempt", () => {
    expect(mayRetry(policy("retryable"), 2, error("query_failed", true))).toBe(true);
    expect(mayRetry(policy("retryable"), 3, error("query_failed", true))).toBe(false);
    expect(mayRetry(policy(["query_failed"]), 3, error("query_failed", true))).toBe(false);
  });
});
