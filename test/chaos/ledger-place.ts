import { MySqlJobStore } from "../../src/adapters/mysql/mysql-job-store.js";
import { PostgresJobStore } from "../../src/adapters/postgres/entry.js";
import { SqliteJobStore } from "../../src/adapters/sqlite/entry.js";
import type { JobStore } from "../../src/ports/job-store.js";

/** Where a trial's ledger is. */
export type LedgerPlace =
  | { readonly kind: "sqlite"; readonly path: string }
  | { readonly kind: "postgres"; readonly url: string }
  | { readonly kind: "mysql"; readonly url: string };

export function ledgerAt(place: LedgerPlace): JobStore {
  switch (place.kind) {
    case "sqlite":
      return new SqliteJobStore({ path: place.path });
    case "postgres":
      return new PostgresJobStore({ url: place.url });
    case "mysql":
      return new MySqlJobStore({ url: place.url });
  }
}
