import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { SqliteJobStore } from "../../src/adapters/sqlite/sqlite-job-store.js";
import type { JobStore } from "../../src/ports/job-store.js";
import { ManualClock } from "../../src/testing/manual-clock.js";

/** An open store with nothing in it. */
export interface OpenStore extends AsyncDisposable {
  readonly store: JobStore;
  readonly clock: ManualClock;
}

/** The stores that random acts are tried on. */
export const JOB_STORES = {
  MemoryJobStore: () => opened(new MemoryJobStore()),
  SqliteJobStore: () => opened(new SqliteJobStore({ path: ":memory:" })),
} satisfies Readonly<Record<string, () => Promise<OpenStore>>>;

async function opened(store: JobStore): Promise<OpenStore> {
  const clock = new ManualClock();
  await store.open({ clock });
  return { store, clock, [Symbol.asyncDispose]: () => store.close() };
}

/** Where random tests begin; printed with each, and given again by MILLRACE_SEED. */
export const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1_000_000);
