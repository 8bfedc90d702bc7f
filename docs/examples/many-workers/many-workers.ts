/**
 * Three processes on one ledger: this one submits, two work. One of them is killed in the middle; the other one takes its
 * runs over, and each day of each shop ends up in the table once. `npx tsx docs/examples/many-workers/many-workers.ts`
 */
import assert from "node:assert/strict";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { JobExecutor } from "millrace";
import { DuckDBEngine } from "millrace/duckdb";
import { connections, FOLDER, ledger, sumUp } from "./shop.js";

const SHOPS = ["Bath", "Leeds", "York", "Hull"];
const DAYS = Array.from({ length: 12 }, (_, day) => `2026-01-${String(day + 1).padStart(2, "0")}`);
const ORDERS_A_DAY = 2_000_000;
const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });

const executor = new JobExecutor({
  role: "submit",
  engine: new DuckDBEngine({ threads: 1 }),
  store: ledger(),
  connections: connections(),
  jobs: [sumUp],
});
await executor.start();
const workers = await Promise.all([startWorker(), startWorker()]);
try {
  await aNightsWork(workers);
} finally {
  for (const worker of workers) worker.kill("SIGKILL");
  await executor.stop();
}

async function aNightsWork([first, second]: readonly ChildProcess[]): Promise<void> {
  const night = process.hrtime.bigint();
  const submitted = await executor.submitMany(
    DAYS.flatMap((day) =>
      SHOPS.map((shop) => ({
        name: "sum_up" as const,
        params: { shop, day, orders_a_day: ORDERS_A_DAY },
        // Whoever submits the night again, because an answer was lost, gets the same runs. A night is one start of this.
        options: { idempotencyKey: `${night} ${shop} ${day}` },
      })),
    ),
  );
  const handles = submitted.map((one) => {
    if (one.isErr()) throw one.error;
    return one.value;
  });
  console.log(`${handles.length} runs submitted: ${SHOPS.length} shops, ${DAYS.length} days.`);

  await Promise.all(handles.slice(0, SHOPS.length).map((handle) => handle.result()));
  first?.kill("SIGKILL");
  console.log("The first day is done. One worker was killed, with runs in its hands.");

  const ended = await Promise.all(handles.map((handle) => handle.result()));
  const recovered = ended.reduce((sum, run) => sum + run.recoveries, 0);
  console.log(`All runs have ended; ${recovered} were taken over from the dead worker.`);
  assert.ok(ended.every(({ status }) => status === "succeeded"));

  const gone = second && once(second, "exit");
  second?.kill("SIGTERM");
  await gone;
  console.log("The other worker was asked to stop, and did.");

  const out = new Database(join(FOLDER, "out.db"), { readonly: true });
  const [days, times] = out.prepare("select count(*), count(distinct shop || day) from days").raw().get() as number[];
  out.close();
  assert.equal(days, handles.length);
  assert.equal(times, handles.length);
  console.log(`All as expected: ${days} days in the table, each of them once.`);
}

async function startWorker(): Promise<ChildProcess> {
  const worker = fork(WORKER);
  await once(worker, "message");
  return worker;
}
