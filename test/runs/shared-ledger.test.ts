import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { memory } from "../../src/adapters/memory/memory-connection.js";
import type { ExecutorEvent } from "../../src/runs/executor-events.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { SequentialIds } from "../../src/testing/sequential-ids.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { reachedStore, type ReachedStore } from "../support/reached-store.js";
import { drainRows, ScriptedDestination, writeWell } from "../support/scripted-destination.js";
import { idBatch, type Play } from "../support/stub-engine.js";

type HarnessOptions = NonNullable<Parameters<typeof harness>[0]>;

/** Several executors, as in several processes: nothing but the ledger is shared, and nothing tells one of the other. */
async function sharedLedger() {
  const clock = new ManualClock();
  const ledger = new MemoryJobStore();
  await ledger.open({ clock });
  const out = memory();
  let made = 0;
  const join = (options: HarnessOptions = {}) => {
    const way = reachedStore(ledger);
    const ids = new SequentialIds(`p${(made += 1)}`);
    const joined = harness({ store: way.store, clock, ids, leaseMs: 30_000, ...options, connections: { out } });
    return { ...joined, way };
  };
  return { clock, ledger, out, join };
}

const waits = (gate: Gate): Play =>
  async function* ({ signal }) {
    await gate.pass(signal);
    yield idBatch([1]);
  };

const countOf = ({ calls }: ReachedStore, method: string) => calls.filter((called) => called === method).length;

function eventsOf(executor: { events(): AsyncIterable<ExecutorEvent> }): ExecutorEvent[] {
  const read: ExecutorEvent[] = [];
  void (async () => {
    for await (const event of executor.events()) read.push(event);
  })();
  return read;
}

