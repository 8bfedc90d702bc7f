import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import type { Settlement } from "../../src/ports/job-destination.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { connectionTo, drainRows, ScriptedDestination, writeWell } from "../support/scripted-destination.js";
import { idBatch, rowsOf, StubEngine, type Play } from "../support/stub-engine.js";

const never = () => new Promise<never>(() => undefined);
const waits = (gate: Gate): Play =>
  async function* ({ signal }) {
    await gate.pass(signal);
    yield idBatch([1]);
  };

/** Whether a promise is settled by the time the clock has gone on so far. */
async function settledWithin(clock: ManualClock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  for (let at = 0; at < ms && !settled; at += 500) await clock.advance(500);
  return settled;
}

describe("a part that hangs and ignores its signal", () => {
  it("does not outlive the run's time-out: destination.schema at run time", async () => {
    const destination = new ScriptedDestination(writeWell);
    let asked = 0;
    destination.schema = () => ((asked += 1) === 1 ? Promise.resolve(null) : never());
    const { executor, clock } = harness({ destination, execution: { timeoutMs: 1_000 } });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    for (let s = 0; s < 60; s += 1) await clock.advance(1_000);
    expect(await handle.get()).toMatchObject({ status: "failed", error: { code: "timed_out" } });
  });

  it("does not outlive the run's time-out: engine.stream", async () => {
    class Hangs extends StubEngine {
      override stream(): Promise<never> {
        return never();
      }
    }
    const { executor, clock } = harness({ engine: new Hangs(), execution: { timeoutMs: 1_000 } });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    for (let s = 0; s < 60; s += 1) await clock.advance(1_000);
    expect(await handle.get()).toMatchObject({ status: "failed", error: { code: "timed_out" } });
  });

  it("obeys a cancel, and frees its slot: destination.schema at run time", async () => {
    const destination = new ScriptedDestination(writeWell);
    let asked = 0;
    destination.schema = () => ((asked += 1) === 1 ? Promise.resolve(null) : never());
    const { executor, clock } = harness({ destination });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await clock.advance(0);
    expect(await handle.cancel()).toBe("requested");
    for (let s = 0; s < 120; s += 1) await clock.advance(1_000);
    expect(await handle.get()).toMatchObject({ status: "cancelled" });
  });

  it("does not outlive the submitter's signal: destination.schema and engine.describe", async () => {
    const destination = new ScriptedDestination(writeWell);
    destination.schema = never;
    class Hangs extends StubEngine {
      override describe(): Promise<never> {
        return never();
      }
    }
    for (const options of [{ destination }, { engine: new Hangs() }]) {
      const { executor, clock } = harness(options);
      await executor.start();
      const abort = new AbortController();
      const submitting = executor.submit("load", undefined, { signal: abort.signal });
      await clock.advance(0);
      abort.abort();
      expect(await settledWithin(clock, 60_000, Promise.resolve(submitting))).toBe(true);
    }
  });
});

