// Loads rows into a SQLite file and prints this process's peak RSS in MB.
import { join } from "node:path";
import { defineJob, JobExecutor, MemoryJobStore } from "millrace";
import { DuckDBEngine } from "millrace/duckdb";
import { sqlite } from "millrace/sqlite";
import { inTemporaryFolder } from "./temporary-folder.js";

const [shape = "narrow", rows = "1000", memoryLimit = "512MB"] = process.argv.slice(2);

const QUERIES: Readonly<Record<string, string>> = {
  narrow: "select i as id, i % 1000 as code, i * 0.5 as amount, 'name ' || (i % 5000) as name from range({rows}) t(i)",
  wide: "select i as id, repeat(chr((65 + i % 26)::INTEGER), 50000) as body from range({rows}) t(i)",
};

await inTemporaryFolder(async (folder) => {
  const job = defineJob({
    name: "load",
    query: QUERIES[shape] ?? "",
    params: { rows: "BIGINT" },
    destination: { table: "out.t", createIfMissing: true },
  });
  const executor = new JobExecutor({
    engine: new DuckDBEngine({ memoryLimit }),
    store: new MemoryJobStore(),
    connections: { out: sqlite(join(folder, "out.db"), { access: "read_write" }) },
    jobs: [job],
  });
  await executor.start();
  const run = await (await executor.submitOrThrow("load", { rows: Number(rows) })).result();
  if (run.status !== "succeeded") throw new Error(run.error?.message ?? run.status);
  await executor.stop();
});
console.log(process.resourceUsage().maxRSS / 1_024);
