import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import type { RunTransition } from "../../src/ports/job-store.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { SequentialIds } from "../../src/testing/sequential-ids.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { lost, reachedStore } from "../support/reached-store.js";
import { sqliteFile } from "../support/sqlite-file.js";
import { idBatch, StubEngine, type Play } from "../support/stub-engine.js";

const waits = (gate: Gate): Play =>
  async function* ({ signal }) {
    await gate.pass(signal);
    yield idBatch([1]);
  };

describe("a start that failed", () => {
  it("can be tried again: connections that its clean-up closed work again", async () => {
    await using file = await sqliteFile("create table t (id integer)");
    let fails = true;
    class Moody extends StubEngine {
      override open(): Promise<void> {
        return fails ? Promise.reject(new Error("not yet")) : Promise.resolve();
      }
    }
    const { executor } = harness({
      engine: new Moody(),
      connections: { db: file.connection },
      destination: file.destination("t"),
    });
    await expect(executor.start()).rejects.toThrow("not yet");
    fails = false;
    await executor.start();
    expect(await (await executor.submitOrThrow("load")).result()).toMatchObject({ status: "succeeded" });
    await executor.stop();
  });
});

describe("a worker whose first start failed", () => {
  it("recovers, looks for runs of others and deletes old ones all the same", async () => {
    const clock = new ManualClock();
    const ledger = new MemoryJobStore();
    await ledger.open({ clock });
    const way = reachedStore(ledger);
    const gate = new Gate();
    way.onTheWay = (method) => (method === "claimExpired" ? gate.pass().then(lost) : Promise.resolve());
    const { executor } = harness({ store: way.store, clock, leaseMs: 1_000, retention: { succeededMs: 1 } });
    const starting = executor.start();
    await gate.reached;
    // It has looked for runs before the start fails.
    await clock.advance(500);
    gate.open();
    await expect(starting).rejects.toThrow("connection refused");
    way.onTheWay = null;
    await executor.start();
    await clock.advance(500);
    const submitter = harness({
      store: reachedStore(ledger).store,
      clock,
      ids: new SequentialIds("s"),
      role: "submit",
    });
    await submitter.executor.start();
    const { id } = await submitter.executor.submitOrThrow("load");
    await clock.advance(3_000);
    expect(await ledger.getRun(id)).toMatchObject({ status: "succeeded" });
    await clock.advance(90_000);
    expect(await ledger.getRun(id)).toBeUndefined();
    expect(way.calls.filter((method) => method === "claimExpired").length).toBeGreaterThan(60);
    await executor.stop();
    await submitter.executor.stop();
  });
});

describe("a stop while the ledger is out of reach", () => {
  for (const timeoutMs of [100, 1_200]) {
    it(`ends what an attempt still tries to write after ${timeoutMs} ms, and leaves no timer`, async () => {
      const gate = new Gate();
      const clock = new ManualClock();
      const way = reachedStore(new MemoryJobStore());
      const { executor } = harness({ store: way.store, clock, plays: { "select 1": waits(gate) } });
      await executor.start();
      await executor.submitOrThrow("load");
      await gate.reached;
      way.onTheWay = lost;
      gate.open();
      await clock.advance(100);
      const stopping = executor.stop({ timeoutMs });
      await clock.advance(timeoutMs);
      expect(await stopping).toMatchObject({ unfinished: 1 });
      expect(clock.pending).toBe(0);
    });
  }

  it("leaves what a late claim gives to recovery", async () => {
    const silence = new Gate();
    const clock = new ManualClock();
    const way = reachedStore(new MemoryJobStore());
    const { executor } = harness({ store: way.store, clock });
    await executor.start();
    way.onTheWayBack = (method) => (method === "claimRuns" ? silence.pass() : Promise.resolve());
    await executor.submitOrThrow("load");
    await clock.advance(12_000);
    const stopping = executor.stop({ timeoutMs: 1_000 });
    await clock.advance(12_000);
    await stopping;
    silence.open();
    await clock.advance(100);
    expect(clock.pending).toBe(0);
  });
});

describe("stop races", () => {
  it("a claim in flight is neither lost nor left running", async () => {
    for (const mode of ["drain", "cancel"] as const) {
      const gate = new Gate();
      const clock = new ManualClock();
      const store = new MemoryJobStore();
      await store.open({ clock });
      const claim = store.claimRuns.bind(store);
      let gated = false;
      store.claimRuns = async (request) => {
        const runs = await claim(request);
        if (gated) await gate.pass();
        return runs;
      };
      const { executor } = harness({ store, clock });
      await executor.start();
      gated = true;
      const handle = await executor.submitOrThrow("load");
      await gate.reached;
      let stopped = false;
      const stopping = executor.stop({ mode }).then(() => (stopped = true));
      await clock.advance(0);
      expect(stopped).toBe(false);
      gate.open();
      await clock.advance(10);
      await stopping;
      expect((await store.getRun(handle.id))?.status).toMatch(/succeeded|pending/);
    }
  });

  it("a submit in flight is refused, or stored for the next executor", async () => {
    const clock = new ManualClock();
    const store = new MemoryJobStore();
    await store.open({ clock });
    const gate = new Gate();
    const create = store.createRuns.bind(store);
    store.createRuns = async (runs) => {
      await gate.pass();
      return create(runs);
    };
    const { executor } = harness({ store, clock });
    await executor.start();
    const submitting = executor.submit("load");
    await gate.reached;
    await executor.stop();
    gate.open();
    const submitted = await submitting;
    expect((await store.listRuns({})).runs).toHaveLength(submitted.isOk() ? 1 : 0);
  });

  it("stop() while the permit is asked for does not undo the commit, and reports it", async () => {
    const gate = new Gate();
    class Slow extends MemoryJobStore {
      override async transition(
        id: string,
        change: RunTransition,
        events: Parameters<MemoryJobStore["transition"]>[2],
      ) {
        const outcome = await super.transition(id, change, events);
        if (change.to === "committing") await gate.pass();
        return outcome;
      }
    }
    const store = new Slow();
    const clock = new ManualClock();
    await store.open({ clock });
    const { executor, out } = harness({ store, clock });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    const stopping = executor.stop({ mode: "cancel" });
    await clock.advance(0);
    gate.open();
    expect(await stopping).toMatchObject({ succeeded: 1, handedBack: 0 });
    expect(await store.getRun(handle.id)).toMatchObject({ status: "succeeded" });
    expect(await out.rows("t")).toHaveLength(3);
  });
});
