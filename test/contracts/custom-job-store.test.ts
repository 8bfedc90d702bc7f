import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { JobStore } from "../../src/ports/job-store.js";
import {
  HOST_TRANSACTION_CLAUSES,
  jobStoreContract,
  SCHEDULE_CLAUSES,
  SHARED_CLAUSES,
} from "../../src/testing/job-store-contract.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { contractSuite } from "../support/contract-suite.js";

// By its path: the example imports the package by its name, which only its own tsconfig leads to the sources.
const EXAMPLE = "docs/examples/custom-store/file-job-store.ts";
const { FileJobStore } = (await import(new URL(`../../${EXAMPLE}`, import.meta.url).href)) as {
  readonly FileJobStore: new (path: string) => JobStore;
};

contractSuite(
  "the example FileJobStore keeps the contract of a store",
  jobStoreContract({
    make: async () => {
      const folder = await mkdtemp(join(tmpdir(), "millrace-file-store-"));
      const make = (): JobStore => new FileJobStore(join(folder, "ledger"));
      return {
        store: make(),
        clock: new ManualClock(),
        reopen: async () => make(),
        dispose: () => rm(folder, { recursive: true }),
      };
    },
    without: [
      ...SHARED_CLAUSES.map((clause) => ({ clause, reason: "its file is for one process" })),
      ...HOST_TRANSACTION_CLAUSES.map((clause) => ({ clause, reason: "the host has no transaction in its file" })),
      ...SCHEDULE_CLAUSES.map((clause) => ({ clause, reason: "it keeps no schedules" })),
    ],
  }),
);

it("stands word for word in the guide", async () => {
  expect(await readFile("docs/guides/write-a-store.md", "utf8")).toContain(await readFile(EXAMPLE, "utf8"));
});
