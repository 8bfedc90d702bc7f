/** A process that only works. `SIGTERM` stops it: what it has begun it ends, or hands back. */
import { JobExecutor, stopOnSignals } from "millrace";
import { DuckDBEngine } from "millrace/duckdb";
import { connections, ledger, sumUp } from "./shop.js";

const executor = new JobExecutor({
  role: "work",
  engine: new DuckDBEngine({ threads: 1 }),
  store: ledger(),
  connections: connections(),
  jobs: [sumUp],
  maxConcurrentRuns: 2,
  // Short, so that the example need not wait for long; see the guide.
  leaseMs: 2_000,
});
stopOnSignals(executor);
await executor.start();
process.send?.("ready");
