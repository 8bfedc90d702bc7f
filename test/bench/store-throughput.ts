import { performance } from "node:perf_hooks";
import { randomUUID } from "node:crypto";
import { systemClock, type JobStore, type NewRun } from "millrace";
import { median } from "./figure.js";

const ROUNDS = 3;
const CHUNK = 500;
const OWNER = "bench";
const LEASE_MS = 600_000;

/**
 * Runs per second that a store alone brings from `pending` to `succeeded`, in the four acts of a run: createRuns, claimRuns,
 * the move to `committing`, the move to `succeeded`. Median of rounds, each on empty storage.
 */
export async function storeRunsPerSecond(makeStore: () => Promise<JobStore>, runs: number): Promise<number> {
  const rates: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const store = await makeStore();
    await store.open({ clock: systemClock });
    const count = round === 0 ? Math.ceil(runs / 5) : runs;
    const from = performance.now();
    for (let done = 0; done < count; done += CHUNK) await bringThrough(store, Math.min(CHUNK, count - done));
    const seconds = (performance.now() - from) / 1_000;
    await store.close();
    if (round > 0) rates.push(count / seconds);
  }
  return median(rates);
}

async function bringThrough(store: JobStore, count: number): Promise<void> {
  await store.createRuns(Array.from({ length: count }, newRun));
  const claimed = await store.claimRuns({ owner: OWNER, limit: count, leaseMs: LEASE_MS });
  if (claimed.length !== count) throw new Error(`${claimed.length} runs were claimed instead of ${count}`);
  await Promise.all(
    claimed.map(async ({ id, lease }) => {
      const epoch = lease?.epoch ?? Number.NaN;
      const toCommit = { from: "running", to: "committing", epoch, commitId: id, unlessCancelRequested: true } as const;
      const first = await store.transition(id, toCommit, [{ type: "run.committing", commitId: id, rowsStaged: 0 }]);
      const toEnd = { from: "committing", to: "succeeded", epoch, rowsWritten: 0 } as const;
      const last = await store.transition(id, toEnd, [{ type: "run.succeeded", rowsWritten: 0, snapshotId: null }]);
      if (!first.moved || !last.moved) throw new Error(`run ${id} did not move`);
    }),
  );
}

/** A run as the executor would submit it. */
export function newRun(): NewRun {
  return {
    id: randomUUID(),
    jobName: "no_op",
    definitionHash: "0".repeat(64),
    definition: {
      query: "select no_op",
      parameters: [],
      destination: { table: "out.t", mode: { kind: "append" } },
      execution: {
        timeoutMs: 0,
        maxAttempts: 1,
        retryOn: "retryable",
        maxRecoveries: 3,
        backoff: { kind: "exponential", delayMs: 1_000, maxDelayMs: 300_000, jitter: 0.5 },
        priority: 0,
        maxConcurrent: 0,
        concurrencyKey: null,
        maxConcurrentPerKey: 1,
      },
    },
    parameters: {},
    priority: 0,
    idempotencyKey: null,
    connections: ["out"],
    concurrencyKey: null,
    redriveOf: null,
    runAt: null,
    startDeadline: null,
  };
}
