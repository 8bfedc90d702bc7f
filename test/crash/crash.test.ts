import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CRASH_POINTS, type CrashPoint } from "../../src/testing/crash-points.js";
import { bundledProcess } from "../support/bundled-process.js";
import { withoutFence } from "../support/without-fence.js";
import { CRASH_CHILD, crashTrial, type Ending } from "./crash-trial.js";
import { CRASH_DESTINATION_NAMES, CRASH_DESTINATIONS } from "./destinations/crash-destinations.js";

// `npm run soak` sets 200. A failing seed is replayed with MILLRACE_SEED=<seed> MILLRACE_TRIALS=1.
const FIRST_SEED = Number(process.env["MILLRACE_SEED"] ?? 1);
const TRIALS = Number(process.env["MILLRACE_TRIALS"] ?? 2);
const AT_ONCE = 2;
const STOPS = ["permit:before", "permit:after", "commit:after"] as const;
/** What every check tries with every destination, because there a lie would be made. One destination stands for all at the others. */
const DECISIVE: readonly CrashPoint[] = ["permit:after", "commit:after"];
const isSoak = TRIALS > 2;

const child = await bundledProcess(CRASH_CHILD);
afterAll(() => child[Symbol.asyncDispose]());

describe.each(CRASH_DESTINATION_NAMES)("kill -9, SIGSTOP past the lease, and recovery: %s", (destination) => {
  beforeAll(() => CRASH_DESTINATIONS[destination].start?.());

  const isWhole = isSoak || destination === CRASH_DESTINATION_NAMES[0];

  it.each(isWhole ? CRASH_POINTS : DECISIVE)(
    "killed at %s: ledger and destination agree",
    async (point) => {
      const { faults, hit } = await crashTrial(child, destination, 7, { kind: "kill_at_point", point });
      expect(faults).toEqual([]);
      expect(hit).toBe(true);
    },
    60_000,
  );

  it.each(isWhole ? STOPS : STOPS.slice(1, 2))(
    "stopped at %s past its lease: ledger and destination agree",
    async (point) => {
      const { faults, hit } = await crashTrial(child, destination, 11, { kind: "stop_at_point", point });
      expect(faults).toEqual([]);
      expect(hit).toBe(true);
    },
    60_000,
  );

  it(
    `holds in ${TRIALS} trials from seed ${FIRST_SEED}`,
    async () => {
      const hits = new Map<string, number>();
      const failed: string[] = [];
      const seeds = Array.from({ length: TRIALS }, (_, index) => FIRST_SEED + index);
      const worker = async (): Promise<void> => {
        for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
          const { ending, hit, faults } = await crashTrial(child, destination, seed);
          const name = describeEnding(ending);
          if (hit) hits.set(name, (hits.get(name) ?? 0) + 1);
          for (const fault of faults) failed.push(`seed ${seed} (${name}): ${fault}`);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      console.log(`${destination}: windows hit:`, Object.fromEntries([...hits].sort()));
      expect(failed).toEqual([]);
      expect(hits.size).toBeGreaterThan(0);
    },
    TRIALS * 20_000,
  );

  it("is a real proof: without the fence the same trial finds a doubled run", async () => {
    const { faults } = await crashTrial(
      child,
      destination,
      11,
      { kind: "stop_at_point", point: "permit:after" },
      withoutFence,
    );
    expect(faults.join()).toMatch(/rows/);
  }, 60_000);
});

function describeEnding(ending: Ending): string {
  return ending.kind === "kill_at_random" ? ending.kind : `${ending.kind} ${ending.point}`;
}
