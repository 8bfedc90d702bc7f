import { describe, expect, it } from "vitest";
import { retryDelayMs } from "../../src/runs/retry-policy.js";

const LONGEST = 2_147_483_647;

describe("the wait before the next attempt", () => {
  it("is a whole number from 0 to the longest, for every policy that a job may have", () => {
    for (const kind of ["constant", "linear", "exponential"] as const) {
      for (const delayMs of [0, 1, 1_000, LONGEST]) {
        for (const failed of [1, 2, 31, 1_024, 1_025, 1_000_000]) {
          for (const random of [0, 0.5, 0.999_999]) {
            const wait = retryDelayMs({ kind, delayMs, maxDelayMs: LONGEST }, failed, random);
            const fits = Number.isSafeInteger(wait) && wait >= 0 && wait <= LONGEST;
            expect(fits, `${kind} ${delayMs} ms, ${failed} failed: ${wait}`).toBe(true);
          }
        }
      }
    }
  });

  it("grows as its kind says, up to the longest, with jitter down to a half", () => {
    const after = (kind: "constant" | "linear" | "exponential", random: number) =>
      [1, 2, 3, 9].map((failed) => retryDelayMs({ kind, delayMs: 100, maxDelayMs: 1_000 }, failed, random));
    expect(after("constant", 1)).toEqual([100, 100, 100, 100]);
    expect(after("linear", 1)).toEqual([100, 200, 300, 900]);
    expect(after("exponential", 1)).toEqual([100, 200, 400, 1_000]);
    expect(after("exponential", 0)).toEqual([50, 100, 200, 500]);
  });
});
