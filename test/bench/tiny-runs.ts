import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { defineJob, JobExecutor, memory, MemoryJobStore, type JobStore } from "millrace";
import { DuckDBEngine } from "millrace/duckdb";
import { SqliteJobStore } from "millrace/sqlite";
import { atMost, median, percentile, reported, type Figure } from "./figure.js";
import { inTemporaryFolder } from "./temporary-folder.js";

const WARM_UP = 200;
const MEASURED = 1_000;

/** `select 1` into memory(), one run after the other, with an events reader: from submit to the last event. */
export async function tinyRuns(): Promise<readonly Figure[]> {
  return inTemporaryFolder(async (folder) => [
    ...(await measure("memory ledger", new MemoryJobStore(), 1.5)),
    ...(await measure("SQLite ledger", new SqliteJobStore({ path: join(folder, "ledger.db") }), 2.5)),
  ]);
}

async function measure(name: string, store: JobStore, boundMs: number): Promise<readonly Figure[]> {
  const job = defineJob({ name: "one", query: "select 1 as one", destination: { table: "out.t", mode: "overwrite" } });
  const executor = new JobExecutor({
    engine: new DuckDBEngine(),
    store,
    connections: { out: memory() },
    jobs: [job],
    maxConcurrentRuns: 1,
  });
  await executor.start();
  const times: number[] = [];
  for (let run = 0; run < WARM_UP + MEASURED; run += 1) {
    const from = performance.now();
    const handle = await executor.submitOrThrow("one");
    let last = "";
    for await (const event of handle.events()) last = event.type;
    if (last !== "run.succeeded") throw new Error(`The run ended with ${last}.`);
    if (run >= WARM_UP) times.push(performance.now() - from);
  }
  await executor.stop();
  return [
    atMost(`select 1 end to end, ${name}, p50`, median(times), boundMs, "ms"),
    reported(`select 1 end to end, ${name}, p99`, percentile(times, 0.99), "ms"),
  ];
}
