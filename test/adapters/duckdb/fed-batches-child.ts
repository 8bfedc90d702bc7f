import { strict as assert } from "node:assert";
import { once } from "node:events";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { EngineConnection } from "../../../src/adapters/duckdb/engine-connection.js";
import type { TableSchema } from "../../../src/model/table-schema.js";
import type { Connection } from "../../../src/ports/connection.js";
import { recordBatch } from "../../../src/testing/rows/record-batch.js";
import { withEngine } from "./engine-session.js";
import { single } from "./engine-under-test.js";

const WORKERS = 3;
const COLUMNS: TableSchema = { columns: [{ name: "text", type: { kind: "text" }, nullable: true }] };

/** Loads a table, and then another one that has no end: tells when it is in the middle of that. */
async function loadForEver(): Promise<void> {
  const texts = Array.from({ length: 2_048 }, (_, index) => ({
    text: index % 3 === 0 ? null : `a longer text: ${index}`,
  }));
  const batch = recordBatch(COLUMNS, texts);
  const table = (length: number): Connection =>
    single({
      schema: () => Promise.resolve(COLUMNS),
      async *scan() {
        for (let count = 0; count < length; count += 1) {
          if (count === 200) parentPort?.postMessage("in the middle");
          yield batch;
        }
      },
    });
  await withEngine({ short: table(70), endless: table(Infinity) }, async ({ rows }) => {
    const [row] = await rows(
      "select count(*) as n, count(text) as texts, count(distinct text) as different from short",
    );
    assert.deepEqual(row, { n: 70n * 2_048n, texts: 70n * 1_365n, different: 1_365n });
    await rows("select max(text) as t from endless");
  });
}

/** Ends the process while a thread of libuv's pool plans the statement that reads the rows. */
async function exitWhilePlanning(): Promise<void> {
  const prepare = EngineConnection.prototype.prepare;
  EngineConnection.prototype.prepare = function (sql) {
    const prepared = prepare.call(this, sql);
    if (!sql.includes("millrace_fed")) return prepared;
    // Time for the thread to come as far as its question.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    process.send?.("exiting");
    process.exit(7);
  };
  await loadForEver();
}

/** Terminates workers, each while it loads rows. */
async function terminateWorkers(): Promise<void> {
  const terminated = Array.from({ length: WORKERS }, async () => {
    const worker = new Worker(new URL(import.meta.url));
    await once(worker, "message");
    await worker.terminate();
  });
  await Promise.all(terminated);
}

const ends: unknown = JSON.parse(process.argv[2] ?? "null");
await (!isMainThread ? loadForEver() : ends === "exit" ? exitWhilePlanning() : terminateWorkers());
