import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import type { NewRun } from "../../src/model/run.js";
import { allEvents, harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { idBatch, type Play } from "../support/stub-engine.js";

describe("a lost answer to the permit", () => {
  it("and no answer to the question after it: no commit, no second row, and the run ends", async () => {
    const store = new MemoryJobStore();
    const transition = store.transition.bind(store);
    const get = store.getRun.bind(store);
    let away = false;
    store.transition = async (id, change, events) => {
      const outcome = await transition(id, change, events);
      if (change.to === "committing" && !away) {
        away = true;
        throw new Error("answer lost");
      }
      return outcome;
    };
    store.getRun = (id) => (away ? ((away = true), Promise.reject(new Error("ledger away"))) : get(id));
    const { executor, clock, out } = harness({ store, leaseMs: 1_000 });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await clock.advance(0);
    store.getRun = get;
    for (let n = 0; n < 10; n += 1) await clock.advance(1_000);
    expect(await handle.result()).toMatchObject({ status: "succeeded", rowsWritten: 3 });
    expect(await out.rows("t")).toHaveLength(3);
    const events = await allEvents(handle);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    await executor.stop();
  });
});

describe("a lost answer to the storing of a run", () => {
  /** A ledger that stores every run and loses its answers. */
  function losesAnswers(): MemoryJobStore {
    const store = new MemoryJobStore();
    const create = store.createRuns.bind(store);
    store.createRuns = async (runs) => {
      await create(runs);
      throw new Error("answer lost");
    };
    return store;
  }

  it("does not turn a run that is there into a refusal", async () => {
    const { executor } = harness({ store: losesAnswers() });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    expect(handle.created).toBe(true);
    expect(await handle.result()).toMatchObject({ status: "succeeded" });
    expect((await executor.listRuns()).runs).toHaveLength(1);
    await executor.stop();
  });

  it("is told as not known when the ledger stays away, and names the run", async () => {
    const store = losesAnswers();
    const get = store.getRun.bind(store);
    let asked = 0;
    store.getRun = () => Promise.reject(new Error(`away ${(asked += 1)}`));
    const { executor, clock } = harness({ store });
    await executor.start();
    const submitting = executor.submit("load");
    await clock.advance(10_000);
    const refused = (await submitting)._unsafeUnwrapErr();
    expect(refused).toMatchObject({ code: "store_unavailable", retryable: true });
    expect(refused.message).toMatch(/nobody knows.*answer lost/);
    expect(asked).toBeLessThan(10);
    store.getRun = get;
    expect(await executor.getRun(refused.runId ?? "")).toMatchObject({ jobName: "load" });
    await executor.stop();
  });

  it("does not take another run of the same id for the new one", async () => {
    const store = new MemoryJobStore();
    const create = store.createRuns.bind(store);
    // A store that does not say which way it failed.
    store.createRuns = (runs) => create(runs).catch(() => Promise.reject(new Error("no")));
    const { executor, clock } = harness({ store, ids: { next: () => "same", random: () => 0.5 } });
    await executor.start();
    await executor.submitOrThrow("load", undefined, { idempotencyKey: "a", runAt: new Date(clock.now() + 1e6) });
    const second = executor.submit("load", undefined, { idempotencyKey: "b" });
    await clock.advance(1_000);
    expect((await second)._unsafeUnwrapErr()).toMatchObject({ code: "store_unavailable" });
    await executor.stop();
  });
});

describe("an answer that is lost while the commit is under way", () => {
  /** A ledger whose first act lands only when the next one meets it, as a database's commit may. */
  function landsLate(): MemoryJobStore {
    const store = new MemoryJobStore();
    const create = store.createRuns.bind(store);
    let underWay: readonly NewRun[] | undefined;
    let lost = false;
    store.createRuns = async (runs) => {
      if (!lost) {
        lost = true;
        underWay = runs;
        throw new Error("connection reset");
      }
      const first = underWay;
      underWay = undefined;
      if (first) await create(first);
      return create(runs);
    };
    return store;
  }

  it.each([undefined, { idempotencyKey: "k" }])("makes one run, and no refusal: %j", async (options) => {
    const { executor, out } = harness({ store: landsLate() });
    await executor.start();
    const handle = await executor.submitOrThrow("load", undefined, options);
    expect(handle.created).toBe(true);
    expect(await handle.result()).toMatchObject({ status: "succeeded" });
    expect((await executor.listRuns()).runs).toHaveLength(1);
    expect(await out.rows("t")).toHaveLength(3);
    await executor.stop();
  });

  it("tells each of a batch what became of it", async () => {
    const store = landsLate();
    const { executor, clock } = harness({ store });
    await executor.start();
    const later = { runAt: new Date(clock.now() + 1e6) };
    const items = [
      { name: "load", options: later },
      { name: "load", options: { ...later, idempotencyKey: "a" } },
      { name: "load", options: { ...later, idempotencyKey: "a" } },
      { name: "load", options: later },
    ] as const;
    const results = (await executor.submitMany(items)).map((one) => one._unsafeUnwrap());
    expect(results.map(({ created }) => created)).toEqual([true, true, false, true]);
    expect(results[2]?.id).toBe(results[1]?.id);
    expect((await executor.listRuns()).runs.map(({ id }) => id).sort()).toEqual(
      [...new Set(results.map(({ id }) => id))].sort(),
    );
    await executor.stop();
  });
});

describe("a clock that jumps backwards by an hour", () => {
  it("loses no run and no retry", async () => {
    let calls = 0;
    const gate = new Gate();
    const play: Play = async function* () {
      calls += 1;
      if (calls === 1) {
        await gate.pass();
        throw new Error("once");
      }
      yield idBatch([1]);
    };
    const { executor, clock } = harness({ plays: { "select 1": play }, execution: { maxAttempts: 2 } });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    clock.jumpTo(clock.now() - 3_600_000);
    gate.open();
    for (let n = 0; n < 4_000 && (await handle.get())?.finishedAt === null; n += 1) await clock.advance(1_000);
    expect(await handle.get()).toMatchObject({ status: "succeeded", attempt: 2 });
    await executor.stop();
  });
});
