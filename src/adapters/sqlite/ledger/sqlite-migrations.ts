import { ledgerMigrations, type LedgerDialect, type Migration } from "../../sql/ledger-migrations.js";
import type { LedgerTables } from "../../sql/ledger-schema.js";

export const SQLITE_DIALECT: LedgerDialect = {
  autoNumber: "integer primary key autoincrement",
  integer: "integer",
  real: "real",
  afterRuns: " strict",
  afterOthers: " strict",
  afterEvents: " strict, without rowid",
};

/** The table of those who opened a ledger, see `OwnerSessions`. */
function sessionTable(prefix: string): string {
  return `${prefix}sessions`;
}

/** The changes that make a ledger in SQLite: the common ones, each with what only SQLite adds to it. */
export function sqliteMigrations(prefix: string, tables: LedgerTables): readonly Migration[] {
  const own: Readonly<Record<string, readonly string[]>> = {
    "runs and events": [
      // Through which session a lease was taken; it stays when the lease ends.
      `alter table ${tables.runs} add column lease_session integer`,
      `create table ${sessionTable(prefix)} (
  id integer primary key autoincrement,
  opened_at integer not null
) strict`,
    ],
  };
  return ledgerMigrations(SQLITE_DIALECT, tables).map((step) => ({
    ...step,
    statements: [...step.statements, ...(own[step.name] ?? [])],
  }));
}
