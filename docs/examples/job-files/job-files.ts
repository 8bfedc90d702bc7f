/** Jobs from a folder of YAML, beside one from code. `npm run build:js && npx tsx docs/examples/job-files/job-files.ts` */
import { defineJob, JobExecutor, loadJobs, memory, MemoryJobStore } from "millrace";
import { DuckDBEngine, rows } from "millrace/duckdb";

const biggest = defineJob({
  name: "orders_above",
  query: "select * from orders where amount > {limit}",
  params: { limit: "DOUBLE" },
  destination: { table: "out.orders_above", mode: "overwrite", createIfMissing: true },
});

const loaded = await loadJobs(new URL("./jobs/", import.meta.url));
// Each mistake of all files: `problems` has them with file, line, column and field.
if (loaded.isErr()) throw loaded.error;

const orders = rows([
  { city: "Oslo", amount: 40.5 },
  { city: "Bergen", amount: 15 },
  { city: "Oslo", amount: 2 },
]);
const out = memory();
const executor = new JobExecutor({
  engine: new DuckDBEngine(),
  store: new MemoryJobStore(),
  connections: { orders, out },
  jobs: [biggest, ...loaded.value],
});

await executor.start();
// The compiler knows the parameters of a job from code; those of a job from a file are checked by the submit.
const runs = [
  await executor.submitOrThrow("orders_above", { limit: 30 }),
  await executor.submitOrThrow("sales_by_city", { least: 10 }),
  await executor.submitOrThrow("best_order"),
];
for (const run of runs) {
  const { jobName, status } = await run.result();
  console.log(jobName, status, await out.rows(jobName));
}
await executor.stop();