describe("stop", () => {
  it("lets a result() that waits have the run that ended within the drain", async () => {
    const gate = new Gate();
    const { executor } = harness({ plays: { "select 1": waits(gate) } });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    const result = handle.result().catch((error: unknown) => error);
    const stopping = executor.stop();
    gate.open();
    expect(await stopping).toMatchObject({ succeeded: 1 });
    expect(await result).toMatchObject({ status: "succeeded" });
  });

  it("does not make the submitter's signal deaf while it drains", async () => {
    const gate = new Gate();
    const { executor, store, clock } = harness({ plays: { "select 1": waits(gate) } });
    await store.open({ clock });
    await executor.start();
    const abort = new AbortController();
    const handle = await executor.submitOrThrow("load", undefined, { signal: abort.signal });
    await gate.reached;
    const stopping = executor.stop();
    abort.abort();
    await clock.advance(0);
    gate.open();
    await stopping;
    expect(await store.getRun(handle.id)).toMatchObject({ status: "cancelled" });
  });

  it("leaves no timer behind when nothing was under way", async () => {
    const { executor, clock } = harness();
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await handle.result();
    await executor.stop();
    expect(clock.pending).toBe(0);
  });

  it("leaves no timer behind, also when an attempt does not end", async () => {
    const { executor, clock } = harness({
      destination: new ScriptedDestination(async (rows, request) => {
        await request.permit({ rowsStaged: await drainRows(rows) });
        return never();
      }),
    });
    await executor.start();
    await executor.submitOrThrow("load");
    await clock.advance(0);
    const stopping = executor.stop({ mode: "cancel", timeoutMs: 500 });
    await clock.advance(500);
    expect(await stopping).toMatchObject({ unfinished: 1 });
    await clock.advance(0);
    expect(clock.pending).toBe(0);
  });

  it("leaves an attempt that hangs to the next executor: its lease is not renewed for ever", async () => {
    const clock = new ManualClock();
    const store = new MemoryJobStore();
    await store.open({ clock });
    class Hangs extends StubEngine {
      override stream(): Promise<never> {
        return never();
      }
    }
    const first = harness({ clock, store, engine: new Hangs() });
    await first.executor.start();
    const { id } = await first.executor.submitOrThrow("load");
    await clock.advance(0);
    const stopping = first.executor.stop({ mode: "cancel", timeoutMs: 500 });
    await clock.advance(500);
    await stopping;
    const second = harness({ clock, store });
    await second.executor.start();
    for (let s = 0; s < 300; s += 1) await clock.advance(1_000);
    expect(await second.executor.getRun(id)).toMatchObject({ status: "succeeded" });
    await second.executor.stop();
  });

  it("closes everything although one connection's close throws synchronously", async () => {
    const store = new MemoryJobStore();
    const bad = {
      ...connectionTo(new ScriptedDestination(writeWell)),
      close: () => {
        throw new Error("no");
      },
    };
    const { executor } = harness({ store, connections: { bad } });
    await executor.start();
    expect(await executor.stop().catch((error: unknown) => error)).toMatchObject({ succeeded: 0 });
    expect(store.isOpen).toBe(false);
  });

  it("refuses options that are none, and can then still be called", async () => {
    for (const options of [{ mode: "canel" }, { timeoutMs: Number.NaN }, { timeoutMs: -1 }, { timeoutMs: "5" }, null]) {
      const { executor } = harness();
      await executor.start();
      const refused = await Promise.resolve()
        .then(() => executor.stop(options as never))
        .catch((error: unknown) => error);
      expect.soft(refused, JSON.stringify(options)).toMatchObject({ code: "invalid_definition" });
      const stopped = await executor.stop().catch((error: unknown) => error);
      expect.soft(stopped, `then stop() after ${JSON.stringify(options)}`).toMatchObject({ succeeded: 0 });
    }
  });

  it("may be hurried: a second stop that cancels is obeyed", async () => {
    const gate = new Gate();
    const { executor, clock } = harness({ plays: { "select 1": waits(gate) } });
    await executor.start();
    await executor.submitOrThrow("load");
    await gate.reached;
    void executor.stop({ timeoutMs: 600_000 });
    await clock.advance(0);
    const hurried = executor.stop({ mode: "cancel", timeoutMs: 1_000 });
    expect(await settledWithin(clock, 5_000, hurried)).toBe(true);
  });

  it("keeps to its timeoutMs in all", async () => {
    const { executor, clock } = harness({
      destination: new ScriptedDestination(async (rows, request) => {
        await request.permit({ rowsStaged: await drainRows(rows) });
        return never();
      }),
    });
    await executor.start();
    await executor.submitOrThrow("load");
    await clock.advance(0);
    const stopping = executor.stop({ timeoutMs: 10_000 });
    expect(await settledWithin(clock, 10_500, stopping)).toBe(true);
  });

  it("counts as handed back only what it interrupted", async () => {
    const gate = new Gate();
    const fails: Play = async function* () {
      await gate.pass();
      yield idBatch([1]);
      throw new Error("no luck");
    };
    const { executor } = harness({ plays: { "select 1": fails }, execution: { maxAttempts: 3 } });
    await executor.start();
    await executor.submitOrThrow("load");
    await gate.reached;
    const stopping = executor.stop();
    gate.open();
    expect(await stopping).toMatchObject({ handedBack: 0 });
  });

  it("lets go of the submitters' signals", async () => {
    const { executor, clock } = harness();
    await executor.start();
    const app = new AbortController();
    for (let n = 0; n < 20; n += 1) {
      await executor.submitOrThrow("load", undefined, { signal: app.signal, runAt: new Date(clock.now() + 3_600_000) });
    }
    await executor.stop();
    expect(getEventListeners(app.signal, "abort")).toHaveLength(0);
  });

  it("during a start that hangs in recovery comes to an end", async () => {
    const { store, clock } = await committingRuns(1);
    const destination = new ScriptedDestination(writeWell);
    destination.settleCommit = never;
    const { executor } = harness({ destination, store, clock, leaseMs: 1_000 });
    const starting = executor.start();
    starting.catch(() => undefined);
    await clock.advance(0);
    expect(await settledWithin(clock, 30_000, executor.stop({ mode: "cancel", timeoutMs: 500 }))).toBe(true);
  });
});

