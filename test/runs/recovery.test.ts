import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { SequentialIds } from "../../src/testing/sequential-ids.js";
import { allEvents, harness, untilEvent } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { reachedStore } from "../support/reached-store.js";
import { drainRows, ScriptedDestination, writeWell } from "../support/scripted-destination.js";
import { idBatch, type Play } from "../support/stub-engine.js";

/** A ledger as a crash leaves it: the run was claimed by somebody who is gone. */
async function crashedLedger(
  at: "running" | "committing",
  execution: { maxRecoveries?: number; maxAttempts?: number } = {},
) {
  const clock = new ManualClock();
  const first = new Gate();
  const destination = new ScriptedDestination(async (rows, request) => {
    const rowsStaged = await drainRows(rows);
    if (at === "committing") await request.permit({ rowsStaged });
    await first.pass();
    throw new Error("gone");
  });
  const before = harness({ destination, clock, leaseMs: 1_000, execution });
  await before.executor.start();
  const { id } = await before.executor.submitOrThrow("load");
  await first.reached;
  const store = new MemoryJobStore();
  store.restore(before.store.snapshot());
  return { id, store, clock };
}

describe("recovery", () => {
  it("leaves a live lease alone, and takes over an expired one", async () => {
    const { id, store, clock } = await crashedLedger("running");
    const { executor } = harness({ destination: new ScriptedDestination(writeWell), store, clock, leaseMs: 1_000 });
    expect(await executor.start()).toEqual({
      recovered: { succeeded: 0, retrying: 0, failed: 0, cancelled: 0, inDoubt: 0 },
      badScheduleFiles: [],
    });
    expect(await executor.getRun(id)).toMatchObject({ status: "running" });
    // It looks again within a lease's time.
    await clock.advance(2_000);
    const run = await executor.handle(id).result();
    expect(run).toMatchObject({ status: "succeeded", attempt: 1, recoveries: 1, commitId: id });
    await executor.stop();
  });

  it("counts what it found at start", async () => {
    const { id, store, clock } = await crashedLedger("running");
    clock.jumpTo(clock.now() + 1_000);
    const { executor } = harness({ destination: new ScriptedDestination(writeWell), store, clock, leaseMs: 1_000 });
    expect((await executor.start()).recovered).toMatchObject({ retrying: 1, succeeded: 0 });
    expect(await executor.handle(id).result()).toMatchObject({ status: "succeeded" });
    await executor.stop();
  });

  it("finds a commit that landed, and does not run again", async () => {
    const { id, store, clock } = await crashedLedger("committing");
    clock.jumpTo(clock.now() + 1_000);
    const destination = new ScriptedDestination(writeWell);
    destination.answers.push({ state: "committed", receipt: { commitId: id, rowsWritten: 3, snapshotId: "4" } });
    const { executor } = harness({ destination, store, clock, leaseMs: 1_000 });
    expect((await executor.start()).recovered).toMatchObject({ succeeded: 1 });
    expect(await executor.getRun(id)).toMatchObject({ status: "succeeded", rowsWritten: 3, snapshotId: "4" });
    expect(destination.requests).toEqual([]);
    await executor.stop();
  });

  it("runs again under another commit id when the commit never landed", async () => {
    const { id, store, clock } = await crashedLedger("committing");
    clock.jumpTo(clock.now() + 1_000);
    const destination = new ScriptedDestination(writeWell);
    const { executor } = harness({ destination, store, clock, leaseMs: 1_000 });
    await executor.start();
    const run = await executor.handle(id).result();
    expect(destination.asked).toEqual([id]);
    expect(run).toMatchObject({ status: "succeeded", recoveries: 1 });
    expect(run.commitId).toBe(destination.requests[0]?.commitId);
    expect(run.commitId).not.toBe(id);
    const events = await allEvents(executor.handle(id));
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.find(({ type }) => type === "run.retrying")).toMatchObject({ cause: "recovered" });
    await executor.stop();
  });

  it("says so and waits when the commit is in doubt", async () => {
    const { id, store, clock } = await crashedLedger("committing");
    clock.jumpTo(clock.now() + 1_000);
    const destination = new ScriptedDestination(writeWell);
    destination.answers.push(new Error("nobody is at home"));
    const { executor } = harness({ destination, store, clock, leaseMs: 1_000 });
    expect((await executor.start()).recovered).toMatchObject({ inDoubt: 1 });
    expect(await executor.getRun(id)).toMatchObject({ status: "committing" });
    const doubt = await untilEvent(executor.handle(id), "run.commit_in_doubt");
    expect(doubt).toMatchObject({ commitId: id, reason: "nobody is at home" });
    await executor.stop();
  });

  it("leaves a run whose connection it lacks to a worker that has it", async () => {
    const { id, store, clock } = await crashedLedger("committing");
    clock.jumpTo(clock.now() + 1_000);
    const without = harness({ store, clock, leaseMs: 1_000, jobs: [] });
    expect((await without.executor.start()).recovered).toMatchObject({ inDoubt: 0 });
    expect(await without.executor.getRun(id)).toMatchObject({ status: "committing", lease: { epoch: 1 } });
    const ids = new SequentialIds("other");
    const withIt = harness({ destination: new ScriptedDestination(writeWell), store, clock, ids, leaseMs: 1_000 });
    expect((await withIt.executor.start()).recovered).toMatchObject({ retrying: 1 });
    expect(await withIt.executor.handle(id).result()).toMatchObject({ status: "succeeded" });
    await withIt.executor.stop();
    await without.executor.stop();
  });

  it("gives up after maxRecoveries", async () => {
    const { id, store, clock } = await crashedLedger("running", { maxRecoveries: 0 });
    clock.jumpTo(clock.now() + 1_000);
    const destination = new ScriptedDestination(writeWell);
    const { executor } = harness({ destination, store, clock, leaseMs: 1_000 });
    expect((await executor.start()).recovered).toMatchObject({ failed: 1 });
    expect(await executor.getRun(id)).toMatchObject({ status: "failed", error: { code: "too_many_recoveries" } });
    expect(destination.requests).toEqual([]);
    await executor.stop();
  });

  it("obeys a cancel that the dead owner had acknowledged", async () => {
    const { id, store, clock } = await crashedLedger("running");
    await store.open({ clock });
    expect(await store.requestCancel(id, "while it was dying")).toBe("requested");
    clock.jumpTo(clock.now() + 1_000);
    const { executor } = harness({ destination: new ScriptedDestination(writeWell), store, clock, leaseMs: 1_000 });
    expect((await executor.start()).recovered).toMatchObject({ cancelled: 1 });
    expect(await executor.getRun(id)).toMatchObject({
      status: "cancelled",
      cancelRequest: { reason: "while it was dying" },
    });
    await executor.stop();
  });
});

