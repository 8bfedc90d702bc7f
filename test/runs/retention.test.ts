import { describe, expect, it } from "vitest";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import type { ExecutorEvent } from "../../src/runs/executor-events.js";
import type { PruneRange } from "../../src/ports/job-store.js";
import type { ManualClock } from "../../src/testing/manual-clock.js";
import { harness } from "../support/executor-harness.js";
import { ScriptedDestination, drainRows, writeWell } from "../support/scripted-destination.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

type HarnessOptions = NonNullable<Parameters<typeof harness>[0]>;

/** An executor, what it deletes by which act, and what it tells of that. */
function pruning(options: HarnessOptions = {}) {
  const store = new MemoryJobStore();
  const ranges: PruneRange[] = [];
  const prune = store.pruneRuns.bind(store);
  store.pruneRuns = (range) => (ranges.push(range), prune(range));
  const made = harness({ store, leaseMs: 10 * DAY, ...options });
  const events: ExecutorEvent[] = [];
  void (async () => {
    for await (const event of made.executor.events()) events.push(event);
  })();
  return { ...made, ranges, events };
}

/** Moves the clock on without firing what lies between, as a long night does. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  clock.jumpTo(clock.now() + ms);
  await clock.advance(80_000);
}

describe("retention", () => {
  it("keeps cancelled runs 14 days, and failed and succeeded ones 90", async () => {
    const destination = new ScriptedDestination(async (rows, request) => {
      const rowsStaged = await drainRows(rows);
      if (destination.requests.length === 2) throw new Error("full");
      return (await request.permit({ rowsStaged })).committed();
    });
    const { executor, clock, events } = pruning({ destination });
    await executor.start();
    const succeeded = await executor.submitOrThrow("load");
    await succeeded.result();
    const failed = await executor.submitOrThrow("load");
    await failed.result();
    const cancelled = await executor.submitOrThrow("load", undefined, { runAt: new Date(clock.now() + HOUR) });
    await cancelled.cancel();
    const waiting = await executor.submitOrThrow("load", undefined, { runAt: new Date(clock.now() + 400 * DAY) });
    const left = async () => {
      const handles = { succeeded, failed, cancelled, waiting };
      const found = await Promise.all(Object.entries(handles).map(async ([name, h]) => [name, await h.get()] as const));
      return found.filter(([, run]) => run !== undefined).map(([name]) => name);
    };
    await pass(clock, 13 * DAY);
    expect(await left()).toEqual(["succeeded", "failed", "cancelled", "waiting"]);
    await pass(clock, DAY);
    expect(await left()).toEqual(["succeeded", "failed", "waiting"]);
    await pass(clock, 75 * DAY);
    expect(await left()).toEqual(["succeeded", "failed", "waiting"]);
    await pass(clock, DAY);
    expect(await left()).toEqual(["waiting"]);
    expect(events.filter(({ type }) => type === "runs.pruned")).toMatchObject([{ count: 1 }, { count: 2 }]);
    await executor.stop();
  });

  it("deletes in small steps with a pause between, and stops at once when the executor does", async () => {
    const { executor, clock, ranges, events } = pruning({
      destination: new ScriptedDestination(writeWell),
      retention: { succeededMs: HOUR, failedMs: Infinity, cancelledMs: Infinity },
      maxConcurrentRuns: 100,
    });
    await executor.start();
    const handles = [];
    for (let n = 0; n < 1_700; n += 1) handles.push(await executor.submitOrThrow("load"));
    await Promise.all(handles.map((handle) => handle.result()));
    clock.jumpTo(clock.now() + 2 * HOUR);
    await clock.advance(0);
    expect(ranges).toMatchObject([{ limit: 500, statuses: ["succeeded"] }]);
    await clock.advance(49);
    expect(ranges).toHaveLength(1);
    await clock.advance(1);
    expect(ranges).toHaveLength(2);
    await executor.stop();
    await clock.advance(600_000);
    expect(ranges).toHaveLength(2);
    expect(events.filter(({ type }) => type === "runs.pruned")).toMatchObject([{ count: 1_000 }]);
  });

  it("looks once a minute at most, and not at all when all is kept", async () => {
    const often = pruning();
    await often.executor.start();
    await often.clock.advance(600_000);
    expect(often.ranges.length).toBeGreaterThan(3 * 6);
    expect(often.ranges.length).toBeLessThanOrEqual(3 * 10);
    await often.executor.stop();
    for (const options of [{ retention: "forever" }, { role: "submit" }] as const) {
      const never = pruning(options);
      await never.executor.start();
      await never.clock.advance(600_000);
      expect(never.ranges).toEqual([]);
      await never.executor.stop();
    }
  });

  it("says once that it failed, and goes on", async () => {
    const { executor, clock, store, log, events } = pruning({ retention: { succeededMs: 1 } });
    await executor.start();
    await (await executor.submitOrThrow("load")).result();
    const prune = store.pruneRuns.bind(store);
    store.pruneRuns = () => Promise.reject(new Error("disk full"));
    await clock.advance(80_000);
    expect(log.lines.filter((line) => line.includes("disk full"))).toHaveLength(1);
    store.pruneRuns = prune;
    await clock.advance(80_000);
    expect(events).toMatchObject([{ type: "runs.pruned", count: 1 }]);
    await executor.stop();
  });
});