/** A ledger with runs that were `committing` when their owner died; their leases have expired. */
async function committingRuns(count: number): Promise<{ store: MemoryJobStore; clock: ManualClock; ids: string[] }> {
  const clock = new ManualClock();
  const crashed = harness({
    clock,
    leaseMs: 1_000,
    maxConcurrentRuns: count,
    destination: new ScriptedDestination(async (rows, request) => {
      await request.permit({ rowsStaged: await drainRows(rows) });
      return never();
    }),
  });
  await crashed.executor.start();
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.push((await crashed.executor.submitOrThrow("load")).id);
  await clock.advance(0);
  const store = new MemoryJobStore({ snapshot: crashed.store.snapshot() });
  const later = new ManualClock(clock.now() + 1_000);
  return { store, clock: later, ids };
}

describe("recovery", () => {
  for (const [count, leaseMs] of [
    [16, 10_000],
    [48, 30_000],
  ] as const) {
    it(`of ${count} commits whose destination hangs lets start() end, lease ${leaseMs} ms`, async () => {
      const { store, clock } = await committingRuns(count);
      const destination = new ScriptedDestination(writeWell);
      let asked = 0;
      destination.settleCommit = () => ((asked += 1), never());
      const { executor } = harness({ destination, store, clock, leaseMs });
      const starting = executor.start();
      const ended = await settledWithin(clock, 600_000, starting);
      expect({ ended, asked }).toEqual({ ended: true, asked: count });
    });
  }

  it("of two executors agrees in the end, although settling takes longer than a lease", async () => {
    const { store, clock, ids } = await committingRuns(1);
    await store.open({ clock });
    const slow = () =>
      new Promise<Settlement>((resolve) => {
        clock.after(7_000, () =>
          resolve({ state: "committed", receipt: { commitId: ids[0] ?? "", rowsWritten: 3, snapshotId: null } }),
        );
      });
    const executors = [0, 1].map(() => {
      const destination = new ScriptedDestination(writeWell);
      destination.settleCommit = slow;
      return harness({ destination, store, clock, leaseMs: 5_000 }).executor;
    });
    const starting = Promise.all(
      executors.map(async (executor, index) => {
        await new Promise<void>((resolve) => clock.after(index * 5_500, resolve));
        await executor.start();
      }),
    );
    for (let s = 0; s < 240; s += 1) await clock.advance(500);
    await starting;
    expect((await store.getRun(ids[0] ?? ""))?.status).toBe("succeeded");
  });

  it("does not take over the executor's own live run after a stall of the event loop", async () => {
    const gate = new Gate();
    let starts = 0;
    const play: Play = async function* ({ signal }) {
      starts += 1;
      await gate.pass(signal);
      yield* rowsOf(3)({ signal, query: undefined as never });
    };
    const { executor, clock } = harness({ plays: { "select 1": play }, leaseMs: 30_000, maxConcurrentRuns: 1 });
    await executor.start();
    await clock.advance(25_000);
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    // The loop stands still for 35 s: both the sweep and the renewal are overdue, the sweep first.
    clock.jumpTo(clock.now() + 35_000);
    await clock.advance(0);
    gate.open();
    await clock.advance(1_000);
    expect(starts).toBe(1);
    expect(await handle.result()).toMatchObject({ status: "succeeded", recoveries: 0, attempt: 1 });
    await executor.stop();
  });
});
