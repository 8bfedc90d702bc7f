import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DuckDBEngine, parquet } from "../../../src/adapters/duckdb/entry.js";
import { lance } from "../../../src/adapters/lance/entry.js";
import { memory } from "../../../src/adapters/memory/memory-connection.js";
import { MemoryJobStore } from "../../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../../src/executor/job-executor.js";
import { defineJob } from "../../../src/jobs/define-job.js";
import { readPlainly } from "./read-plainly.js";

const FLIGHTS = "node_modules/vega-datasets/data/flights-3m.parquet";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-lance-"));
});

afterEach(() => rm(folder, { recursive: true }));

const load = defineJob({
  name: "load",
  query: "select * from flights where distance >= {min_distance}",
  params: { min_distance: "INTEGER" },
  destination: { table: "lake.flights", mode: "overwrite" },
});

const delays = defineJob({
  name: "delays",
  query: "select origin, count(*) as n, avg(delay) as avg_delay from lake.flights group by origin",
  destination: { table: "lake.delays", mode: { kind: "upsert", keys: ["origin"] } },
});

const copied = defineJob({
  name: "copied",
  query: "select * from lake.delays order by origin",
  destination: { table: "out.delays" },
});

const expected = defineJob({
  name: "expected",
  query:
    "select origin, count(*) as n, avg(delay) as avg_delay from flights where distance >= 1000 group by origin order by origin",
  destination: { table: "out.expected" },
});

it("loads flights into Lance, reads them back by a query and upserts the answer", { timeout: 120_000 }, async () => {
  const out = memory();
  const lake = lance(join(folder, "lake"));
  await using executor = new JobExecutor({
    engine: new DuckDBEngine({ threads: 2 }),
    store: new MemoryJobStore(),
    connections: { flights: parquet(FLIGHTS), lake, out },
    jobs: [load, delays, copied, expected],
  });
  await executor.start();
  const loading = await executor.submitOrThrow("load", { min_distance: 1_000 });
  const loaded = await loading.result();
  expect(loaded).toMatchObject({ status: "succeeded", snapshotId: "1" });
  for (const name of ["delays", "delays", "copied", "expected"] as const) {
    const end = await (await executor.submitOrThrow(name, {})).result();
    expect(end, name).toMatchObject({ status: "succeeded" });
  }
  const rows = await out.rows("delays");
  expect(rows).toEqual(await out.rows("expected"));
  expect(rows.reduce((total, { n }) => total + Number(n), 0)).toBe(loaded.rowsWritten);
  expect(await readPlainly(join(folder, "lake"), "delays")).toHaveLength(rows.length);
});

it("says at submit which column Lance cannot keep, and makes nothing", async () => {
  const totals = defineJob({
    name: "totals",
    query: "select 1 as id, sum(i) as total from range(10) t(i)",
    destination: { table: "lake.totals" },
  });
  const lake = lance(join(folder, "lake"));
  await using executor = new JobExecutor({
    engine: new DuckDBEngine({ threads: 1 }),
    store: new MemoryJobStore(),
    connections: { lake },
    jobs: [totals],
  });
  await executor.start();
  const refused = (await executor.submit("totals", {}))._unsafeUnwrapErr();
  expect(refused).toMatchObject({ code: "schema_mismatch", columns: ["total"] });
  expect(refused.message).toContain("DECIMAL(38,0)");
  expect(await readPlainly(folder, "totals")).toBeNull();
});

it.runIf(process.platform === "linux")(
  "never holds the host's thread for long: no turn of the event loop takes more than a few milliseconds of it",
  { timeout: 120_000 },
  async () => {
    await using executor = new JobExecutor({
      engine: new DuckDBEngine({ threads: 1 }),
      store: new MemoryJobStore(),
      connections: { flights: parquet(FLIGHTS), lake: lance(join(folder, "lake")) },
      jobs: [load],
    });
    await executor.start();
    await (await executor.submitOrThrow("load", { min_distance: 4_000 })).result();
    let longest = 0;
    let before = threadMilliseconds();
    const watch = setInterval(() => {
      const now = threadMilliseconds();
      longest = Math.max(longest, now - before);
      before = now;
    }, 1);
    const end = await (await executor.submitOrThrow("load", { min_distance: 0 })).result();
    clearInterval(watch);
    expect(end).toMatchObject({ status: "succeeded", rowsWritten: 3_000_000 });
    // Lance's own encoding of these rows takes 150 ms and more in one turn; here it is some 10.
    expect(longest).toBeLessThan(50);
  },
);

/** The time that this thread has been at work, which does not depend on what else the machine does. */
function threadMilliseconds(): number {
  const [nanoseconds] = readFileSync("/proc/thread-self/schedstat", "latin1").split(" ");
  return Number(nanoseconds) / 1e6;
}
