import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { SequentialIds } from "../../src/testing/sequential-ids.js";
import { LeaseKeeper } from "../../src/runs/lease-keeper.js";
import { RunLedger } from "../../src/runs/run-ledger.js";
import { harness, recordingLogger } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { reachedStore } from "../support/reached-store.js";
import { drainRows, ScriptedDestination, writeWell } from "../support/scripted-destination.js";
import { idBatch, type Play } from "../support/stub-engine.js";

const LEASE_MS = 3_000;

/** A worker whose process can be paused: its own clock stands still, and jumps when it wakes. The ledger's goes on. */
async function pausable(options: { plays?: Record<string, Play>; commits?: string[] } = {}) {
  const ledgerClock = new ManualClock();
  const ledger = new MemoryJobStore();
  await ledger.open({ clock: ledgerClock });
  const way = reachedStore(ledger);
  const own = new ManualClock();
  const { commits = [] } = options;
  const destination = new ScriptedDestination(async (rows, request) => {
    const rowsStaged = await drainRows(rows);
    const permit = await request.permit({ rowsStaged });
    commits.push(request.commitId);
    return permit.committed();
  });
  const paused = harness({ store: way.store, clock: own, destination, leaseMs: LEASE_MS, ...options });
  const other = harness({
    store: reachedStore(ledger).store,
    clock: ledgerClock,
    ids: new SequentialIds("other"),
    destination: new ScriptedDestination(writeWell),
    leaseMs: LEASE_MS,
  });
  const pass = async (ms: number) => {
    await ledgerClock.advance(ms);
    own.jumpTo(own.now() + ms);
  };
  return { ledger, ledgerClock, own, way, paused, other, pass, destination, commits };
}

describe("a process that was paused past its lease", () => {
  for (const takenOver of [true, false]) {
    it(`between the ledger's answer and its permit, its run ${takenOver ? "" : "not "}taken over`, async () => {
      const { way, own, paused, other, pass, commits } = await pausable();
      await paused.executor.start();
      const answered = new Gate();
      way.onTheWayBack = (method) => (method === "transition" ? answered.pass() : Promise.resolve());
      const handle = await paused.executor.submitOrThrow("load");
      await answered.reached;
      await pass(LEASE_MS);
      if (takenOver) expect((await other.executor.start()).recovered).toMatchObject({ retrying: 1 });
      way.onTheWayBack = null;
      answered.open();
      await own.advance(1_000);
      expect(commits).toEqual(takenOver ? [] : [handle.id]);
      expect(await handle.result()).toMatchObject({ status: "succeeded", recoveries: takenOver ? 1 : 0 });
      await paused.executor.stop();
      if (takenOver) await other.executor.stop();
    });
  }

  it("while its query ran: lets go as soon as it wakes", async () => {
    const gate = new Gate();
    const rows: Play = async function* ({ signal }) {
      await gate.pass(signal);
      yield idBatch([1]);
    };
    const { own, paused, other, pass, ledger, commits } = await pausable({ plays: { "select 1": rows } });
    await paused.executor.start();
    const handle = await paused.executor.submitOrThrow("load");
    await gate.reached;
    await pass(LEASE_MS);
    await other.executor.start();
    expect(await other.executor.handle(handle.id).result()).toMatchObject({ status: "succeeded", recoveries: 1 });
    const ended = await ledger.getRun(handle.id);
    await own.advance(1_000);
    expect(paused.engine.open_).toBe(0);
    expect(await ledger.getRun(handle.id)).toEqual(ended);
    expect(commits).toEqual([]);
    await paused.executor.stop();
    await other.executor.stop();
  });
});

describe("leases", () => {
  it("of all attempts are renewed by one timer, three times within their length", async () => {
    const gate = new Gate();
    const rows: Play = async function* ({ signal }) {
      await gate.pass(signal);
      yield idBatch([1]);
    };
    const way = reachedStore(new MemoryJobStore());
    const { executor, clock } = harness({ store: way.store, plays: { "select 1": rows }, maxConcurrentRuns: 50 });
    await executor.start();
    await clock.advance(100);
    const idle = clock.pending;
    for (let n = 0; n < 50; n += 1) await executor.submitOrThrow("load");
    await gate.reached;
    await clock.advance(100);
    // Each attempt waits for its query without a timer of its own.
    expect(clock.pending).toBe(idle + 1);
    way.calls.length = 0;
    await clock.advance(30_000);
    expect(way.calls.filter((method) => method === "renewLease")).toHaveLength(3 * 50);
    gate.open();
    await executor.stop();
  });
});

