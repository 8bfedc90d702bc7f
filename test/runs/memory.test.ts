import { getEventListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/adapters/system/system-clock.js";
import { harness } from "../support/executor-harness.js";
import { drainRows } from "../support/scripted-destination.js";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

describe("memory", () => {
  it("does not grow with the number of runs, beside the ledger", { timeout: 60_000 }, async () => {
    const { executor, store } = harness({
      clock: systemClock,
      destination: {
        capabilities: { modes: ["append"], createsTable: "by_default", commitFence: "fenced" },
        schema: () => Promise.resolve(null),
        settleCommit: () => Promise.resolve({ state: "never" }),
        write: async (rows, request) => {
          request.onProgress(1);
          const rowsStaged = await drainRows(rows);
          return (await request.permit({ rowsStaged })).committed();
        },
      },
    });
    await executor.start();
    const app = new AbortController();
    const batch = async (count: number) => {
      for (let n = 0; n < count; n += 1) {
        const handle = await executor.submitOrThrow("load", undefined, { signal: app.signal, timeoutMs: 60_000 });
        await handle.result();
        if (n % 100 === 0) await store.pruneRuns({ finishedBefore: new Date(Date.now() + 1e9), limit: 1_000 });
      }
      await store.pruneRuns({ finishedBefore: new Date(Date.now() + 1e9), limit: 100_000 });
      gc();
      return process.memoryUsage().heapUsed;
    };
    await batch(1_500);
    const before = await batch(500);
    const after = await batch(4_000);
    expect(after - before).toBeLessThan(0.5e6);
    expect(getEventListeners(app.signal, "abort").length).toBeLessThan(2);
    await executor.stop();
  });
});
