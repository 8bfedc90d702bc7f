import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { HOST_TRANSACTION_CLAUSES, jobStoreContract, SHARED_CLAUSES } from "../../src/testing/job-store-contract.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { contractSuite } from "../support/contract-suite.js";

contractSuite(
  "MemoryJobStore keeps the contract",
  jobStoreContract({
    make: async () => {
      const store = new MemoryJobStore();
      return {
        store,
        clock: new ManualClock(),
        reopen: async () => new MemoryJobStore({ snapshot: store.snapshot() }),
      };
    },
    without: [
      ...SHARED_CLAUSES.map((clause) => ({ clause, reason: "it belongs to one process" })),
      ...HOST_TRANSACTION_CLAUSES.map((clause) => ({ clause, reason: "the host has no transaction in memory" })),
    ],
  }),
);
