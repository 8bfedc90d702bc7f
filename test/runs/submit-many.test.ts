import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { defineJob } from "../../src/jobs/define-job.js";
import { JobError } from "../../src/model/job-error.js";
import type { NewRun } from "../../src/model/run.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { StubEngine } from "../support/stub-engine.js";

const job = defineJob({
  name: "load",
  query: "select {n} as id",
  params: { n: "INTEGER" },
  destination: { table: "out.t" },
});
const token = defineJob({
  name: "token",
  query: "select {t} as id",
  params: { t: { type: "VARCHAR", secret: true } },
  destination: { table: "out.t" },
});

/** A ledger that notes what is stored in one act. */
function noting() {
  const store = new MemoryJobStore();
  const acts: (readonly NewRun[])[] = [];
  const create = store.createRuns.bind(store);
  store.createRuns = (runs) => {
    acts.push(runs);
    return create(runs);
  };
  return { store, acts };
}

function started(options: Parameters<typeof harness>[0] = {}) {
  const parts = harness({ jobs: [job, token], maxConcurrentRuns: 1, ...options });
  return parts.executor.start().then(() => parts);
}

const later = { runAt: new Date("2030-01-01") };

describe("a bulk", () => {
  it("gives a result for each item, in order, and stores what passed in one act", async () => {
    const { store, acts } = noting();
    const { executor } = await started({ store });
    const results = await executor.submitMany([
      { name: "load", params: { n: 1 }, options: later },
      { name: "load", params: { n: 1.5 } },
      { name: "nope", params: {} },
      { name: "token", params: { t: "s" }, options: { ...later, idempotencyKey: "t" } },
      { name: "load", params: { n: 2 }, options: { priority: 0.5 } },
      null as never,
      { name: "load", parameters: { n: 3 } } as never,
      { name: "load", params: { n: 4 }, options: later },
    ]);
    expect(results.map((one) => (one.isOk() ? one.value.jobName : one.error.code))).toEqual([
      "load",
      "invalid_parameter",
      "unknown_job",
      "token",
      "invalid_parameter",
      "invalid_parameter",
      "invalid_parameter",
      "load",
    ]);
    expect(results[6]?._unsafeUnwrapErr()).toMatchObject({ field: "item", jobName: "load" });
    expect(acts.map((runs) => runs.map(({ parameters }) => parameters))).toEqual([
      [{ n: 1 }, { t: { secret: true } }, { n: 4 }],
    ]);
    expect((await executor.listRuns()).runs).toHaveLength(3);
    await executor.stop();
  });

  it("of nothing is nothing, and what is no bulk is refused", async () => {
    const { executor } = await started();
    expect(await executor.submitMany([])).toEqual([]);
    for (const [items, options, field] of [
      ["load", undefined, "items"],
      [[], { signal: 5 }, "options.signal"],
      [[], { sginal: 5 }, "options.sginal"],
    ] as const) {
      await expect(executor.submitMany(items as never, options as never)).rejects.toMatchObject({
        code: "invalid_definition",
        field,
      });
    }
    await executor.stop();
    const refused = await executor.submitMany([{ name: "load", params: { n: 1 } }]);
    expect(refused[0]?._unsafeUnwrapErr().code).toBe("executor_stopped");
  });

  it("refuses items that cannot be read, and stores the others", async () => {
    const { executor } = await started();
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const throwing = (): never => {
      throw new Error("trap");
    };
    const items = [
      { name: "load", params: { n: 1 }, options: later },
      proxy,
      Object.defineProperty({}, "name", { enumerable: true, get: throwing }),
      new Proxy({}, { get: throwing, ownKeys: throwing }),
      { name: "load", params: { n: 1 }, options: new Proxy({}, { ownKeys: throwing }) },
      { name: "load", params: { n: 2 }, options: later },
    ];
    const results = await executor.submitMany(items as never);
    expect(results.map((one) => (one.isOk() ? "ok" : one.error.code))).toEqual([
      "ok",
      "invalid_parameter",
      "invalid_parameter",
      "invalid_parameter",
      "internal_error",
      "ok",
    ]);
    expect((await executor.listRuns()).runs).toHaveLength(2);
    await executor.stop();
  });

  it("is stored by 500, and asks the engine for a few at once and never for the same twice", async () => {
    const { store, acts } = noting();
    const engine = new StubEngine();
    const describeStub = engine.describe.bind(engine);
    let asking = 0;
    let most = 0;
    engine.describe = async (query, signal) => {
      most = Math.max(most, (asking += 1));
      await new Promise(setImmediate);
      asking -= 1;
      return describeStub(query, signal);
    };
    const { executor } = await started({ store, engine });
    const items = Array.from({ length: 1_100 }, (_, i) => ({
      name: "load" as const,
      params: { n: i % 50 },
      options: later,
    }));
    const results = await executor.submitMany(items);
    expect(results.every((one) => one.isOk())).toBe(true);
    expect(acts.map((runs) => runs.length)).toEqual([500, 500, 100]);
    expect(acts.flat().map(({ parameters }) => parameters["n"])).toEqual(items.map(({ params }) => params.n));
    // 50 values in each of the three acts.
    expect(engine.described).toBe(150);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(16);
    await executor.stop();
  });

  it("does not make Node warn of listeners, however many wait at once", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on("warning", note);
    const engine = new StubEngine();
    const describeStub = engine.describe.bind(engine);
    engine.describe = async (query, signal) => {
      const listen = () => undefined;
      signal.addEventListener("abort", listen);
      await new Promise(setImmediate);
      signal.removeEventListener("abort", listen);
      return describeStub(query, signal);
    };
    const { executor } = await started({ engine });
    const items = Array.from({ length: 40 }, (_, n) => ({ name: "load" as const, params: { n }, options: later }));
    await executor.submitMany(items, { signal: new AbortController().signal });
    await Promise.all(items.map(({ params, options }) => executor.submitOrThrow("load", params, options)));
    await new Promise(setImmediate);
    process.off("warning", note);
    expect(warnings).toEqual([]);
    await executor.stop();
  });

  it("plans each value by itself, because a plan may depend on it", async () => {
    const engine = new StubEngine();
    const describeStub = engine.describe.bind(engine);
    engine.describe = (query, signal) =>
      query.parameters.get("n")?.value === 2 ? Promise.reject(new Error("not two")) : describeStub(query, signal);
    const { executor } = await started({ engine });
    const results = await executor.submitMany([1, 2, 3].map((n) => ({ name: "load" as const, params: { n } })));
    expect(results.map((one) => one.isOk())).toEqual([true, false, true]);
    expect(results[1]?._unsafeUnwrapErr()).toMatchObject({ code: "sql_plan_failure" });
    await executor.stop();
  });

  it("keeps its idempotency keys, also among its own items", async () => {
    const { executor } = await started();
    const keyed = (n: number, idempotencyKey: string) => {
      return { name: "load", params: { n }, options: { ...later, idempotencyKey } } as const;
    };
    const first = await executor.submitOrThrow("load", { n: 1 }, { ...later, idempotencyKey: "a" });
    const results = await executor.submitMany([keyed(1, "a"), keyed(2, "b"), keyed(2, "b"), keyed(3, "b")]);
    const [a, b, again, other] = results;
    expect(a?._unsafeUnwrap()).toMatchObject({ id: first.id, created: false });
    expect(b?._unsafeUnwrap().created).toBe(true);
    expect(again?._unsafeUnwrap()).toMatchObject({ id: b?._unsafeUnwrap().id, created: false });
    expect(other?._unsafeUnwrapErr()).toMatchObject({
      code: "idempotency_conflict",
      runId: b?._unsafeUnwrap().id,
      jobName: "load",
    });
    await executor.stop();
  });

  it("is carried out", async () => {
    const { executor, out } = await started({ maxConcurrentRuns: 4 });
    const results = await executor.submitMany([1, 2, 3, 4, 5].map((n) => ({ name: "load" as const, params: { n } })));
    const ends = await Promise.all(results.map((one) => one._unsafeUnwrap().result()));
    expect(ends.map(({ status }) => status)).toEqual(Array(5).fill("succeeded"));
    expect(await out.rows("t")).toHaveLength(15);
    await executor.stop();
  });

  it("tells each item what a ledger said that did not store them", async () => {
    const store = new MemoryJobStore();
    let asked = 0;
    const full = { message: "disk full", hint: "", nothingStored: true };
    store.createRuns = () => ((asked += 1), Promise.reject(new JobError("store_unavailable", full)));
    const { executor } = await started({ store });
    const results = await executor.submitMany([
      { name: "load", params: { n: 1 } },
      { name: "token", params: { t: "sk-very-secret" } },
    ]);
    for (const one of results) {
      expect(one._unsafeUnwrapErr()).toMatchObject({ code: "store_unavailable", retryable: true, nothingStored: true });
      expect(one._unsafeUnwrapErr().message).toContain("disk full");
    }
    expect(asked).toBe(1);
    await executor.stop();
  });

  it("is told as it is when only the answer was lost", async () => {
    const store = new MemoryJobStore();
    const create = store.createRuns.bind(store);
    store.createRuns = async (runs) => {
      await create(runs);
      throw new Error("answer lost");
    };
    const { executor } = await started({ store });
    const results = await executor.submitMany([1, 2].map((n) => ({ name: "load" as const, params: { n } })));
    expect(results.map((one) => one._unsafeUnwrap().created)).toEqual([true, true]);
    expect((await executor.listRuns()).runs).toHaveLength(2);
    await executor.stop();
  });

  it("asks a ledger that stays away for one run, not for each", async () => {
    const store = new MemoryJobStore();
    let asked = 0;
    store.createRuns = () => Promise.reject(new Error("away"));
    const { executor, clock } = await started({ store });
    store.getRun = () => Promise.reject(new Error(`away ${(asked += 1)}`));
    const submitting = executor.submitMany(
      Array.from({ length: 100 }, (_, n) => ({ name: "load" as const, params: { n } })),
    );
    await clock.advance(10_000);
    const errors = (await submitting).map((one) => one._unsafeUnwrapErr());
    expect(errors.map(({ message }) => /nobody knows/.test(message))).toEqual(Array(100).fill(true));
    expect(new Set(errors.map((error) => (error as { runId?: string }).runId)).size).toBe(100);
    expect(asked).toBeLessThan(10);
    await executor.stop();
  });
});

