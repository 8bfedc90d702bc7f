import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { defineJob } from "../../src/jobs/define-job.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { connectionTo, drainRows, ScriptedDestination, writeWell } from "../support/scripted-destination.js";
import { idBatch, StubEngine, type Play } from "../support/stub-engine.js";

describe("the queue", () => {
  it("starts 1,000 runs in order of priority, then of submission", async () => {
    const hold = new Gate();
    const started: number[] = [];
    const play: Play = async function* ({ query }) {
      const n = Number(query.parameters.get("n")?.value);
      if (n < 0) await hold.pass();
      else started.push(n);
      yield idBatch([n]);
    };
    const job = defineJob({
      name: "n",
      query: "select {n}",
      params: { n: "INTEGER" },
      destination: { table: "out.t" },
    });
    const { executor } = harness({ plays: { "select {n}": play }, jobs: [job], maxConcurrentRuns: 1 });
    await executor.start();
    await executor.submitOrThrow("n", { n: -1 });
    await hold.reached;
    const priorities = Array.from({ length: 1_000 }, (_, n) => (n * 7) % 5);
    const handles = [];
    for (const [n, priority] of priorities.entries())
      handles.push(await executor.submitOrThrow("n", { n }, { priority }));
    hold.open();
    await Promise.all(handles.map((handle) => handle.result()));
    const expected = priorities.map((priority, n) => ({ priority, n }));
    expected.sort((left, right) => right.priority - left.priority || left.n - right.n);
    expect(started).toEqual(expected.map(({ n }) => n));
    await executor.stop();
  });

  it("never runs more side by side than it may", async () => {
    let running = 0;
    let most = 0;
    const play: Play = async function* () {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      yield idBatch([1]);
      running -= 1;
    };
    const { executor } = harness({ plays: { "select 1": play }, maxConcurrentRuns: 3 });
    await executor.start();
    const handles = await Promise.all(Array.from({ length: 40 }, () => executor.submitOrThrow("load")));
    await Promise.all(handles.map((handle) => handle.result()));
    expect(most).toBe(3);
    await executor.stop();
  });

  it("holds a run back until its runAt, and fails one whose start deadline passed", async () => {
    const { executor, clock } = harness();
    await executor.start();
    const runAt = new Date(clock.now() + 60_000);
    const handle = await executor.submitOrThrow("load", undefined, { runAt });
    const never = await executor.submitOrThrow("load", undefined, {
      runAt,
      startDeadline: new Date(clock.now() + 59_000),
    });
    await clock.advance(59_999);
    expect(await handle.get()).toMatchObject({ status: "pending" });
    await clock.advance(1);
    expect(await handle.result()).toMatchObject({ status: "succeeded" });
    expect(await never.result()).toMatchObject({
      status: "failed",
      attempt: 0,
      error: { code: "start_deadline_passed" },
    });
    await executor.stop();
  });
});

