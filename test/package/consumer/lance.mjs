// A host in ESM that writes Lance and reads it back. `node lance.mjs without-driver`: where @lancedb/lancedb is missing.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JobExecutor, MemoryJobStore, defineJob, memory } from "millrace";
import { DuckDBEngine } from "millrace/duckdb";
import { lance } from "millrace/lance";

const ROWS = 10_000;
const folder = mkdtempSync(join(tmpdir(), "millrace-consumer-"));
const out = memory();
const write = defineJob({
  name: "write",
  query: `select range as n, {name} || range as name from range({rows})`,
  params: { name: "VARCHAR", rows: "BIGINT" },
  destination: { table: "lake.numbers", mode: { kind: "upsert", keys: ["n"] } },
});
const read = defineJob({
  name: "read",
  query: "select name, count(*) as n from (select left(name, 3) as name from lake.numbers) group by name order by name",
  destination: { table: "out.names", mode: "overwrite" },
});
const executor = new JobExecutor({
  engine: new DuckDBEngine(),
  store: new MemoryJobStore(),
  connections: { lake: lance(join(folder, "lake")), out },
  jobs: [write, read],
});

async function run(name, params) {
  const run = await (await executor.submitOrThrow(name, params)).result();
  assert.equal(run.status, "succeeded", JSON.stringify(run.error));
}

let workers = 0;
process.on("worker", () => (workers += 1));

async function main() {
  await executor.start();
  if (process.argv[2] === "without-driver") {
    const submitted = await executor.submit("write", { name: "old", rows: 1 });
    const { error } = submitted.isErr() ? submitted : await submitted.value.result();
    assert.equal(error.code, "connection_unavailable");
    assert.match(error.message, /The package @lancedb\/lancedb could not be loaded/);
    return;
  }
  await run("write", { name: "old", rows: ROWS });
  await run("write", { name: "new", rows: ROWS / 10 });
  assert.ok(workers > 0, "the keys went through no worker");
  await run("read");
  const counts = (await out.rows("names")).map(({ name, n }) => [name, Number(n)]);
  assert.deepEqual(counts, [
    ["new", ROWS / 10],
    ["old", ROWS - ROWS / 10],
  ]);
}

main().finally(async () => {
  await executor.stop();
  rmSync(folder, { recursive: true });
});
