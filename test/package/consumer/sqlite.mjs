// A host in ESM with the SQLite ledger and a SQLite destination; also bundled by esbuild, where the loading worker has no file.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { JobExecutor, defineJob } from "millrace";
import { DuckDBEngine } from "millrace/duckdb";
import { SqliteJobStore, sqlite } from "millrace/sqlite";

const ROWS = 50_000;
const folder = mkdtempSync(join(tmpdir(), "millrace-consumer-"));

let workers = 0;
process.on("worker", () => (workers += 1));

async function main() {
  const path = join(folder, "app.db");
  new Database(path).close();
  const numbers = defineJob({
    name: "numbers",
    query: `select range as n, 'row ' || range as name from range(${ROWS})`,
    destination: { table: "app.numbers", mode: "append", createIfMissing: true },
  });
  const executor = new JobExecutor({
    engine: new DuckDBEngine(),
    store: new SqliteJobStore({ path: join(folder, "ledger.db") }),
    connections: { app: sqlite(path, { access: "read_write" }) },
    jobs: [numbers],
  });
  await executor.start();
  const run = await (await executor.submitOrThrow("numbers")).result();
  await executor.stop();
  assert.equal(run.status, "succeeded", JSON.stringify(run.error));
  assert.ok(workers > 0, "the rows went through no worker");

  const database = new Database(path, { readonly: true });
  assert.equal(database.prepare("select count(distinct name) from numbers").pluck().get(), ROWS);
  database.close();
}

main().finally(() => rmSync(folder, { recursive: true }));