describe("stop", () => {
  const waiting = (gate: Gate): Play =>
    async function* ({ signal }) {
      await gate.pass(signal);
      yield idBatch([1]);
    };

  it("drains: what runs ends, what waits stays pending", async () => {
    const gate = new Gate();
    const { executor, store, clock } = harness({ plays: { "select 1": waiting(gate) }, maxConcurrentRuns: 1 });
    await store.open({ clock });
    await executor.start();
    const first = await executor.submitOrThrow("load");
    const second = await executor.submitOrThrow("load");
    await gate.reached;
    const stopping = executor.stop();
    expect((await executor.submit("load"))._unsafeUnwrapErr().code).toBe("executor_stopped");
    gate.open();
    expect(await stopping).toEqual({
      succeeded: 1,
      failed: 0,
      cancelled: 0,
      retrying: 0,
      handedBack: 0,
      unfinished: 0,
    });
    expect(await executor.stop()).toEqual(await stopping);
    expect(await store.getRun(first.id)).toMatchObject({ status: "succeeded" });
    expect(await store.getRun(second.id)).toMatchObject({ status: "pending" });
  });

  it("interrupts and hands back, after the budget or at once, and the attempt does not count", async () => {
    for (const mode of ["drain", "cancel"] as const) {
      const gate = new Gate();
      const clock = new ManualClock();
      const store = new MemoryJobStore();
      await store.open({ clock });
      const { executor } = harness({ plays: { "select 1": waiting(gate) }, store, clock });
      await executor.start();
      const handle = await executor.submitOrThrow("load");
      await gate.reached;
      const stopping = executor.stop({ mode, timeoutMs: 1_000 });
      if (mode === "drain") await clock.advance(1_000);
      expect(await stopping).toMatchObject({ handedBack: 1, unfinished: 0 });
      expect(await store.getRun(handle.id)).toMatchObject({ status: "pending", attempt: 0, recoveries: 0 });
      const next = harness({ store, clock });
      await next.executor.start();
      expect(await next.executor.handle(handle.id).result()).toMatchObject({ status: "succeeded", attempt: 1 });
      await next.executor.stop();
    }
  });

  it("leaves a commit that does not end to recovery", async () => {
    const hang = new Gate();
    const destination = new ScriptedDestination(async (rows, request) => {
      await request.permit({ rowsStaged: await drainRows(rows) });
      await hang.pass();
      throw new Error("late");
    });
    const { executor, store, clock } = harness({ destination });
    await store.open({ clock });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await hang.reached;
    const stopping = executor.stop({ mode: "cancel", timeoutMs: 500 });
    await clock.advance(500);
    expect(await stopping).toMatchObject({ unfinished: 1 });
    expect(await store.getRun(handle.id)).toMatchObject({ status: "committing" });
  });

  it("closes what start opened, and never what the host opened", async () => {
    const opened = new MemoryJobStore();
    await opened.open({ clock: new ManualClock() });
    for (const [store, open] of [
      [opened, true],
      [new MemoryJobStore(), false],
    ] as const) {
      let closed = 0;
      const connection = {
        ...connectionTo(new ScriptedDestination(writeWell)),
        close: () => Promise.resolve(void (closed += 1)),
      };
      const { executor } = harness({ store, connections: { extra: connection } });
      await executor.start();
      await executor.stop();
      expect([store.isOpen, closed]).toEqual([open, 1]);
    }
  });

  it("is safe before start, twice, and by await using", async () => {
    const { executor } = harness();
    await executor.stop();
    await expect(executor.start()).rejects.toMatchObject({ code: "executor_stopped" });
    let used;
    {
      await using scoped = harness().executor;
      await scoped.start();
      used = scoped;
    }
    expect((await used.submit("load"))._unsafeUnwrapErr().code).toBe("executor_stopped");
  });
});

describe("start", () => {
  it("may be tried again after it failed, and shares what is under way", async () => {
    const store = new MemoryJobStore();
    const open = store.open.bind(store);
    let fails = true;
    store.open = async (context) => {
      if (fails) throw new Error("not yet");
      await open(context);
    };
    const { executor } = harness({ store });
    await expect(executor.start()).rejects.toThrow("not yet");
    fails = false;
    const [first, second] = await Promise.all([executor.start(), executor.start()]);
    expect(first).toBe(second);
    await executor.stop();
  });

  it.each([
    ["maxConcurrentRuns", { maxConcurrentRuns: 0 }],
    ["leaseMs", { leaseMs: 1.5 }],
    ["commitTimeoutMs", { commitTimeoutMs: -1 }],
    ["secretKey", { secretKey: new Uint8Array(31) }],
    ["connections.my-lake", { connections: { "my-lake": connectionTo(new ScriptedDestination(writeWell)) } }],
    ["connections.OUT", { connections: { OUT: connectionTo(new ScriptedDestination(writeWell)) } }],
  ])("refuses a bad option %s at construction", (field, options) => {
    expect(() => harness(options)).toThrow(expect.objectContaining({ code: "invalid_definition", field }) as Error);
  });

  it("refuses two jobs of one name", () => {
    const job = defineJob({ name: "twin", query: "select 1", destination: { table: "out.t" } });
    expect(
      () =>
        new JobExecutor({ engine: new StubEngine(), store: new MemoryJobStore(), connections: {}, jobs: [job, job] }),
    ).toThrow(expect.objectContaining({ code: "invalid_definition" }) as Error);
  });
});

