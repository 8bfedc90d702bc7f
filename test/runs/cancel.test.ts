import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import type { RunTransition } from "../../src/ports/job-store.js";
import { allEvents, harness, untilEvent } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { drainRows, ScriptedDestination, writeWell } from "../support/scripted-destination.js";
import { idBatch, type Play } from "../support/stub-engine.js";

/** A store whose move to `committing` waits at a gate, before or after it is made. */
class GatedStore extends MemoryJobStore {
  constructor(
    private readonly side: "before" | "after",
    private readonly gate: Gate,
  ) {
    super();
  }

  override async transition(id: string, change: RunTransition, events: Parameters<MemoryJobStore["transition"]>[2]) {
    const gated = change.to === "committing";
    if (gated && this.side === "before") await this.gate.pass();
    const outcome = await super.transition(id, change, events);
    if (gated && this.side === "after") await this.gate.pass();
    return outcome;
  }
}

describe("a cancel", () => {
  it("of a pending run ends it at once, and it never starts", async () => {
    const busy = new Gate();
    const waits: Play = async function* ({ signal }) {
      await busy.pass(signal);
      yield idBatch([1]);
    };
    const { executor, out } = harness({ plays: { "select 1": waits }, maxConcurrentRuns: 1 });
    await executor.start();
    const first = await executor.submitOrThrow("load");
    const second = await executor.submitOrThrow("load");
    await busy.reached;
    expect(await second.cancel("not needed")).toBe("cancelled");
    const run = await second.result();
    expect(run).toMatchObject({ status: "cancelled", attempt: 0, startedAt: null, rowsWritten: null });
    expect((await allEvents(second)).map(({ type }) => type)).toEqual(["run.pending", "run.cancelled"]);
    busy.open();
    expect(await first.result()).toMatchObject({ status: "succeeded" });
    expect(await out.rows("t")).toHaveLength(1);
    await executor.stop();
  });

  it("before the first row leaves nothing", async () => {
    const gate = new Gate();
    const waits: Play = async function* ({ signal }) {
      await gate.pass(signal);
      yield idBatch([1]);
    };
    const { executor, out, engine } = harness({ plays: { "select 1": waits } });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    expect(await handle.cancel("stop it")).toBe("requested");
    expect(await handle.result()).toMatchObject({ status: "cancelled", rowsWritten: null, error: null });
    expect(out.tables()).toEqual([]);
    expect(engine.open_).toBe(0);
    const events = await allEvents(handle);
    expect(events.map(({ type }) => type)).toEqual([
      "run.pending",
      "run.running",
      "run.cancel_requested",
      "run.cancelled",
    ]);
    expect(events.at(-1)).toMatchObject({ reason: "stop it" });
    await executor.stop();
  });

  it("between batches leaves nothing", async () => {
    const gate = new Gate();
    const waits: Play = async function* ({ signal }) {
      yield idBatch([1, 2]);
      await gate.pass(signal);
      yield idBatch([3]);
    };
    const { executor, out } = harness({ plays: { "select 1": waits } });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    expect(await handle.cancel()).toBe("requested");
    expect(await handle.result()).toMatchObject({ status: "cancelled" });
    expect(out.tables()).toEqual([]);
    await executor.stop();
  });

  it("that reaches the ledger before the permit wins: no permit, no commit", async () => {
    const gate = new Gate();
    const destination = new ScriptedDestination(writeWell);
    const { executor } = harness({ destination, store: new GatedStore("before", gate) });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    expect(await handle.cancel("just in time")).toBe("requested");
    gate.open();
    expect(await handle.result()).toMatchObject({ status: "cancelled", commitId: null, rowsWritten: null });
    expect((await allEvents(handle)).some(({ type }) => type === "run.committing")).toBe(false);
    await executor.stop();
  });

  it("that reaches the ledger after the permit loses, and is told so", async () => {
    const gate = new Gate();
    const destination = new ScriptedDestination(writeWell);
    const { executor } = harness({ destination, store: new GatedStore("after", gate) });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    expect(await handle.cancel("too late")).toBe("too_late");
    gate.open();
    expect(await handle.result()).toMatchObject({ status: "succeeded", cancelRequest: null });
    expect(destination.requests[0]?.signal.aborted).toBe(false);
    await executor.stop();
  });

  it("after the end, of an unknown run, and twice", async () => {
    const gate = new Gate();
    const waits: Play = async function* ({ signal }) {
      await gate.pass(signal);
      yield idBatch([1]);
    };
    const deaf = new Gate();
    const destination = new ScriptedDestination(async (rows, request) => {
      await drainRows(rows).catch(() => undefined);
      await deaf.pass();
      throw request.signal.reason as Error;
    });
    const { executor } = harness({ plays: { "select 1": waits }, destination });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    expect(await handle.cancel("first")).toBe("requested");
    expect(await handle.cancel("second")).toBe("requested");
    deaf.open();
    expect(await handle.result()).toMatchObject({ status: "cancelled", cancelRequest: { reason: "first" } });
    expect(await handle.cancel()).toBe("already_finished");
    expect(await executor.cancel("nobody")).toBe("unknown_run");
    expect((await allEvents(handle)).filter(({ type }) => type === "run.cancel_requested")).toHaveLength(1);
    await executor.stop();
  });

  it("is not lost when the attempt fails on its own and would be tried again", async () => {
    const gate = new Gate();
    const fails: Play = async function* () {
      await gate.pass();
      yield idBatch([1]);
      throw new Error("no luck");
    };
    // The ledger knows of the cancel, this worker does not yet: as when another process asked for it.
    const store = new MemoryJobStore();
    const { executor } = harness({ plays: { "select 1": fails }, store, execution: { maxAttempts: 3 } });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    expect(await store.requestCancel(handle.id, "from afar")).toBe("requested");
    gate.open();
    expect(await handle.result()).toMatchObject({ status: "cancelled", attempt: 1 });
    await executor.stop();
  });

  it("from another executor on the same ledger is obeyed at the next renewal", async () => {
    const gate = new Gate();
    const waits: Play = async function* ({ signal }) {
      await gate.pass(signal);
      yield idBatch([1]);
    };
    const store = new MemoryJobStore();
    const { executor, clock } = harness({ plays: { "select 1": waits }, store, leaseMs: 3_000 });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    expect(await store.requestCancel(handle.id, null)).toBe("requested");
    await clock.advance(1_000);
    expect(await handle.result()).toMatchObject({ status: "cancelled" });
    await executor.stop();
  });
});

