import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import type { ExecutorEvent } from "../../src/runs/executor-events.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { harness } from "../support/executor-harness.js";
import { Gate } from "../support/gate.js";
import { lost, reachedStore } from "../support/reached-store.js";
import { idBatch, type Play } from "../support/stub-engine.js";

const waits = (gate: Gate): Play =>
  async function* ({ signal }) {
    await gate.pass(signal);
    yield idBatch([1]);
  };

function reached() {
  const way = reachedStore(new MemoryJobStore());
  const clock = new ManualClock();
  const gate = new Gate();
  const told: string[] = [];
  const tell = (message: string) => void told.push(message);
  const { executor } = harness({
    logger: { debug: () => undefined, info: () => undefined, warn: tell, error: tell },
    store: way.store,
    clock,
    plays: { "select 1": waits(gate) },
    leaseMs: 30_000,
  });
  const events: ExecutorEvent[] = [];
  void (async () => {
    for await (const event of executor.events()) events.push(event);
  })();
  const of = (type: ExecutorEvent["type"]) => events.filter((event) => event.type === type);
  return { way, clock, gate, executor, told, of };
}

describe("a ledger that is out of reach for a while", () => {
  it("is told of once, asked again at growing intervals, and found again", async () => {
    const { way, clock, gate, executor, told, of } = reached();
    await executor.start();
    gate.open();
    way.onTheWay = lost;
    way.calls.length = 0;
    await clock.advance(20_000);
    const claims = way.calls.filter((method) => method === "claimRuns").length;
    expect(claims).toBeGreaterThan(5);
    expect(claims).toBeLessThan(15);
    expect(of("store.unavailable")).toMatchObject([{ message: "connection refused" }]);
    expect(told).toHaveLength(1);
    way.onTheWay = null;
    await clock.advance(4_000);
    expect(of("store.available")).toMatchObject([{ unavailableMs: expect.any(Number) as number }]);
    expect(told).toHaveLength(2);
    const run = await (await executor.submitOrThrow("load")).result();
    expect(run.status).toBe("succeeded");
    await executor.stop();
  });

  it("costs a run that is under way nothing: it ends when the ledger answers again", async () => {
    const { way, clock, gate, executor, of } = reached();
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    const result = handle.result();
    way.onTheWay = lost;
    await clock.advance(3_000);
    gate.open();
    await clock.advance(3_000);
    way.onTheWay = null;
    for (let n = 0; n < 20; n += 1) await clock.advance(1_000);
    expect(await result).toMatchObject({ status: "succeeded", attempt: 1, recoveries: 0 });
    expect(of("run.lease_lost")).toEqual([]);
    await executor.stop();
  });

  it("for longer than the lease: the attempt is given up, told of, and made again", async () => {
    const { way, clock, gate, executor, told, of } = reached();
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    way.onTheWay = lost;
    await clock.advance(40_000);
    expect(of("run.lease_lost")).toMatchObject([{ runId: handle.id, epoch: 1 }]);
    expect(told).toEqual([expect.stringContaining("out of reach"), expect.stringContaining("no longer this worker's")]);
    gate.open();
    way.onTheWay = null;
    for (let n = 0; n < 40; n += 1) await clock.advance(1_000);
    expect(await handle.result()).toMatchObject({ status: "succeeded", recoveries: 1, attempt: 1 });
    expect(of("runs.recovered")).toMatchObject([{ retrying: 1, succeeded: 0 }]);
    await executor.stop();
  });

  it("does not answer at all: counts as out of reach, and what it gives after all is carried out", async () => {
    const { way, clock, gate, executor, of } = reached();
    await executor.start();
    gate.open();
    const silence = new Gate();
    way.onTheWayBack = (method) => (method === "claimRuns" ? silence.pass() : Promise.resolve());
    const handle = await executor.submitOrThrow("load");
    await clock.advance(12_000);
    expect(of("store.unavailable")).toHaveLength(1);
    expect(await handle.get()).toMatchObject({ status: "running" });
    way.onTheWayBack = null;
    silence.open();
    await clock.advance(5_000);
    expect(await handle.result()).toMatchObject({ status: "succeeded", attempt: 1, recoveries: 0 });
    await executor.stop();
  });

  it("answers a claim late, when others filled the room: never more runs than may be at once, the rest handed back", async () => {
    const way = reachedStore(new MemoryJobStore());
    const clock = new ManualClock();
    const gate = new Gate();
    let [now, most] = [0, 0];
    const play: Play = async function* ({ signal }) {
      most = Math.max(most, (now += 1));
      try {
        await gate.pass(signal);
        yield idBatch([1]);
      } finally {
        now -= 1;
      }
    };
    const parts = { store: way.store, clock, plays: { "select 1": play }, maxConcurrentRuns: 2, leaseMs: 60_000 };
    const { executor } = harness(parts);
    const silence = new Gate();
    await executor.start();
    await clock.advance(0);
    way.onTheWayBack = (method) => (method === "claimRuns" ? silence.pass() : Promise.resolve());
    const first = [await executor.submitOrThrow("load"), await executor.submitOrThrow("load")];
    // The answer with these two does not come.
    await clock.advance(9_000);
    way.onTheWayBack = null;
    await clock.advance(1_000);
    const second = [await executor.submitOrThrow("load"), await executor.submitOrThrow("load")];
    await clock.advance(1_000);
    expect(now).toBe(2);
    silence.open();
    await clock.advance(1_000);
    expect(now).toBe(2);
    gate.open();
    for (let n = 0; n < 5; n += 1) await clock.advance(1_000);
    for (const handle of [...first, ...second]) {
      expect(await handle.result()).toMatchObject({ status: "succeeded", attempt: 1, recoveries: 0 });
    }
    expect(most).toBe(2);
    await executor.stop();
  });

  it("does not send away who follows a run, unless it takes longer than a minute", async () => {
    const { way, clock, gate, executor } = reached();
    await executor.start();
    const handle = await executor.submitOrThrow("load");
    await gate.reached;
    way.onTheWay = (method) => (method === "getRun" || method === "readEvents" ? lost() : Promise.resolve());
    const result = handle.result();
    const types: string[] = [];
    const reading = (async () => {
      for await (const { type } of handle.events()) types.push(type);
    })();
    await clock.advance(30_000);
    way.onTheWay = null;
    gate.open();
    await clock.advance(1_000);
    expect(await result).toMatchObject({ status: "succeeded" });
    await reading;
    expect(types.at(-1)).toBe("run.succeeded");
    way.onTheWay = lost;
    const late = expect(handle.result()).rejects.toThrow("connection refused");
    await clock.advance(70_000);
    await late;
    await executor.stop();
  });
});