describe("10,000 runs whose owner died", () => {
  it("are taken over in bounded steps", { timeout: 60_000 }, async () => {
    const ledger = new MemoryJobStore();
    const clock = new ManualClock();
    await ledger.open({ clock });
    const submitter = harness({ store: ledger, clock, ids: new SequentialIds("s"), role: "submit" });
    await submitter.executor.start();
    const { executor } = submitter;
    for (let n = 0; n < 10; n += 1) {
      await executor.submitMany(Array.from({ length: 1_000 }, () => ({ name: "load" as const })));
    }
    await ledger.claimRuns({ owner: "dead", limit: 10_000, leaseMs: 1_000 });
    clock.jumpTo(clock.now() + 1_000);
    const limits: number[] = [];
    let mostAtOnce = 0;
    let atOnce = 0;
    const claimExpired = ledger.claimExpired.bind(ledger);
    ledger.claimExpired = (claim) => (limits.push(claim.limit), claimExpired(claim));
    const transition = ledger.transition.bind(ledger);
    ledger.transition = async (id, change, events) => {
      atOnce += change.countRecovery === true ? 1 : 0;
      mostAtOnce = Math.max(mostAtOnce, atOnce);
      const outcome = await transition(id, change, events);
      atOnce -= change.countRecovery === true ? 1 : 0;
      return outcome;
    };
    const worker = harness({
      store: ledger,
      clock,
      ids: new SequentialIds("w"),
      destination: new ScriptedDestination(writeWell),
      maxConcurrentRuns: 100,
    });
    expect((await worker.executor.start()).recovered).toMatchObject({ retrying: 10_000 });
    expect(Math.max(...limits)).toBe(64);
    expect(mostAtOnce).toBeLessThanOrEqual(64);
    await worker.executor.stop({ mode: "cancel" });
    await executor.stop();
  });
});

describe("a process whose clock is set", () => {
  for (const byMs of [-60_000, 60_000]) {
    it(`${byMs < 0 ? "back" : "ahead"} by a minute renews its leases as before`, async () => {
      const ledgerClock = new ManualClock();
      const ledger = new MemoryJobStore();
      await ledger.open({ clock: ledgerClock });
      let offsetMs = 0;
      const clock = {
        now: () => ledgerClock.now() + offsetMs,
        after: (delayMs: number, fire: () => void) => ledgerClock.after(delayMs, fire),
      };
      const gate = new Gate();
      const way = reachedStore(ledger);
      const { executor } = harness({
        store: way.store,
        clock,
        plays: {
          "select 1": async function* ({ signal }) {
            await gate.pass(signal);
            yield idBatch([1]);
          },
        },
        leaseMs: LEASE_MS,
      });
      await executor.start();
      const handle = await executor.submitOrThrow("load");
      await gate.reached;
      // A sweep renews them too; the next one is far.
      way.calls.length = 0;
      while (!way.calls.includes("claimExpired")) await ledgerClock.advance(10);
      offsetMs = byMs;
      way.calls.length = 0;
      await ledgerClock.advance(LEASE_MS / 2);
      expect(way.calls).toContain("renewLease");
      gate.open();
      await ledgerClock.advance(0);
      expect(await handle.get()).toMatchObject({ status: "succeeded", recoveries: 0 });
      await executor.stop();
    });
  }
});

describe("a renewal that is never answered", () => {
  it("does not hold a permit up", async () => {
    const clock = new ManualClock();
    const ledger = new MemoryJobStore();
    await ledger.open({ clock });
    const way = reachedStore(ledger);
    const silence = new Gate();
    const services = { ledger: new RunLedger(way.store), clock, logger: recordingLogger().logger };
    const leases = new LeaseKeeper({ ...services, owner: "o", leaseMs: 300 });
    way.onTheWay = () => silence.pass();
    const first = leases.keep({ runId: "a", epoch: 1 }, clock.now());
    const asked = first.renew();
    clock.jumpTo(clock.now() + 300);
    expect(await first.isHeld()).toBe(false);
    const second = leases.keep({ runId: "b", epoch: 1 }, clock.now() - 300);
    const held = Promise.resolve(second.isHeld());
    await clock.advance(10_000);
    expect(await held).toBe(false);
    leases.stop();
    silence.open();
    await asked;
  });
});