describe("the submitter's signal", () => {
  it("cancels the run it submitted", async () => {
    const gate = new Gate();
    const waits: Play = async function* ({ signal }) {
      await gate.pass(signal);
      yield idBatch([1]);
    };
    const { executor } = harness({ plays: { "select 1": waits } });
    await executor.start();
    const abort = new AbortController();
    const handle = await executor.submitOrThrow("load", undefined, { signal: abort.signal });
    await gate.reached;
    abort.abort(new Error("the request is gone"));
    expect(await handle.result()).toMatchObject({ status: "cancelled" });
    await executor.stop();
  });

  it("refuses the submit when it was aborted before, and nothing is stored", async () => {
    const { executor } = harness();
    await executor.start();
    const refused = await executor.submit("load", undefined, { signal: AbortSignal.abort("why not") });
    expect(refused._unsafeUnwrapErr()).toMatchObject({ code: "aborted" });
    expect((await executor.listRuns()).runs).toEqual([]);
    await executor.stop();
  });
});

describe("a time-out", () => {
  it("fails the run before its commit and names the milliseconds", async () => {
    const gate = new Gate();
    const waits: Play = async function* ({ signal }) {
      await gate.pass(signal);
      yield idBatch([1]);
    };
    const { executor, clock, out } = harness({ plays: { "select 1": waits }, execution: { timeoutMs: 250 } });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    await clock.advance(249);
    expect(await handle.get()).toMatchObject({ status: "running" });
    await clock.advance(1);
    const run = await handle.result();
    expect(run).toMatchObject({ status: "failed", error: { code: "timed_out", timeoutMs: 250 } });
    expect(run.error?.message).toContain("250 ms");
    expect(out.tables()).toEqual([]);
    await executor.stop();
  });

  it("of 0 means none", async () => {
    const gate = new Gate();
    const waits: Play = async function* () {
      await gate.pass();
      yield idBatch([1]);
    };
    const { executor, clock } = harness({ plays: { "select 1": waits }, execution: { timeoutMs: 5 } });
    await executor.start();
    const handle = await executor.submitOrThrow("load", undefined, { timeoutMs: 0 });
    await gate.reached;
    await clock.advance(1_000_000);
    gate.open();
    expect(await handle.result()).toMatchObject({ status: "succeeded" });
    await executor.stop();
  });

  it("comes too late once the permit is given", async () => {
    const slow = new Gate();
    const destination = new ScriptedDestination(async (rows, request) => {
      const permit = await request.permit({ rowsStaged: await drainRows(rows) });
      await slow.pass();
      return permit.committed();
    });
    const { executor, clock } = harness({ destination, execution: { timeoutMs: 100 } });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await slow.reached;
    await clock.advance(100);
    expect(destination.requests[0]?.signal.aborted).toBe(false);
    slow.open();
    expect(await handle.result()).toMatchObject({ status: "succeeded" });
    await executor.stop();
  });

  it("is tried again when attempts are left, after a wait", async () => {
    let calls = 0;
    const gate = new Gate();
    const waits: Play = async function* ({ signal }) {
      calls += 1;
      if (calls === 1) await gate.pass(signal);
      yield idBatch([1]);
    };
    const { executor, clock } = harness({
      plays: { "select 1": waits },
      execution: { timeoutMs: 100, maxAttempts: 2, backoff: { kind: "constant", delayMs: 1_000, maxDelayMs: 9_000 } },
    });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    await clock.advance(100);
    // Jitter of the sequential ids is 0.5: three quarters of the delay.
    expect(await untilEvent(handle, "run.retrying")).toMatchObject({ nextAttemptAt: new Date(clock.now() + 750) });
    await clock.advance(749);
    expect(await handle.get()).toMatchObject({ status: "pending", error: { code: "timed_out" } });
    await clock.advance(1);
    expect(await handle.result()).toMatchObject({ status: "succeeded", attempt: 2, error: null });
    await executor.stop();
  });
});
