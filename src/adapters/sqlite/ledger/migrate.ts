import type { Database } from "better-sqlite3";
import { JobError } from "../../../model/job-error.js";
import type { Migration } from "./migrations.js";
import { notALedger } from "./sqlite-failure.js";

/**
 * The version of the ledger in this file; 0 for a file that holds nothing yet. Only reads. Throws `store_incompatible`
 * for a file that holds something else, or a ledger of a newer version.
 */
export function ledgerVersion(database: Database, newest: number): number {
  const tables = database.prepare("select name from sqlite_schema where type = 'table'").pluck().all();
  if (tables.length === 0) return 0;
  if (!tables.includes("millrace_migrations"))
    throw notALedger(database.name, "is a SQLite database, but no ledger of Millrace");
  const version = database.prepare("select coalesce(max(version), 0) from millrace_migrations").pluck().get() as number;
  if (version <= newest) return version;
  throw new JobError("store_incompatible", {
    message: `The ledger ${database.name} is of version ${version}; this Millrace knows versions up to ${newest}.`,
    hint: "Use the Millrace that made it, or a newer one. A ledger is never changed back.",
  });
}

/** Brings a ledger to the newest version, in one transaction. Does nothing to one that is there. */
export function migrate(database: Database, migrations: readonly Migration[], now: number): void {
  if (ledgerVersion(database, migrations.length) === migrations.length) return;
  const bring = database.transaction(() => {
    // Once more, now that nobody else can migrate it.
    const version = ledgerVersion(database, migrations.length);
    if (version === 0) {
      database.exec(
        "create table if not exists millrace_migrations (version integer primary key, name text not null, applied_at integer not null) strict",
      );
    }
    const record = database.prepare("insert into millrace_migrations (version, name, applied_at) values (?, ?, ?)");
    for (const [index, { name, sql }] of migrations.entries()) {
      if (index < version) continue;
      database.exec(sql);
      record.run(index + 1, name, now);
    }
  });
  bring.immediate();
}
