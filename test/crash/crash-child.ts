// A process that submits runs and dies, stops or is killed on the way. Started by crash-trial.ts.
import { DuckDBEngine } from "../../src/adapters/duckdb/entry.js";
import { SqliteJobStore } from "../../src/adapters/sqlite/entry.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { crashingConnection, crashingStore, type CrashPoint } from "../../src/testing/crash-points.js";
import { crashJob } from "./crash-job.js";
import { CRASH_CONNECTIONS, type CrashDestinationName } from "./destinations/crash-connections.js";

/** What the parent tells its child, as JSON in the first argument. */
export interface CrashPlan {
  readonly ledger: string;
  readonly destination: CrashDestinationName;
  /** Where the destination's data is. */
  readonly folder: string;
  readonly leaseMs: number;
  /** The rows of each run that is submitted. */
  readonly rows: readonly number[];
  /** Where to die or to stop; null: the parent kills at a time of its own. */
  readonly point: CrashPoint | null;
  readonly signal: "SIGKILL" | "SIGSTOP";
}

const plan = JSON.parse(process.argv[2] ?? "") as CrashPlan;
let reached = false;
const act = async (): Promise<void> => {
  // Once: a process that stopped, was woken and stopped again would hold its locks for ever.
  if (reached) return;
  reached = true;
  await new Promise((resolve) => process.send?.({ reached: plan.point }, resolve));
  process.kill(process.pid, plan.signal);
};
const points = plan.point === null ? {} : { [plan.point]: act };

const executor = new JobExecutor({
  engine: new DuckDBEngine({ threads: 1 }),
  store: crashingStore(new SqliteJobStore({ path: plan.ledger }), points),
  connections: { out: crashingConnection(CRASH_CONNECTIONS[plan.destination](plan.folder), points) },
  jobs: [crashJob],
  leaseMs: plan.leaseMs,
  maxConcurrentRuns: 2,
});
await executor.start();
const handles = [];
for (const [index, rows] of plan.rows.entries()) {
  const handle = await executor.submitOrThrow("crash", { tag: `${process.pid}-${index}`, rows });
  process.send?.({ submitted: handle.id });
  handles.push(handle);
}
await Promise.all(handles.map((handle) => handle.result()));
await executor.stop();
process.disconnect?.();
