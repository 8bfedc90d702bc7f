import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { SqliteJobStore } from "../../src/adapters/sqlite/sqlite-job-store.js";
import { jobStoreContract, SHARED_CLAUSES, type HostTransaction } from "../../src/testing/job-store-contract.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { contractSuite } from "../support/contract-suite.js";

contractSuite(
  "SqliteJobStore on a file keeps the contract",
  jobStoreContract({
    make: async () => {
      const folder = await mkdtemp(join(tmpdir(), "millrace-store-"));
      const path = join(folder, "ledger.db");
      const make = (): SqliteJobStore => new SqliteJobStore({ path });
      return {
        store: make(),
        clock: new ManualClock(),
        reopen: async () => make(),
        begin: async () => begun(new Database(path), (database) => database.close()),
        dispose: () => rm(folder, { recursive: true }),
      };
    },
    without: [
      "a store whose process has a wrong clock dates and judges like the others",
      "schedules are due by the ledger's time, whatever clock a process has",
    ].map((clause) => ({ clause, reason: "the processes of one machine have one clock" })),
  }),
);

const reason = "the ledger is gone with the store";
contractSuite(
  "SqliteJobStore in memory keeps the contract",
  jobStoreContract({
    make: async () => {
      const database = new Database(":memory:");
      return {
        store: new SqliteJobStore({ database }),
        clock: new ManualClock(),
        begin: async () => begun(database),
        dispose: async () => void database.close(),
      };
    },
    without: [
      ...SHARED_CLAUSES.map((clause) => ({ clause, reason: "it belongs to one process" })),
      { clause: "runs, logs, leases and order outlive a store", reason },
      { clause: "schedules outlive a store, with their occurrences and backfills", reason },
      { clause: "every act that was answered is there, although nobody closed the store", reason },
    ],
  }),
);

function begun(database: Database.Database, ended?: (database: Database.Database) => void): HostTransaction {
  database.exec("begin immediate");
  const end = async (how: "commit" | "rollback"): Promise<void> => {
    database.exec(how);
    ended?.(database);
  };
  return { transaction: database, commit: () => end("commit"), rollback: () => end("rollback") };
}
