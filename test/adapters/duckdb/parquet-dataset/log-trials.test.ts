import { describe, expect, it } from "vitest";
import { logTrial } from "./log-trial.js";

/** A failing trial is repeated with MILLRACE_SEED=<seed> MILLRACE_TRIALS=1. */
const FIRST_SEED = Number(process.env["MILLRACE_SEED"] ?? 0);
const TRIALS = Number(process.env["MILLRACE_TRIALS"] ?? 1_000);
const LONGEST_TRIAL_MS = 50;

describe("the log under many writers, crashes and power cuts", () => {
  it(
    `keeps every promise in ${TRIALS} seeded trials from ${FIRST_SEED}`,
    async () => {
      const sums: Record<string, number> = {};
      for (let seed = FIRST_SEED; seed < FIRST_SEED + TRIALS; seed += 1) {
        const summary = await logTrial(seed).catch((error: unknown) => {
          throw new Error(`MILLRACE_SEED=${seed} MILLRACE_TRIALS=1 repeats it`, { cause: error });
        });
        for (const [what, count] of Object.entries(summary)) sums[what] = (sums[what] ?? 0) + Number(count);
      }
      console.log(`log trials: ${JSON.stringify(sums)}`);
      // All that is meant to happen does.
      for (const [what, count] of Object.entries(sums)) expect(count, what).toBeGreaterThan(TRIALS / 20 - 50);
    },
    10_000 + TRIALS * LONGEST_TRIAL_MS,
  );
});
