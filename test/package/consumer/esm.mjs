// A host in ESM: DuckDB, the in-memory ledger and the in-memory destination.
import assert from "node:assert/strict";
import { JobExecutor, MemoryJobStore, defineJob, isJobError, memory } from "millrace";
import { DuckDBEngine } from "millrace/duckdb";

const out = memory();
const products = defineJob({
  name: "products",
  query: "select n * {factor} as product from (values (1), (2), (3)) as numbers(n) order by n",
  params: { factor: "INTEGER" },
  destination: { table: "out.products", mode: "overwrite", createIfMissing: true },
});
const executor = new JobExecutor({
  engine: new DuckDBEngine(),
  store: new MemoryJobStore(),
  connections: { out },
  jobs: [products],
});

await executor.start();
const handle = await executor.submitOrThrow("products", { factor: 10 });
const run = await handle.result();
assert.equal(run.status, "succeeded", JSON.stringify(run.error));
assert.equal(run.rowsWritten, 3);

const refused = await executor.submit("product", { factor: 10 });
assert.ok(refused.isErr() && isJobError(refused.error, "unknown_job"));

await executor.stop();
assert.deepEqual(
  (await out.rows("products")).map(({ product }) => Number(product)),
  [10, 20, 30],
);
