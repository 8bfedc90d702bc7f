import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { SqliteJobStore } from "../../../src/adapters/sqlite/sqlite-job-store.js";
import type { JobRun, NewRun } from "../../../src/model/run.js";
import type { Clock } from "../../../src/ports/clock.js";
import type { JobStore } from "../../../src/ports/job-store.js";
import type { Logger } from "../../../src/ports/logger.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";

/** A ledger in a folder of its own. What was opened through it is closed with it. */
export interface LedgerFile extends AsyncDisposable {
  readonly folder: string;
  readonly path: string;
  readonly clock: ManualClock;
  /** Another store on the same file, open. */
  store(context?: { readonly clock?: Clock; readonly logger?: Logger }): Promise<SqliteJobStore>;
  /** The file without the store. */
  database(): Database.Database;
}

export async function ledgerFile(): Promise<LedgerFile> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-ledger-"));
  const path = join(folder, "ledger.db");
  const clock = new ManualClock();
  const stores: SqliteJobStore[] = [];
  const databases: Database.Database[] = [];
  return {
    folder,
    path,
    clock,
    store: async (context = {}) => {
      const store = new SqliteJobStore({ path });
      await store.open({ clock, ...context });
      stores.push(store);
      return store;
    },
    database: () => {
      const database = new Database(path, { timeout: 0 });
      databases.push(database);
      return database;
    },
    [Symbol.asyncDispose]: async () => {
      for (const database of databases) database.close();
      for (const store of stores) await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

const execution = { timeoutMs: 0, maxAttempts: 1, maxRecoveries: 3, priority: 0 };

export function newRun(id: string, parts: Partial<NewRun> = {}): NewRun {
  return {
    id,
    jobName: "job",
    definitionHash: "h",
    definition: {
      query: "select 1",
      parameters: [],
      destination: { table: "m.t", mode: { kind: "append" } },
      execution: { ...execution, backoff: { kind: "constant", delayMs: 1, maxDelayMs: 1 } },
    },
    parameters: {},
    priority: 0,
    idempotencyKey: null,
    runAt: null,
    startDeadline: null,
    ...parts,
  };
}

/** Claims with a lease of a minute. */
export function claim(store: JobStore, limit = 10): Promise<readonly JobRun[]> {
  return store.claimRuns({ owner: "worker", limit, leaseMs: 60_000 });
}

export function takeOver(store: JobStore, limit = 10): Promise<readonly JobRun[]> {
  return store.claimExpired({ owner: "heir", limit, leaseMs: 60_000 });
}
