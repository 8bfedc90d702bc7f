import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { defineJob } from "../../src/jobs/define-job.js";
import type { Connection } from "../../src/ports/connection.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { connectionTo, drainRows, ScriptedDestination, writeWell } from "../support/scripted-destination.js";
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

describe("a submit from plain JavaScript is refused as a value", () => {
  const cases: [string, readonly unknown[], object][] = [
    ["no name", [], { code: "unknown_job" }],
    ["a name that is a number", [42], { code: "unknown_job" }],
    ["a name that is a symbol", [Symbol("load")], { code: "unknown_job" }],
    ["a name that is an object", [{}], { code: "unknown_job" }],
    ["null parameters", ["load", null], { code: "unsupported_parameter" }],
    ["parameters that are a text", ["load", "a"], { code: "unsupported_parameter" }],
    ["null options", ["load", {}, null], { code: "invalid_parameter", field: "options" }],
    ["options that are a text", ["load", {}, "fast"], { code: "invalid_parameter", field: "options" }],
    ["options that are an array", ["load", {}, []], { code: "invalid_parameter", field: "options" }],
    ["a signal that is none", ["load", {}, { signal: {} }], { code: "invalid_parameter", field: "options.signal" }],
    [
      "a misspelt option",
      ["load", {}, { timeOutMs: 5 }],
      {
        code: "invalid_parameter",
        field: "options.timeOutMs",
        message: expect.stringContaining('"timeoutMs"') as unknown,
      },
    ],
  ];
  for (const [name, args, error] of cases) {
    it(name, async () => {
      const { executor } = harness();
      await executor.start();
      const submit = executor.submit.bind(executor) as (...given: readonly unknown[]) => PromiseLike<unknown>;
      expect(await submit(...args)).toMatchObject({ error: { name: "JobError", ...error } });
      const preview = executor.preview.bind(executor) as typeof submit;
      expect(await preview(...args)).toMatchObject({ error: { name: "JobError" } });
      expect((await executor.listRuns()).runs).toEqual([]);
      await executor.stop();
    });
  }

  for (const limit of [Number.NaN, -1, 1.5, Infinity, "5", null]) {
    it(`a preview of ${String(limit)} rows`, async () => {
      const { executor } = harness();
      await executor.start();
      const result = await executor.preview("load", undefined, { limit: limit as number });
      expect(result).toMatchObject({ error: { code: "invalid_parameter", field: "options.limit" } });
      await executor.stop();
    });
  }

  it("while its options may be changed as soon as it was called", async () => {
    const { executor } = harness();
    await executor.start();
    const options = { idempotencyKey: "one" };
    const submitting = executor.submitOrThrow("load", undefined, options);
    options.idempotencyKey = "two";
    expect(await (await submitting).get()).toMatchObject({ idempotencyKey: "one" });
    await executor.stop();
  });
});

describe("a destination in plain JavaScript", () => {
  const thrown: unknown[] = [
    undefined,
    null,
    "text",
    Symbol("s"),
    Object.create(null),
    { message: Symbol("m") },
    Object.assign(new Error("x"), { message: undefined }),
    new Proxy({}, { get: boom, has: boom, getPrototypeOf: boom }),
  ];
  for (const [index, value] of thrown.entries()) {
    it(`that throws what is no error still ends its run: ${index}`, async () => {
      const destination = new ScriptedDestination(async (rows) => {
        await drainRows(rows);
        throw value;
      });
      const { executor } = harness({ destination });
      await executor.start();
      const run = await (await executor.submitOrThrow("load")).result();
      expect(run).toMatchObject({ status: "failed", error: { code: "destination_failed" } });
      await executor.stop();
    });
  }
});

describe("a logger that fails", () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  const failures: [string, () => void][] = [
    ["throws", boom],
    ["rejects", () => Promise.reject(new Error("log disk full"))],
  ];
  for (const [how, log] of failures) {
    it(`and ${how} costs no run, and no rejection goes unhandled`, async () => {
      unhandled.length = 0;
      process.on("unhandledRejection", note);
      const store = new MemoryJobStore();
      const claim = store.claimRuns.bind(store);
      let outage = true;
      let logged = 0;
      const write = (): void => {
        logged += 1;
        return log();
      };
      store.claimRuns = (request) => (outage ? Promise.reject(new Error("ledger away")) : claim(request));
      const { executor, clock } = harness({
        store,
        logger: { debug: write, info: write, warn: write, error: write },
      });
      await executor.start();
      await clock.advance(10);
      outage = false;
      const handle = await executor.submitOrThrow("load");
      await clock.advance(5_000);
      expect(await handle.result()).toMatchObject({ status: "succeeded" });
      expect(logged).toBeGreaterThan(0);
      expect(unhandled).toEqual([]);
      process.off("unhandledRejection", note);
      await executor.stop();
    });
  }
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
