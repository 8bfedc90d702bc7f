import { realpathSync } from "node:fs";
import type { Database } from "better-sqlite3";
import type * as kyselyModule from "kysely";
import { JobError } from "../../../model/job-error.js";
import type { CreatedRun, NewRun } from "../../../model/run.js";
import type { Definitions } from "../../sql/definitions.js";
import { createRuns } from "./create-runs.js";
import { runStatements } from "./run-statements.js";
import { RunStorage } from "./run-storage.js";
import { StatementMaker } from "./statements.js";

/** Stores runs through connections of the host's, each in whatever transaction that is in. */
export class HostTransactions {
  readonly #storages = new WeakMap<Database, RunStorage>();

  constructor(
    private readonly own: Database,
    /** The ledger's file; undefined for one in memory, which has no other connection. */
    private readonly file: string | undefined,
    private readonly tablePrefix: string,
    private readonly kysely: typeof kyselyModule,
    private readonly definitions: Definitions,
  ) {}

  /** All of the runs or, when it throws, none, whatever the host makes of the error. */
  create(connection: unknown, runs: readonly NewRun[], now: number): readonly CreatedRun[] {
    const database = this.#checked(connection);
    const storage = this.#storageIn(database);
    database.exec("savepoint millrace_runs");
    try {
      const created = createRuns(storage, runs, now);
      database.exec("release millrace_runs");
      return created;
    } catch (error) {
      if (database.inTransaction) database.exec("rollback to millrace_runs; release millrace_runs");
      throw error;
    }
  }

  #storageIn(database: Database): RunStorage {
    const known = this.#storages.get(database);
    if (known) return known;
    const statements = runStatements(new StatementMaker(database, this.tablePrefix, this.kysely));
    const storage = new RunStorage(statements, this.definitions, null, false);
    this.#storages.set(database, storage);
    return storage;
  }

  #checked(connection: unknown): Database {
    if (connection === this.own) return this.own;
    if (!isDatabase(connection)) throw unfit("is no connection of better-sqlite3");
    if (!connection.open) throw unfit("is closed");
    if (this.file === undefined || mainFile(connection) !== this.file)
      throw unfit("does not lead to the ledger's file");
    return connection;
  }
}

/** The real path of what a connection opened; undefined for a database in memory. */
export function mainFile(database: Database): string | undefined {
  const file = database.prepare("select file from pragma_database_list where name = 'main'").pluck().get();
  return typeof file === "string" && file !== "" ? realpathSync(file) : undefined;
}

/** Whether a value is a connection of better-sqlite3, of whichever copy of it. */
export function isDatabase(value: unknown): value is Database {
  if (typeof value !== "object" || value === null) return false;
  const { prepare, pragma, exec, inTransaction, open } = value as Readonly<Record<string, unknown>>;
  const flags = [inTransaction, open].every((flag) => typeof flag === "boolean");
  return flags && [prepare, pragma, exec].every((method) => typeof method === "function");
}

function unfit(what: string): JobError {
  return new JobError("invalid_definition", {
    field: "transaction",
    message: `What was given as a transaction ${what}.`,
    hint: "Give the better-sqlite3 connection on which your transaction is open; it must have the ledger's file open.",
  });
}
