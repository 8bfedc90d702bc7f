// A process that runs the incremental job and dies or stops on the way. Started by incremental-crash.test.ts.
import { DuckDBEngine } from "../../src/adapters/duckdb/entry.js";
import { SqliteJobStore } from "../../src/adapters/sqlite/entry.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { crashingConnection, crashingStore, type CrashPoint } from "../../src/testing/crash-points.js";
import { CRASH_CONNECTIONS, type CrashDestinationName } from "./destinations/crash-connections.js";
import { incrementalJob } from "./incremental-job.js";

/** What the parent tells its child, as JSON in the first argument. */
export interface IncrementalPlan {
  readonly ledger: string;
  readonly destination: CrashDestinationName;
  readonly folder: string;
  readonly leaseMs: number;
  readonly runs: number;
  readonly point: CrashPoint;
  /** At which of its passings. */
  readonly passing: number;
  readonly signal: "SIGKILL" | "SIGSTOP";
}

const plan = JSON.parse(process.argv[2] ?? "") as IncrementalPlan;
let passed = 0;
const act = async (): Promise<void> => {
  passed += 1;
  if (passed !== plan.passing) return;
  await new Promise((resolve) => process.send?.("reached", resolve));
  process.kill(process.pid, plan.signal);
};
const points = { [plan.point]: act };

const executor = new JobExecutor({
  engine: new DuckDBEngine({ threads: 1 }),
  store: crashingStore(new SqliteJobStore({ path: plan.ledger }), points),
  connections: { out: crashingConnection(CRASH_CONNECTIONS[plan.destination](plan.folder), points) },
  jobs: [incrementalJob],
  leaseMs: plan.leaseMs,
});
await executor.start();
const handles = await Promise.all(Array.from({ length: plan.runs }, () => executor.submitOrThrow("incremental")));
await Promise.all(handles.map((handle) => handle.result()));
await executor.stop();
process.disconnect?.();
