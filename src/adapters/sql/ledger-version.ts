import { JobError } from "../../model/job-error.js";
import { migrationTable, type LedgerDialect, type Migration } from "./ledger-migrations.js";
import type { LedgerTables } from "./ledger-schema.js";

/** Where a ledger stands. */
export interface LedgerVersion {
  /** 0: there is none yet. */
  readonly version: number;
  /** The oldest version whose library can work with it. */
  readonly oldestReader: number;
}

/**
 * Throws `store_incompatible`, naming both versions, when this library knows too little of a ledger to work with it. A
 * newer ledger that still serves older libraries is taken as it is.
 */
export function refuseNewer(ledger: string, { version, oldestReader }: LedgerVersion, known: number): void {
  if (oldestReader <= known) return;
  throw new JobError("store_incompatible", {
    message: `The ledger ${ledger} is of version ${version}, which needs a Millrace that knows version ${oldestReader}; this one knows versions up to ${known}.`,
    hint: "Use the Millrace that made it, or a newer one. A ledger is never changed back.",
  });
}

/** Throws `store_incompatible`, naming both versions, when a ledger has yet to be brought up and nobody is to do it here. */
export function refuseOlder(ledger: string, { version }: LedgerVersion, known: number): void {
  if (version >= known) return;
  throw new JobError("store_incompatible", {
    message: `The ledger ${ledger} is of version ${version}; this Millrace needs version ${known}, and was told not to migrate it.`,
    hint: 'Run the statements that its migration script prints, or open the store with migrate: "run".',
  });
}

/** What brings a ledger from a version to the newest one, to be read and run by hand, in one transaction. */
export function migrationScript(
  dialect: LedgerDialect,
  tables: LedgerTables,
  migrations: readonly Migration[],
  from: number,
  now: string,
): string {
  const steps = migrations.slice(from).flatMap(({ name, oldestReader, statements }, index) => [
    ...statements,
    `insert into ${tables.migrations} (version, name, oldest_reader, applied_at)
  values (${from + index + 1}, '${name}', ${oldestReader}, ${now})`,
  ]);
  const all = [migrationTable(dialect, tables), ...steps];
  return (dialect.commitsTables === true ? all : ["begin", ...all, "commit"])
    .map((statement) => `${statement};\n`)
    .join("\n");
}
