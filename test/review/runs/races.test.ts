import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../../src/adapters/memory/memory-job-store.js";
import { systemClock } from "../../../src/adapters/system/system-clock.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";
import { harness } from "../../support/executor-harness.js";
import { ScriptedDestination, writeWell } from "../../support/scripted-destination.js";
import { rowsOf, type Play } from "../../support/stub-engine.js";

describe("an executor whose event loop stands still past its lease", () => {
  it("goes on with its own run (real timers)", { timeout: 60_000 }, async () => {
    const spoilt: number[] = [];
    for (let phase = 0; phase < 6; phase += 1) {
      let starts = 0;
      const play: Play = async function* ({ signal }) {
        starts += 1;
        await new Promise((resolve) => setTimeout(resolve, 600));
        yield* rowsOf(3)({ signal, query: undefined as never });
      };
      const { executor } = harness({ clock: systemClock as never, plays: { "select 1": play }, leaseMs: 300 });
      await executor.start();
      await new Promise((resolve) => setTimeout(resolve, phase * 50));
      const handle = await executor.submitOrThrow("load");
      await new Promise((resolve) => setTimeout(resolve, 20));
      const until = performance.now() + 400;
      while (performance.now() < until);
      const run = await handle.result();
      if (starts > 1 || run.recoveries > 0) spoilt.push(phase);
      await executor.stop();
    }
    expect(spoilt).toEqual([]);
  });
});

describe("a store shared by two executors of one process", () => {
  it("is not closed under the one by the other's stop", async () => {
    const clock = new ManualClock();
    const store = new MemoryJobStore();
    const [one, two] = [
      harness({ store, clock }),
      harness({ store, clock, destination: new ScriptedDestination(writeWell) }),
    ];
    await one.executor.start();
    await two.executor.start();
    await one.executor.stop();
    expect((await two.executor.submit("load")).isOk()).toBe(true);
    await two.executor.stop();
  });
});
