import { createHash } from "node:crypto";
import { JobError } from "../../../model/job-error.js";
import type { LedgerDialect } from "../../sql/ledger-migrations.js";
import { ledgerTables, type LedgerTables } from "../../sql/ledger-schema.js";

export const POSTGRES_DIALECT: LedgerDialect = {
  autoNumber: "bigint generated always as identity primary key",
  integer: "bigint",
  real: "double precision",
  text: 'text collate "C"',
  // Each entry of an index takes as long as a tenth of all else that a step writes.
  mergesPages: true,
  // Room on each page for another version of all its rows, so that the move to committing, which touches no index, stays
  // there: at 70 every third one does not, and a step of a run takes a tenth longer on average. And a vacuum long before a fifth of the table is dead, since claims walk over the dead entries of their index.
  afterRuns: ` with (fillfactor = 50, ${vacuumAt(0.02)})`,
  afterOthers: ` with (${vacuumAt(0.05)})`,
  afterEvents: ` with (${vacuumAt(0.05)})`,
};

/** Where a ledger lies. */
export interface LedgerPlace {
  readonly schema: string;
  readonly tables: LedgerTables;
  /** What its processes tell each other on; distinct for each ledger of a database. */
  readonly channel: string;
}

export function ledgerPlace(schema: string, prefix: string): LedgerPlace {
  const name = createHash("sha256")
    .update(JSON.stringify([schema, prefix]))
    .digest("hex");
  return { schema, tables: ledgerTables(prefix), channel: `millrace_${name.slice(0, 20)}` };
}

/** Throws `invalid_definition` for a prefix that cannot begin the names of tables and indexes as it is. */
export function checkedPrefix(prefix: string): string {
  if (/^([a-z_][a-z0-9_]{0,39})?$/.test(prefix)) return prefix;
  throw new JobError("invalid_definition", {
    field: "tablePrefix",
    message: `${JSON.stringify(prefix)} is no prefix for the ledger's tables.`,
    hint: "Use at most 40 small letters, digits and underscores, not a digit first.",
  });
}

/** Throws `invalid_definition` for a name that no schema has. */
export function checkedSchema(schema: string): string {
  if (schema !== "" && schema.length <= 63 && !schema.includes("\0")) return schema;
  throw new JobError("invalid_definition", {
    field: "schema",
    message: `${JSON.stringify(schema)} is not the name of a schema.`,
    hint: "Leave it out to take the first schema of the search path.",
  });
}

function vacuumAt(share: number): string {
  return `autovacuum_vacuum_scale_factor = ${share}, autovacuum_analyze_scale_factor = ${share}`;
}
