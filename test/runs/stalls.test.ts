import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { systemClock } from "../../src/adapters/system/system-clock.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { connectionTo, ScriptedDestination, writeWell } from "../support/scripted-destination.js";
import { rowsOf, type Play } from "../support/stub-engine.js";

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
      const { executor } = harness({ clock: systemClock, plays: { "select 1": play }, leaseMs: 300 });
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

describe("a cancel", () => {
  it("that comes while the claim's answer is on its way interrupts the statement at once, as docs/run-states.md says", async () => {
    const answer = new Gate();
    const store = new MemoryJobStore();
    const claim = store.claimRuns.bind(store);
    store.claimRuns = async (request) => {
      const runs = await claim(request);
      if (runs.length > 0) await answer.pass();
      return runs;
    };
    const forever: Play = async function* ({ signal }) {
      await new Gate().pass(signal);
      yield* rowsOf(1)({ signal, query: undefined as never });
    };
    const { executor, clock } = harness({ store, plays: { "select 1": forever } });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await answer.reached;
    expect(await handle.cancel()).toBe("requested");
    answer.open();
    await clock.advance(1_000);
    expect((await handle.get())?.status).toBe("cancelled");
    await executor.stop({ mode: "cancel" });
  });
});

describe("stop", () => {
  it("does not wait for ever for a connection that does not close", async () => {
    const connection = {
      ...connectionTo(new ScriptedDestination(writeWell)),
      close: () => new Promise<never>(() => undefined),
    };
    const { executor, clock } = harness({ connections: { stuck: connection } });
    await executor.start();
    let stopped = false;
    void executor.stop({ timeoutMs: 1_000 }).then(() => (stopped = true));
    for (let s = 0; s < 120; s += 1) await clock.advance(1_000);
    expect(stopped).toBe(true);
  });
});
