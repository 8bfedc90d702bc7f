import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { idBatch, type Play } from "../support/stub-engine.js";

const waits = (gate: Gate): Play =>
  async function* ({ signal }) {
    await gate.pass(signal);
    yield idBatch([1]);
  };

describe("10,000 queued runs", () => {
  it("that nobody works on yet cost the ledger no reads", async () => {
    const store = new MemoryJobStore();
    let reads = 0;
    for (const method of ["getRun", "readEvents"] as const) {
      const original = store[method].bind(store) as (...args: never[]) => Promise<never>;
      (store as unknown as Record<string, unknown>)[method] = (...args: never[]) => ((reads += 1), original(...args));
    }
    const gate = new Gate();
    const { executor, clock } = harness({ store, plays: { "select 1": waits(gate) }, maxConcurrentRuns: 1 });
    await executor.start();
    const handles = [];
    for (let n = 0; n < 200; n += 1) handles.push(await executor.submitOrThrow("load"));
    const results = handles.map((handle) => handle.result().catch(() => undefined));
    await clock.advance(0);
    reads = 0;
    await clock.advance(10_000);
    console.log({ reads });
    // The ledger is this process's own (capabilities.shared is false): nobody else can change it.
    expect(reads).toBeLessThan(200);
    const stopping = executor.stop({ mode: "cancel" });
    await clock.advance(60_000);
    await Promise.all([stopping, ...results]);
  });
});

describe("many followers", () => {
  it("of runs cause no warning of a leak", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on("warning", note);
    const gate = new Gate();
    const { executor, clock } = harness({ plays: { "select 1": waits(gate) }, maxConcurrentRuns: 1 });
    await executor.start();
    const results = [];
    for (let n = 0; n < 15; n += 1) results.push((await executor.submitOrThrow("load")).result());
    await clock.advance(0);
    gate.open();
    await Promise.all(results);
    await executor.stop();
    process.off("warning", note);
    expect(warnings.map(({ message }) => message)).toEqual([]);
  });

  it("whose run had ended leave no listener on the submitter's signal", async () => {
    const { executor } = harness();
    await executor.start();
    const app = new AbortController();
    const options = { idempotencyKey: "k", signal: app.signal };
    await (await executor.submitOrThrow("load", undefined, options)).result();
    for (let n = 0; n < 50; n += 1) await executor.submitOrThrow("load", undefined, options);
    expect(getEventListeners(app.signal, "abort")).toHaveLength(0);
    await executor.stop();
  });
});

describe("events()", () => {
  for (const after of [Number.NaN, -1, 1.5, "2"]) {
    it(`of a run that has ended comes to an end, or refuses: after ${String(after)}`, async () => {
      const { executor, clock } = harness();
      await executor.start();
      const handle = await executor.submitOrThrow("load");
      const run = await handle.result();
      const seen: number[] = [];
      let ended = false;
      const reading = (async () => {
        for await (const { seq } of handle.events({ after: after as number })) seen.push(seq);
      })().then(
        () => (ended = true),
        () => (ended = true),
      );
      await clock.advance(5_000);
      expect({ ended, doubled: seen.length !== new Set(seen).size, more: seen.length > run.lastEventSeq }).toEqual({
        ended: true,
        doubled: false,
        more: false,
      });
      await executor.stop();
      await reading;
    });
  }

  it("can be left while it waits", async () => {
    const { executor, clock } = harness();
    await executor.start();
    const handle = await executor.submitOrThrow("load", undefined, { runAt: new Date(clock.now() + 86_400_000) });
    const reader = handle.events()[Symbol.asyncIterator]();
    await reader.next();
    const waiting = reader.next();
    waiting.catch(() => undefined);
    let left = false;
    void reader.return?.().then(() => (left = true));
    await clock.advance(60_000);
    expect(left).toBe(true);
    await executor.stop();
    await waiting.catch(() => undefined);
  });

  it("before start says not_started", async () => {
    const { executor } = harness();
    const reader = executor.handle("run-1").events()[Symbol.asyncIterator]();
    await expect(reader.next()).rejects.toMatchObject({ code: "not_started" });
  });
});
