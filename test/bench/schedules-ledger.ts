import { JobExecutor, type JobStore } from "millrace";
import { SqliteJobStore } from "millrace/sqlite";
import { NO_OP, type NoOpDestination, NoOpEngine } from "./no-op-work.js";
import { postgresStore } from "./postgres-systems.js";

/** Where a ledger is: a file, or a database. */
export type BenchLedger = { readonly sqlite: string } | { readonly postgres: string };

/** What a process that fires is told. */
export type FiringCommand = "start" | "stop";

/** How many runs it has carried out; first said when it is ready to start. */
export interface FiringReport {
  readonly commits: number;
}

/** A store of its own for whoever asks. */
export function ledgerOf(ledger: BenchLedger): JobStore {
  if ("sqlite" in ledger) return new SqliteJobStore({ path: ledger.sqlite });
  return postgresStore(ledger.postgres, { poolSize: 10 });
}

export function firingExecutor(store: JobStore, destination: NoOpDestination): JobExecutor {
  return new JobExecutor({
    engine: new NoOpEngine(),
    store,
    connections: { out: destination.connection() },
    jobs: [NO_OP],
    maxConcurrentRuns: 500,
  });
}