describe("an owner that paused past its lease", () => {
  it("gets no permit and writes no status", async () => {
    const gate = new Gate();
    const rows: Play = async function* () {
      yield idBatch([1]);
      await gate.pass();
    };
    const store = new MemoryJobStore();
    const slept = new ManualClock();
    const awake = new ManualClock();
    // The sleeper's own clock stands still, as its process does.
    const ledger = new MemoryJobStore();
    await ledger.open({ clock: awake });
    void store;
    const asleep = reachedStore(ledger).store;
    const first = harness({ store: asleep, clock: slept, plays: { "select 1": rows }, leaseMs: 1_000 });
    await first.executor.start();
    const handle = await first.executor.submitOrThrow("load");
    await gate.reached;
    await awake.advance(1_000);
    const second = harness({ store: ledger, clock: awake, leaseMs: 1_000 });
    await second.executor.start();
    const run = await second.executor.handle(handle.id).result();
    expect(run).toMatchObject({ status: "succeeded", recoveries: 1, rowsWritten: 3 });
    const before = await second.executor.getRun(handle.id);
    gate.open();
    await first.executor.stop({ timeoutMs: 0 });
    expect(await second.executor.getRun(handle.id)).toEqual(before);
    expect(first.out.tables()).toEqual([]);
    await second.executor.stop();
  });

  it("is told by the renewal, and lets go", async () => {
    const gate = new Gate();
    const waits: Play = async function* ({ signal }) {
      yield idBatch([1]);
      await gate.pass(signal);
    };
    const clock = new ManualClock();
    const { executor, store, engine, log } = harness({ clock, plays: { "select 1": waits }, leaseMs: 3_000 });
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    clock.jumpTo(clock.now() + 10_000);
    const [taken] = await store.claimExpired({ owner: "another", limit: 1, leaseMs: 60_000 });
    expect(taken?.id).toBe(handle.id);
    await clock.advance(1_000);
    expect(engine.open_).toBe(0);
    expect(await handle.get()).toMatchObject({ status: "running", lease: { owner: "another" } });
    expect(log.lines.join("\n")).not.toContain("defect");
    await executor.stop();
  });
});
