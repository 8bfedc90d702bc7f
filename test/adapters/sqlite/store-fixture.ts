import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import {
  SqliteJobStore,
  type SqliteLedgerFile,
  type SqliteLedgerOptions,
} from "../../../src/adapters/sqlite/sqlite-job-store.js";
import { EXECUTION_DEFAULTS, type ExecutionPolicy } from "../../../src/model/job-definition.js";
import type { CreatedRun, JobRun, NewRun } from "../../../src/model/run.js";
import type { JobStore, StoreContext } from "../../../src/ports/job-store.js";
import { ManualClock } from "../../../src/testing/manual-clock.js";

/** A ledger in a folder of its own. What was opened through it is closed with it. */
export interface LedgerFile extends AsyncDisposable {
  readonly folder: string;
  readonly path: string;
  readonly clock: ManualClock;
  /** Another store on the same file, open. */
  store(context?: Partial<StoreContext> & SqliteLedgerOptions & Partial<SqliteLedgerFile>): Promise<SqliteJobStore>;
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
    store: async (options = {}) => {
      const store = new SqliteJobStore({ path, ...options });
      await store.open({ clock, ...options });
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

export function newRun(id: string, parts: Partial<NewRun> = {}, execution: Partial<ExecutionPolicy> = {}): NewRun {
  return {
    id,
    jobName: "job",
    definitionHash: "h",
    definition: {
      query: "select 1",
      parameters: [],
      destination: { table: "m.t", mode: { kind: "append" } },
      execution: { ...EXECUTION_DEFAULTS, ...execution },
    },
    parameters: {},
    priority: 0,
    idempotencyKey: null,
    connections: ["m"],
    concurrencyKey: null,
    redriveOf: null,
    runAt: null,
    startDeadline: null,
    ...parts,
  };
}

/** Stores one run. */
export async function create(store: JobStore, run: NewRun): Promise<CreatedRun> {
  const [created] = await store.createRuns([run]);
  if (!created) throw new Error("The store gave no result.");
  return created;
}

/** Claims with a lease of a minute. */
export function claim(store: JobStore, limit = 10): Promise<readonly JobRun[]> {
  return store.claimRuns({ owner: "worker", limit, leaseMs: 60_000 });
}

export function takeOver(store: JobStore, limit = 10): Promise<readonly JobRun[]> {
  return store.claimExpired({ owner: "heir", limit, leaseMs: 60_000 });
}

/** Resolves when so many wait for the clock. */
export async function somebodyWaits(clock: ManualClock, waiting = 1): Promise<void> {
  while (clock.pending < waiting) await new Promise((resolve) => setImmediate(resolve));
}
