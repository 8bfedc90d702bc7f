import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { DuckDBEngine } from "../../src/adapters/duckdb/entry.js";
import { memory } from "../../src/adapters/memory/memory-connection.js";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { defineJob } from "../../src/jobs/define-job.js";
import type { Connection } from "../../src/ports/connection.js";
import { connectionContract } from "../../src/testing/connection-contract.js";
import { contractSuite } from "../support/contract-suite.js";

const USERS = Array.from({ length: 25 }, (_, id) => ({ id, name: id === 3 ? null : `user ${id}` }));

// By its path: the example imports the package by its name, which only its own tsconfig leads to the sources.
const example = new URL("../../docs/examples/custom-connection/paged.ts", import.meta.url).href;
const { paged } = (await import(example)) as { readonly paged: (tables: object) => Connection };

/** Ten users at a time. */
const users = {
  columns: { id: "number", name: "text" },
  fetchPage: async (cursor = "0") => {
    const first = Number(cursor);
    const last = first + 10;
    return { rows: USERS.slice(first, last), ...(last < USERS.length && { next: String(last) }) };
  },
};

contractSuite(
  "the example paged() keeps the promises of a connection",
  connectionContract({
    make: async () => ({
      connection: paged({ users }),
      full: { table: "users", columns: ["id", "name"], rowCount: USERS.length },
      missingTable: "none",
    }),
  }),
);

it("is read by a query of a job, page by page", async () => {
  const out = memory();
  const job = defineJob({
    name: "count",
    query: "select count(*) as users, count(name) as named, sum(id) as ids from api.users",
    destination: { table: "out.counts" },
  });
  const executor = new JobExecutor({
    engine: new DuckDBEngine({ threads: 1 }),
    store: new MemoryJobStore(),
    connections: { api: paged({ users }), out },
    jobs: [job],
  });
  await executor.start();
  const end = await (await executor.submitOrThrow("count", {})).result();
  await executor.stop();
  expect(end).toMatchObject({ status: "succeeded", rowsWritten: 1 });
  expect(await out.rows("counts")).toEqual([{ users: 25n, named: 24n, ids: 300 }]);
});

it("stands word for word in the guide", async () => {
  const guide = await readFile("docs/guides/write-a-connection.md", "utf8");
  expect(guide).toContain(await readFile("docs/examples/custom-connection/paged.ts", "utf8"));
});
