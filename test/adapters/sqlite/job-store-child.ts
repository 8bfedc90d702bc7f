// A process that works on a ledger until it is killed. Started by the tests of SqliteJobStore, which tell it what to do.
import { SqliteJobStore } from "../../../src/adapters/sqlite/sqlite-job-store.js";
import { systemClock } from "../../../src/adapters/system/system-clock.js";
import { isJobError } from "../../../src/model/job-error.js";
import type { NewRun } from "../../../src/model/run.js";

const [path = "", task = ""] = process.argv.slice(2);
const store = new SqliteJobStore({ path });
const owner = `child-${process.pid}`;

function tell(message: object): Promise<void> {
  return new Promise((resolve) => void process.send?.(message, () => resolve()));
}

function newRun(id: string): NewRun {
  const execution = { timeoutMs: 0, maxAttempts: 1, maxRecoveries: 3, priority: 0 };
  return {
    id,
    jobName: "child",
    definitionHash: "h",
    definition: {
      query: "select 1",
      parameters: [],
      destination: { table: "m.t", mode: { kind: "append" } },
      execution: { ...execution, backoff: { kind: "constant", delayMs: 1, maxDelayMs: 1 } },
    },
    parameters: { id },
    priority: 0,
    idempotencyKey: null,
    runAt: null,
    startDeadline: null,
  };
}

/** Takes runs through their lives, in several lanes, and tells each answer. */
async function work(lane: number): Promise<void> {
  for (let count = 0; ; count += 1) {
    const { run } = await store.createRun(newRun(`${process.pid}-${lane}-${count}`));
    await tell({ id: run.id, status: "pending" });
    for (const claimed of await store.claimRuns({ owner, limit: 1, leaseMs: 60_000 })) {
      const { id, lease } = claimed;
      const epoch = lease?.epoch ?? 0;
      await tell({ id, status: "running" });
      await store.transition(id, { from: "running", to: "committing", epoch, commitId: id }, [
        { type: "run.committing", commitId: id, rowsStaged: 1 },
      ]);
      await tell({ id, status: "committing" });
      await store.transition(id, { from: "committing", to: "succeeded", epoch, rowsWritten: 1 }, [
        { type: "run.succeeded", rowsWritten: 1, snapshotId: null },
      ]);
      await tell({ id, status: "succeeded" });
    }
  }
}

/** Claims until nothing is left, and tells what it got. */
async function claimAll(): Promise<void> {
  const claimed: string[] = [];
  for (;;) {
    const runs = await store.claimRuns({ owner, limit: 3, leaseMs: 60_000 });
    if (runs.length === 0) break;
    claimed.push(...runs.map(({ id }) => id));
  }
  await tell({ claimed });
}

try {
  await store.open({ clock: systemClock });
  await tell({ opened: owner });
  if (task === "work") await Promise.all([0, 1, 2].map(work));
  if (task === "claim") process.on("message", () => void claimAll());
  if (task === "hold") {
    await store.claimRuns({ owner, limit: 2, leaseMs: 60_000 });
    await tell({ holding: true });
  }
  if (task === "open") await store.close();
} catch (error) {
  await tell(
    isJobError(error) ? { failed: error.code, message: error.message, hint: error.hint } : { failed: String(error) },
  );
  process.exit(1);
}
