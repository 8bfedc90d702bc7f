import type { Database } from "better-sqlite3";
import { migrationTable, type Migration } from "../../sql/ledger-migrations.js";
import type { LedgerTables } from "../../sql/ledger-schema.js";
import { refuseNewer, refuseOlder, type LedgerVersion } from "../../sql/ledger-version.js";
import { SQLITE_DIALECT } from "./sqlite-migrations.js";
import { notALedger } from "./sqlite-failure.js";

/** What a ledger's tables are called, and how they come to be. */
export interface LedgerPlan {
  readonly tablePrefix: string;
  readonly tables: LedgerTables;
  readonly migrations: readonly Migration[];
  /** `check`: somebody else brings the ledger up. */
  readonly migrate: "run" | "check";
  /** Whether the file may hold tables of others. */
  readonly besideOtherTables: boolean;
}

/**
 * Where the ledger in this file stands. Only reads. Throws `store_incompatible` for a file that holds something else, for
 * a ledger that this library knows too little of, and for an older one that it may not migrate.
 */
export function ledgerVersion(database: Database, plan: LedgerPlan): number {
  const version = foundVersion(database, plan);
  refuseNewer(database.name, version, plan.migrations.length);
  if (plan.migrate === "check") refuseOlder(database.name, version, plan.migrations.length);
  return version.version;
}

/** Brings a ledger to the newest version, in one transaction. Does nothing to one that is there, or newer. */
export function migrate(database: Database, plan: LedgerPlan, now: number): void {
  const { tables, migrations } = plan;
  if (ledgerVersion(database, plan) >= migrations.length) return;
  const bring = database.transaction(() => {
    // Once more, now that nobody else can migrate it.
    const version = ledgerVersion(database, plan);
    database.exec(migrationTable(SQLITE_DIALECT, tables));
    const record = database.prepare(
      `insert into ${tables.migrations} (version, name, oldest_reader, applied_at) values (?, ?, ?, ?)`,
    );
    for (const [index, { name, oldestReader, statements }] of migrations.entries()) {
      if (index < version) continue;
      for (const statement of statements) database.exec(statement);
      record.run(index + 1, name, oldestReader, now);
    }
  });
  bring.immediate();
}

const NONE: LedgerVersion = { version: 0, oldestReader: 0 };

function foundVersion(database: Database, { tables, besideOtherTables }: LedgerPlan): LedgerVersion {
  const found = database.prepare("select name from sqlite_schema where type = 'table'").pluck().all();
  if (!found.includes(tables.migrations)) {
    if (found.length === 0 || besideOtherTables) return NONE;
    throw notALedger(database.name, `is a SQLite database without the tables of a ledger (${tables.runs}, …)`);
  }
  const columns = database.prepare("select name from pragma_table_info(?)").pluck().all(tables.migrations);
  if (!columns.includes("oldest_reader")) {
    throw notALedger(database.name, `holds a table ${tables.migrations} that is none of a ledger`);
  }
  const version = database
    .prepare<[], LedgerVersion>(
      `select coalesce(max(version), 0) as version, coalesce(max(oldest_reader), 0) as "oldestReader" from ${tables.migrations}`,
    )
    .safeIntegers(false)
    .get();
  return version ?? NONE;
}
