// A host in CommonJS.
const assert = require("node:assert/strict");
const { JobExecutor, MemoryJobStore, defineJob, isJobError, memory } = require("millrace");
const { DuckDBEngine } = require("millrace/duckdb");

async function main() {
  const out = memory();
  const one = defineJob({
    name: "one",
    query: "select 1 as one",
    destination: { table: "out.one", mode: "append", createIfMissing: true },
  });
  const executor = new JobExecutor({
    engine: new DuckDBEngine(),
    store: new MemoryJobStore(),
    connections: { out },
    jobs: [one],
  });
  await executor.start();
  const run = await (await executor.submitOrThrow("one")).result();
  assert.equal(run.status, "succeeded", JSON.stringify(run.error));
  await assert.rejects(executor.submitOrThrow("two"), (error) => isJobError(error, "unknown_job"));
  await executor.stop();
  assert.equal((await out.rows("one")).length, 1);
}

main();
