import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { jobStoreContract } from "../../src/testing/job-store-contract.js";
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
  }),
);