describe("the ledger through the executor", () => {
  it("lists runs newest first, by job and status, in pages", async () => {
    const { executor } = harness();
    await executor.start();
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const handle = await executor.submitOrThrow("load");
      await handle.result();
      ids.unshift(handle.id);
    }
    const first = await executor.listRuns({ limit: 2, status: "succeeded", jobName: "load" });
    const second = await executor.listRuns({
      limit: 3,
      ...(first.nextCursor !== undefined && { cursor: first.nextCursor }),
    });
    expect([...first.runs, ...second.runs].map(({ id }) => id)).toEqual(ids);
    expect(second.nextCursor).toBeUndefined();
    expect((await executor.listRuns({ jobName: "other" })).runs).toEqual([]);
    await executor.stop();
  });

  it("knows its jobs in alphabetical order", async () => {
    const jobs = ["b", "a", "c"].map((name) => defineJob({ name, query: "select 1", destination: { table: "out.t" } }));
    const { executor } = harness({ jobs });
    expect(executor.listJobs().map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect(executor.getJob("c")).toBe(jobs[2]);
    expect(executor.getJob("d")).toBeUndefined();
    await expect(executor.listRuns()).rejects.toMatchObject({ code: "not_started" });
  });

  it("survives an outage in the middle of a run, and says so", async () => {
    const store = new MemoryJobStore();
    const transition = store.transition.bind(store);
    let outage = 3;
    store.transition = async (id, change, events) => {
      if (change.to === "succeeded" && outage-- > 0) throw new Error("ledger away");
      return transition(id, change, events);
    };
    const { executor, clock, log } = harness({ store });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    for (let wait = 0; wait < 10; wait += 1) await clock.advance(100);
    expect(await handle.result()).toMatchObject({ status: "succeeded", rowsWritten: 3 });
    expect(log.lines.filter((line) => line.includes("ledger away"))).toHaveLength(3);
    await executor.stop();
  });

  it("grants no permit when the ledger cannot record it, and commits nothing", async () => {
    const store = new MemoryJobStore();
    const transition = store.transition.bind(store);
    store.transition = async (id, change, events) => {
      if (change.to === "committing") throw new Error("ledger away");
      return transition(id, change, events);
    };
    const { executor, out, clock } = harness({ store });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    const result = handle.result();
    // It asks again for a lease's time.
    await clock.advance(29_000);
    expect(await handle.get()).toMatchObject({ status: "running" });
    await clock.advance(1_000);
    expect(await result).toMatchObject({ status: "failed", rowsWritten: null, error: { code: "store_unavailable" } });
    expect(out.tables()).toEqual([]);
    await executor.stop();
  });

  it("goes on when only the answer to the move to committing was lost", async () => {
    const store = new MemoryJobStore();
    const transition = store.transition.bind(store);
    let asked = 0;
    store.transition = async (id, change, events) => {
      const outcome = await transition(id, change, events);
      if (change.to === "committing" && (asked += 1) === 1) throw new Error("answer lost");
      return outcome;
    };
    const { executor, out, clock } = harness({ store });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await clock.advance(1_000);
    expect(await handle.result()).toMatchObject({ status: "succeeded" });
    expect(await out.rows("t")).toHaveLength(3);
    await executor.stop();
  });
});

describe("two executors in one process", () => {
  it("do not meet", async () => {
    const [left, right] = [harness(), harness()];
    await Promise.all([left.executor.start(), right.executor.start()]);
    const handle = await left.executor.submitOrThrow("load");
    await handle.result();
    expect(await right.executor.getRun(handle.id)).toBeUndefined();
    expect(right.out.tables()).toEqual([]);
    await left.executor.stop();
    await (await right.executor.submitOrThrow("load")).result();
    await right.executor.stop();
  });
});
