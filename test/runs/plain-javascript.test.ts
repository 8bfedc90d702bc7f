import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { defineJob } from "../../src/jobs/define-job.js";
import type { Connection } from "../../src/ports/connection.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { connectionTo, ScriptedDestination, writeWell } from "../support/scripted-destination.js";
import { idBatch, StubEngine, type Play } from "../support/stub-engine.js";

const boom = (): never => {
  throw new Error("boom");
};

function waits(gate: Gate): Play {
  return async function* ({ signal }) {
    await gate.pass(signal);
    yield idBatch([1]);
  };
}

describe("a host in plain JavaScript", () => {
  it("may give connections without a prototype, and change its arrays afterwards", async () => {
    const jobs = [defineJob({ name: "load", query: "select 1", destination: { table: "out.t" } })];
    const connections = Object.create(null) as Record<string, Connection>;
    connections["out"] = connectionTo(new ScriptedDestination(writeWell));
    const executor = new JobExecutor({ engine: new StubEngine(), store: new MemoryJobStore(), connections, jobs });
    jobs.length = 0;
    delete connections["out"];
    await executor.start();
    expect(executor.listJobs()).toHaveLength(1);
    expect(await (await executor.submitOrThrow("load")).result()).toMatchObject({ status: "succeeded" });
    await executor.stop();
  });

  it("whose capabilities getter throws is a typed refusal, and a failed run", async () => {
    const destination = new ScriptedDestination(writeWell);
    let fine = true;
    const { capabilities } = destination;
    Object.defineProperty(destination, "capabilities", { get: () => (fine ? capabilities : boom()) });
    const gate = new Gate();
    const { executor } = harness({ destination, plays: { "select 1": waits(gate) }, maxConcurrentRuns: 1 });
    await executor.start();
    await executor.submitOrThrow("load");
    await gate.reached;
    const second = await executor.submitOrThrow("load");
    fine = false;
    expect((await executor.submit("load")).isErr()).toBe(true);
    gate.open();
    expect(await second.result()).toMatchObject({ status: "failed" });
    await executor.stop();
  });
});

describe("a store that throws for a while instead of rejecting", () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  beforeEach(() => {
    unhandled.length = 0;
    process.on("unhandledRejection", note);
  });
  afterEach(() => {
    process.off("unhandledRejection", note);
  });

  for (const method of ["claimRuns", "claimExpired", "appendEvents", "getRun", "readEvents"] as const) {
    it(`from ${method}: the runs end all the same, and no rejection goes unhandled`, async () => {
      const store = new MemoryJobStore();
      const original = store[method].bind(store) as () => unknown;
      let outage = false;
      Object.assign(store, { [method]: (...args: []) => (outage ? boom() : original(...args)) });
      const gate = new Gate();
      const { executor, clock } = harness({ store, plays: { "select 1": waits(gate) }, leaseMs: 3_000 });
      await executor.start();
      const first = await executor.submitOrThrow("load");
      await gate.reached;
      outage = true;
      const second = await executor.submitOrThrow("load");
      await clock.advance(2_000);
      outage = false;
      gate.open();
      for (let n = 0; n < 20; n += 1) await clock.advance(1_000);
      expect(unhandled).toEqual([]);
      expect((await first.get())?.status).toBe("succeeded");
      expect((await second.get())?.status).toBe("succeeded");
      await executor.stop();
    });
  }
});
