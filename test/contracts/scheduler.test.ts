import { CronerScheduler } from "../../src/adapters/croner/croner-scheduler.js";
import { schedulerContract } from "../../src/testing/scheduler-contract.js";
import { contractSuite } from "../support/contract-suite.js";

contractSuite("CronerScheduler", schedulerContract({ make: (clock) => new CronerScheduler(clock) }));