describe("two executors on one ledger", () => {
  it("a cancel from the other one reaches the statement within a second, with nobody telling of it", async () => {
    const { clock, join } = await sharedLedger();
    const gate = new Gate();
    const worker = join({ plays: { "select 1": waits(gate) } });
    const other = join({ role: "submit" });
    await worker.executor.start();
    await other.executor.start();
    const handle = await other.executor.submitOrThrow("load");
    await clock.advance(1_000);
    await gate.reached;
    expect(await other.executor.cancel(handle.id, "changed my mind")).toBe("requested");
    await clock.advance(1_000);
    expect(worker.engine.open_).toBe(0);
    expect(await other.executor.getRun(handle.id)).toMatchObject({
      status: "cancelled",
      cancelRequest: { reason: "changed my mind" },
    });
    await worker.executor.stop();
    await other.executor.stop();
  });

  it("asks for wishes to cancel only while something is under way", async () => {
    const { clock, join } = await sharedLedger();
    const { executor, way } = join();
    await executor.start();
    await clock.advance(60_000);
    expect(countOf(way, "cancelRequests")).toBe(0);
    await executor.stop();
  });

  it("a store that tells is heard: of pending runs, of cancels and of news of a run", async () => {
    const { clock, join } = await sharedLedger();
    const gate = new Gate();
    const worker = join({ plays: { "select 1": waits(gate) } });
    await worker.executor.start();
    const other = join({ role: "submit" });
    await other.executor.start();
    const handle = await other.executor.submitOrThrow("load");
    worker.way.tell({ kind: "pending" });
    await gate.reached;
    const result = handle.result();
    await other.executor.cancel(handle.id);
    const asked = countOf(worker.way, "cancelRequests");
    worker.way.tell({ kind: "cancel", runId: "another" });
    await clock.advance(0);
    expect(countOf(worker.way, "cancelRequests")).toBe(asked);
    worker.way.tell({ kind: "cancel", runId: handle.id });
    await clock.advance(0);
    other.way.tell({ kind: "run", runId: handle.id });
    expect(await result).toMatchObject({ status: "cancelled" });
    await worker.executor.stop();
    await other.executor.stop();
  });

  it("hands back what it interrupts, behind its gates too, and the other one goes on", async () => {
    const { clock, out, join } = await sharedLedger();
    const gate = new Gate();
    const execution = { maxConcurrent: 1, maxAttempts: 1 };
    const first = join({ plays: { "select 1": waits(gate) }, execution });
    await first.executor.start();
    const handles = [];
    for (let n = 0; n < 3; n += 1) handles.push(await first.executor.submitOrThrow("load"));
    await gate.reached;
    const second = join({ execution });
    await second.executor.start();
    expect(await first.executor.stop({ mode: "cancel" })).toMatchObject({ handedBack: 1, unfinished: 0, failed: 0 });
    for (let n = 0; n < 10; n += 1) await clock.advance(1_000);
    for (const { id } of handles) {
      expect(await second.executor.getRun(id)).toMatchObject({ status: "succeeded", attempt: 1, recoveries: 0 });
    }
    expect(await out.rows("t")).toHaveLength(9);
    await second.executor.stop();
  });

  it("an owner that lives but whose ledger is slow is taken over; it commits nothing, and says what it lost", async () => {
    const { clock, join } = await sharedLedger();
    const gate = new Gate();
    const destination = new ScriptedDestination(async (rows, request) => {
      const rowsStaged = await drainRows(rows);
      await gate.pass();
      return (await request.permit({ rowsStaged })).committed();
    });
    const slow = join({ destination, leaseMs: 2_000 });
    const events = eventsOf(slow.executor);
    await slow.executor.start();
    const handle = await slow.executor.submitOrThrow("load");
    await gate.reached;
    const held = new Gate();
    slow.way.onTheWay = () => held.pass();
    await clock.advance(2_000);
    slow.way.onTheWay = null;
    const other = join({
      destination: new ScriptedDestination(writeWell),
      leaseMs: 2_000,
    });
    expect((await other.executor.start()).recovered).toMatchObject({ retrying: 1 });
    expect(await other.executor.handle(handle.id).result()).toMatchObject({ status: "succeeded", recoveries: 1 });
    held.open();
    gate.open();
    await clock.advance(6_000);
    expect(destination.requests).toHaveLength(1);
    expect(events.filter(({ type }) => type === "run.lease_lost")).toMatchObject([{ runId: handle.id, epoch: 1 }]);
    await slow.executor.stop();
    await other.executor.stop();
  });

  it("one whose clock is ahead or behind by 10 s takes over nothing that is alive", async () => {
    const { clock, ledger, join } = await sharedLedger();
    const gate = new Gate();
    const worker = join({ plays: { "select 1": waits(gate) }, leaseMs: 5_000 });
    await worker.executor.start();
    const handle = await worker.executor.submitOrThrow("load");
    await gate.reached;
    for (const skewMs of [10_000, -10_000]) {
      const skewed = new ManualClock(clock.now() + skewMs);
      const other = join({ clock: skewed, leaseMs: 5_000 });
      expect((await other.executor.start()).recovered).toMatchObject({ retrying: 0, inDoubt: 0 });
      for (let n = 0; n < 20; n += 1) {
        await clock.advance(500);
        await skewed.advance(500);
      }
      expect(await ledger.getRun(handle.id)).toMatchObject({ status: "running", lease: { epoch: 1 } });
      await other.executor.stop();
    }
    gate.open();
    expect(await handle.result()).toMatchObject({ status: "succeeded", recoveries: 0 });
    await worker.executor.stop();
  });
});

