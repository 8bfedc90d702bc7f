import { getEventListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/adapters/system/system-clock.js";
import { defineJob } from "../../src/jobs/define-job.js";
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
        if (n % 100 === 0) await store.pruneRuns({ olderThanMs: -1e9, limit: 1_000 });
      }
      await store.pruneRuns({ olderThanMs: -1e9, limit: 100_000 });
      gc();
      return process.memoryUsage().heapUsed;
    };
    await batch(1_500);
    // What is kept of each run shows in every round; compiled code and the like are kept once.
    const heap = [await batch(2_000)];
    for (let round = 0; round < 3; round += 1) heap.push(await batch(2_000));
    const growth = heap.slice(1).map((size, round) => (size - (heap[round] as number)) / 2_000);
    expect(Math.min(...growth), `bytes kept of each run: ${growth.join(", ")}`).toBeLessThan(50);
    expect(getEventListeners(app.signal, "abort").length).toBeLessThan(2);
    await executor.stop();
  });

  it("does not keep the secrets of runs that have ended, whoever ended them", { timeout: 60_000 }, async () => {
    const job = defineJob({
      name: "secretive",
      query: "select {token}",
      params: { token: { type: "VARCHAR", secret: true } },
      destination: { table: "out.t" },
    });
    for (const how of ["deadline", "another owner"] as const) {
      const { executor, store, clock } = harness({ jobs: [job] });
      await executor.start();
      gc();
      const before = process.memoryUsage().heapUsed;
      for (let n = 0; n < 400; n += 1) {
        // Flat: a padded text would share its pieces with all others.
        const token = Buffer.alloc(200_000, `${n}-`).toString("latin1");
        const startDeadline = new Date(clock.now() + 1);
        const runAt = new Date(clock.now() + 2);
        const handle = await executor.submitOrThrow(
          "secretive",
          { token },
          how === "deadline" ? { startDeadline, runAt } : { runAt },
        );
        if (how === "deadline") await clock.advance(1_000);
        else await store.requestCancel(handle.id, "by another process");
        expect((await handle.get())?.finishedAt).not.toBeNull();
      }
      await clock.advance(31_000);
      gc();
      const grown = process.memoryUsage().heapUsed - before;
      expect(grown, how).toBeLessThan(20e6);
      await executor.stop();
    }
  });
});
