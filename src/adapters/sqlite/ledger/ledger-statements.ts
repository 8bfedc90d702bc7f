import type { Database } from "better-sqlite3";
import type * as kyselyModule from "kysely";
import { claimStatements } from "./claim-statements.js";
import { runStatements } from "./run-statements.js";
import { scheduleStatements } from "./schedule-statements.js";
import { StatementMaker } from "./statements.js";

export type LedgerStatements = ReturnType<typeof ledgerStatements>;

/** Every statement of a ledger. */
export function ledgerStatements(database: Database, prefix: string, kysely: typeof kyselyModule) {
  const maker = new StatementMaker(database, prefix, kysely);
  return {
    ...runStatements(maker),
    ...claimStatements(maker),
    ...scheduleStatements(maker),
    begin: maker.bare("begin"),
    beginImmediate: maker.bare("begin immediate"),
    commit: maker.bare("commit"),
    rollback: maker.bare("rollback"),
    savepoint: maker.bare("savepoint act"),
    release: maker.bare("release act"),
    rollbackToSavepoint: maker.bare("rollback to act"),
    savepointOfChange: maker.bare("savepoint change"),
    releaseChange: maker.bare("release change"),
    rollbackToChange: maker.bare("rollback to change"),
    /** Rises when another connection has changed the file. */
    dataVersion: maker.bare<{ readonly data_version: number }>("pragma data_version"),
    /** Rises with each change of any table's columns or indexes. */
    schemaVersion: maker.bare<{ readonly schema_version: number }>("pragma schema_version"),
  };
}
