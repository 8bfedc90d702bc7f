import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteJobStore } from "../../src/adapters/sqlite/sqlite-job-store.js";
import { jobStoreContract } from "../../src/testing/job-store-contract.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { contractSuite } from "../support/contract-suite.js";

contractSuite(
  "SqliteJobStore on a file keeps the contract",
  jobStoreContract({
    make: async () => {
      const folder = await mkdtemp(join(tmpdir(), "millrace-store-"));
      const make = (): SqliteJobStore => new SqliteJobStore({ path: join(folder, "ledger.db") });
      return {
        store: make(),
        clock: new ManualClock(),
        reopen: async () => make(),
        dispose: () => rm(folder, { recursive: true }),
      };
    },
  }),
);

const reason = "the ledger is gone with the store";
contractSuite(
  "SqliteJobStore in memory keeps the contract",
  jobStoreContract({
    make: async () => ({ store: new SqliteJobStore({ path: ":memory:" }), clock: new ManualClock() }),
    without: [
      { clause: "runs, logs, leases and order outlive a store", reason },
      { clause: "every act that was answered is there, although nobody closed the store", reason },
    ],
  }),
);
