import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { SqliteJobStore } from "../../src/adapters/sqlite/sqlite-job-store.js";
import type { JobStore } from "../../src/ports/job-store.js";
import { emptiedLedger } from "../adapters/mysql/ledger/emptied-ledger.js";
import { mysqlMissing } from "./mariadb-server.js";
import { ManualClock } from "../../src/testing/manual-clock.js";

/** An open store with nothing in it. */
export interface OpenStore extends AsyncDisposable {
  readonly store: JobStore;
  readonly clock: ManualClock;
}

/** The stores that random acts are tried on. That on a server is missing where there is none. */
export const JOB_STORES = {
  MemoryJobStore: () => opened(new MemoryJobStore()),
  SqliteJobStore: () => opened(new SqliteJobStore({ path: ":memory:" })),
  ...(mysqlMissing() === undefined && { MySqlJobStore: openedMysql }),
} satisfies Readonly<Record<string, () => Promise<OpenStore>>>;

async function opened(store: JobStore, clock = new ManualClock(), end?: () => Promise<void>): Promise<OpenStore> {
  await store.open({ clock });
  const close = async (): Promise<void> => {
    await store.close();
    await end?.();
  };
  return { store, clock, [Symbol.asyncDispose]: close };
}

async function openedMysql(): Promise<OpenStore> {
  const { store, clock } = await emptiedLedger();
  return opened(store, clock, () => clock.close());
}

/** Where random tests begin; printed with each, and given again by MILLRACE_SEED. */
export const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1_000_000);

/** How many of so many trials a store is given: one on a server takes a hundred times as long. */
export function trialsOf(name: string, most: number): number {
  return name === "MySqlJobStore" ? Math.ceil(most / 10) : most;
}
