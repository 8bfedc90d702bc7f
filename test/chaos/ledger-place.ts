import { PostgresJobStore } from "../../src/adapters/postgres/entry.js";
import { SqliteJobStore } from "../../src/adapters/sqlite/entry.js";
import type { JobStore } from "../../src/ports/job-store.js";

/** Where a trial's ledger is. */
export type LedgerPlace =
  { readonly kind: "sqlite"; readonly path: string } | { readonly kind: "postgres"; readonly url: string };

export function ledgerAt(place: LedgerPlace): JobStore {
  return place.kind === "sqlite" ? new SqliteJobStore({ path: place.path }) : new PostgresJobStore({ url: place.url });
}
