import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import type { Database } from "better-sqlite3";
import { isJobError, JobError } from "../../../model/job-error.js";
import type { StoreOpeners } from "../../../model/store-openers.js";
import type { StoreContext } from "../../../ports/job-store.js";
import { refuseOlder } from "../../sql/ledger-version.js";
import { mainFile } from "./host-transactions.js";
import { LedgerConnection } from "./ledger-connection.js";
import { ledgerStatements } from "./ledger-statements.js";
import { Ledger } from "./ledger.js";
import { makeFolder } from "./make-folder.js";
import { ledgerVersion, migrate, type LedgerPlan } from "./migrate.js";
import { OwnerSessions } from "./owner-sessions.js";
import { ledgerFailure } from "./sqlite-failure.js";
import { WalCheckpoints } from "./wal-checkpoints.js";
import { WalSync } from "./wal-sync.js";

export const IN_MEMORY = ":memory:";

/** Opens or makes a ledger, and leaves alone whatever else it finds there. @param place a path, or the host's connection. */
export async function openLedger(
  place: string | Database,
  plan: LedgerPlan,
  context: StoreContext,
  openers: StoreOpeners<StoreContext>,
): Promise<Ledger> {
  const name = typeof place === "string" ? place : place.name;
  let connection: LedgerConnection | undefined;
  let sessions: OwnerSessions | undefined;
  try {
    const [{ default: Sqlite }, kysely] = await Promise.all([import("better-sqlite3"), import("kysely")]);
    const { clock } = context;
    if (typeof place === "string" && place !== IN_MEMORY) await makePlace(place, plan);
    connection =
      typeof place === "string"
        ? new LedgerConnection(new Sqlite(place, { timeout: 0 }), false, clock)
        : new LedgerConnection(place, true, clock);
    const { database } = connection;
    const prepare = connection.isHosts ? migrate : prepareFile;
    await connection.whenFree(() => prepare(database, plan, clock.now()));
    const statements = ledgerStatements(database, plan.tablePrefix, kysely);
    const parts = { name, plan, connection, statements, kysely };
    // Beside the file itself, as SQLite's own log, however many links lead to it.
    const path = mainFile(database);
    if (path === undefined) {
      return new Ledger(
        { ...parts, file: undefined, wal: new WalSync(undefined), checkpoints: undefined },
        context,
        openers,
      );
    }
    const begun = (sessions = new OwnerSessions(`${path}.${plan.tablePrefix}owners`, statements, Sqlite));
    const begin = database.transaction(() => begun.begin(clock.now()));
    await connection.whenFree(() => begin.immediate());
    // In another journal mode, which only a host sets, each commit is as durable as the host's own.
    const inWal = database.pragma("journal_mode", { simple: true }) === "wal";
    const wal = new WalSync(inWal ? await open(`${path}-wal`, "r+") : undefined);
    const checkpoints = connection.isHosts ? undefined : new WalCheckpoints(database, path);
    return new Ledger({ ...parts, file: { path, sessions: begun }, wal, checkpoints }, context, openers);
  } catch (error) {
    sessions?.release();
    connection?.close();
    throw openingFailure(name, error);
  }
}

async function makePlace(path: string, { migrate: mode, migrations }: LedgerPlan): Promise<void> {
  if (mode === "run") await makeFolder(dirname(path));
  else if (!existsSync(path)) refuseOlder(path, { version: 0, oldestReader: 0 }, migrations.length);
}

function prepareFile(database: Database, plan: LedgerPlan, now: number): void {
  // Before anything is written: the file may be somebody else's.
  ledgerVersion(database, plan);
  const mode = database.pragma("journal_mode = wal", { simple: true });
  if (!database.memory && mode !== "wal")
    throw new Error("The file system does not offer the locks of SQLite's WAL mode.");
  // The commit that makes a ledger is synced by SQLite, folder included; later ones as `WalSync` says.
  database.pragma("synchronous = full");
  migrate(database, plan, now);
  database.pragma("synchronous = normal");
}

function openingFailure(name: string, error: unknown): unknown {
  const failure = ledgerFailure(name, error);
  if (isJobError(failure)) return failure;
  const hint =
    "See the cause. If it names better_sqlite3.node, its native part was not built: npm rebuild better-sqlite3.";
  return new JobError("store_unavailable", { message: `The ledger ${name} could not be opened.`, hint, cause: error });
}