describe("claims", () => {
  it("take as many at once as there is room for", async () => {
    const { clock, join } = await sharedLedger();
    const submitter = join({ role: "submit" });
    await submitter.executor.start();
    for (let n = 0; n < 100; n += 1) await submitter.executor.submitOrThrow("load");
    const worker = join({ maxConcurrentRuns: 50 });
    await worker.executor.start();
    await clock.advance(5_000);
    expect(countOf(worker.way, "claimRuns")).toBeLessThan(15);
    const { runs } = await submitter.executor.listRuns({ status: "succeeded", limit: 1_000 });
    expect(runs).toHaveLength(100);
    await worker.executor.stop();
    await submitter.executor.stop();
  });

  it("that come back empty although something is due come again soon, and ever less often", async () => {
    const { clock, ledger, join } = await sharedLedger();
    const { executor, way } = join();
    const submitted = await (async () => {
      const submitter = join({ role: "submit" });
      await submitter.executor.start();
      return submitter.executor.submitOrThrow("load");
    })();
    // As when another claim holds the run's gate at every look.
    const claim = ledger.claimRuns.bind(ledger);
    ledger.claimRuns = () => Promise.resolve([]);
    ledger.nextDueAt = () => Promise.resolve(new Date(clock.now() - 1));
    await executor.start();
    await clock.advance(10_000);
    const claims = countOf(way, "claimRuns");
    expect(claims).toBeGreaterThan(10);
    expect(claims).toBeLessThan(25);
    ledger.claimRuns = claim;
    await clock.advance(1_000);
    expect(await submitted.get()).toMatchObject({ status: "succeeded" });
    await executor.stop();
  });

  it("fail runs whose start deadline passes while no worker has room", async () => {
    const { clock, join } = await sharedLedger();
    const gate = new Gate();
    const { executor } = join({ plays: { "select 1": waits(gate) }, maxConcurrentRuns: 1 });
    await executor.start();
    await executor.submitOrThrow("load");
    await gate.reached;
    const startDeadline = new Date(clock.now() + 3_500);
    const late = await executor.submitOrThrow("load", undefined, { startDeadline });
    await clock.advance(3_500);
    expect(await late.get()).toMatchObject({ status: "pending" });
    await clock.advance(100);
    expect(await late.get()).toMatchObject({ status: "failed", error: { code: "start_deadline_passed" } });
    gate.open();
    await executor.stop();
  });
});

describe("a worker without a connection that runs need", () => {
  it("leaves them to others, and says so: once for each set of connections", async () => {
    const { clock, join } = await sharedLedger();
    const destination = new ScriptedDestination(writeWell);
    const submitter = join({ destination, role: "submit" });
    await submitter.executor.start();
    const poor = join();
    const events = eventsOf(poor.executor);
    await poor.executor.start();
    const handle = await submitter.executor.submitOrThrow("load");
    await clock.advance(60_000);
    expect(await handle.get()).toMatchObject({ status: "pending", connections: ["custom"], attempt: 0 });
    expect(events).toMatchObject([{ type: "connections.missing", connections: ["custom"] }]);
    expect(poor.log.lines.filter((line) => line.includes("custom"))).toHaveLength(1);
    expect(countOf(poor.way, "missingConnections")).toBeLessThan(15);
    const rich = join({ destination });
    await rich.executor.start();
    const result = handle.result();
    await clock.advance(1_000);
    expect(await result).toMatchObject({ status: "succeeded" });
    for (const { executor } of [poor, rich, submitter]) await executor.stop();
  });

  it("says so too of a run at its commit whose owner is gone", async () => {
    const { clock, join } = await sharedLedger();
    const commit = new Gate();
    const destination = new ScriptedDestination(async (rows, request) => {
      await request.permit({ rowsStaged: await drainRows(rows) });
      await commit.pass();
      throw new Error("too late");
    });
    const poor = join();
    const events = eventsOf(poor.executor);
    await poor.executor.start();
    const owner = join({ destination });
    await owner.executor.start();
    const handle = await owner.executor.submitOrThrow("load");
    await commit.reached;
    const stopping = owner.executor.stop({ mode: "cancel", timeoutMs: 0 });
    await clock.advance(0);
    expect(await stopping).toMatchObject({ unfinished: 1 });
    expect(events).toEqual([]);
    await clock.advance(60_000);
    expect(await poor.executor.getRun(handle.id)).toMatchObject({ status: "committing" });
    expect(events).toMatchObject([{ type: "connections.missing", connections: ["custom"] }]);
    await poor.executor.stop();
  });
});