describe("calling a bulk off", () => {
  it("refuses what is not stored, and leaves what is", async () => {
    const controller = new AbortController();
    const { store, acts } = noting();
    const create = store.createRuns;
    store.createRuns = async (runs) => {
      const stored = await create(runs);
      controller.abort();
      return stored;
    };
    const { executor } = await started({ store });
    const items = Array.from({ length: 501 }, (_, n) => ({ name: "load" as const, params: { n }, options: later }));
    const results = await executor.submitMany(items, { signal: controller.signal });
    expect(acts).toHaveLength(1);
    expect(results.filter((one) => one.isOk())).toHaveLength(500);
    expect(results[500]?._unsafeUnwrapErr()).toMatchObject({ code: "aborted", jobName: "load" });
    expect((await results[0]?._unsafeUnwrap().get())?.status).toBe("pending");
    await executor.stop();
  });

  it("does not wait for an engine that does not listen", async () => {
    const controller = new AbortController();
    const gate = new Gate<never>();
    const engine = new StubEngine();
    engine.describe = () => gate.pass();
    const { executor } = await started({ engine });
    const own = new AbortController().signal;
    const submitting = executor.submitMany(
      [
        { name: "load", params: { n: 1 } },
        { name: "load", params: { n: 2 }, options: { signal: own } },
      ],
      { signal: controller.signal },
    );
    await gate.reached;
    controller.abort();
    expect((await submitting).map((one) => one._unsafeUnwrapErr().code)).toEqual(["aborted", "aborted"]);
    await executor.stop();
  });

  it("counts for an item that was checked already while others were not", async () => {
    const controller = new AbortController();
    const gate = new Gate();
    const engine = new StubEngine();
    const describeStub = engine.describe.bind(engine);
    engine.describe = async (query, signal) => {
      if (query.parameters.get("n")?.value === 2) await gate.pass();
      return describeStub(query, signal);
    };
    const { executor } = await started({ engine });
    const submitting = executor.submitMany([
      { name: "load", params: { n: 1 }, options: { ...later, signal: controller.signal } },
      { name: "load", params: { n: 2 }, options: later },
    ]);
    await gate.reached;
    await new Promise(setImmediate);
    controller.abort();
    gate.open();
    const [first, second] = await submitting;
    expect(first?._unsafeUnwrapErr()).toMatchObject({ code: "aborted", jobName: "load" });
    expect((await executor.listRuns()).runs.map(({ id }) => id)).toEqual([second?._unsafeUnwrap().id]);
    await executor.stop();
  });

  it("by the signal of one item takes no other with it, and cancels its run later", async () => {
    const { executor } = await started();
    const [now, then] = [new AbortController(), new AbortController()];
    now.abort();
    const [off, on, other] = await executor.submitMany([
      { name: "load", params: { n: 1 }, options: { ...later, signal: now.signal } },
      { name: "load", params: { n: 1 }, options: { ...later, signal: then.signal } },
      { name: "load", params: { n: 1 }, options: later },
    ]);
    expect(off?._unsafeUnwrapErr().code).toBe("aborted");
    then.abort();
    expect(await on?._unsafeUnwrap().result()).toMatchObject({ status: "cancelled" });
    expect(await other?._unsafeUnwrap().get()).toMatchObject({ status: "pending" });
    await executor.stop();
  });
});
