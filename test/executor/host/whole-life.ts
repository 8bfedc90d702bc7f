// A host that runs a job, stops, and ends by itself: nothing is left that would hold the process.
import { csv, DuckDBEngine } from "../../../src/adapters/duckdb/entry.js";
import { memory } from "../../../src/adapters/memory/memory-connection.js";
import { sqlite, SqliteJobStore } from "../../../src/adapters/sqlite/entry.js";
import { JobExecutor } from "../../../src/executor/job-executor.js";
import { defineJob } from "../../../src/jobs/define-job.js";

const [folder = ""] = process.argv.slice(2);

const out = memory();
const executor = new JobExecutor({
  engine: new DuckDBEngine(),
  store: new SqliteJobStore({ path: `${folder}/runs.db` }),
  connections: {
    numbers: csv(`${folder}/numbers.csv`),
    out,
    app: sqlite(`${folder}/app.db`, { access: "read_write" }),
  },
  jobs: [
    defineJob({ name: "mem", query: "select * from numbers", destination: { table: "out.t" } }),
    defineJob({
      name: "file",
      query: "select n, i from numbers, range(100000) t(i)",
      destination: { table: "app.t", createIfMissing: true },
    }),
  ],
});
await executor.start();
const ends = [];
for (const name of ["mem", "file"] as const) ends.push(await (await executor.submitOrThrow(name)).result());
await executor.stop();
console.log(
  JSON.stringify({ ends: ends.map(({ status }) => status), rows: (await out.rows("t")).map(({ n }) => String(n)) }),
);
