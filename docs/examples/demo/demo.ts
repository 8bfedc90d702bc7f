/**
 * Three million real flights into SQLite, and into Lance and back; then a submit, a query and a run that do not work out,
 * and what they leave behind. `npm run demo`
 */
import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { JobExecutor, type FinishedRun } from "millrace";
import { csv, DuckDBEngine, parquet } from "millrace/duckdb";
import { lance } from "millrace/lance";
import { sqlite, SqliteJobStore } from "millrace/sqlite";
import { followRun } from "./follow-run.js";
import { appendLateFlights, busiestRoutes, delaysByCity, keepFlights, loadDirtyFlights, loadFlights } from "./jobs.js";
import { grouped, Screen } from "./screen.js";

const FLIGHTS = 3_000_000;
const SINCE = "2001-01-01";

const data = fileURLToPath(new URL("../data/", import.meta.resolve("vega-datasets")));
const folder = join(".tmp", "demo");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const screen = new Screen();
const executor = new JobExecutor({
  engine: new DuckDBEngine(),
  store: new SqliteJobStore({ path: join(folder, "ledger.db") }),
  connections: {
    flights: parquet(join(data, "flights-3m.parquet")),
    airports: csv(join(data, "airports.csv")),
    app: sqlite(join(folder, "app.db"), { access: "read_write" }),
    lake: lance(join(folder, "lake")),
  },
  jobs: [loadFlights, delaysByCity, keepFlights, busiestRoutes, appendLateFlights, loadDirtyFlights],
});

const begin = performance.now();
await executor.start();
try {
  await aBigLoad();
  await aChart();
  await aLake();
  await aRefusedSubmit();
  await aFailingQuery();
  await aCancelledRun();
  await theLedger();
} finally {
  await executor.stop();
}
const seconds = ((performance.now() - begin) / 1000).toFixed(1);
screen.line();
screen.line(`All as expected, in ${seconds} s. Look for yourself in ${folder}:`);
screen.line("  app.db, ledger.db and lake.");

async function aBigLoad(): Promise<void> {
  screen.heading(1, "A job: three million flights, joined to their airports, into SQLite");
  screen.line(screen.style("dim", loadFlights.query.trim().replace(/^/, "  ")));
  const handle = await executor.submitOrThrow("load_flights", { since: SINCE });
  const run = await followRun(screen, handle, { expectedRows: FLIGHTS });
  assert.equal(run.status, "succeeded");
  assert.equal(run.rowsWritten, FLIGHTS);
  assert.equal(countRows("flights"), FLIGHTS);
}

async function aChart(): Promise<void> {
  screen.heading(2, "Another job: average delay in minutes by city of departure");
  const handle = await executor.submitOrThrow("delays_by_city", { min_distance: 500 });
  const run = await handle.result();
  assert.equal(run.status, "succeeded");
  const rows = readApp<{ city: string; avg_delay: number; flights: number }>(
    "select city, avg_delay, flights from delays_by_city order by avg_delay desc",
  );
  assert.equal(rows.length, 10);
  screen.chart(
    rows.map(({ city, avg_delay, flights }) => ({
      label: city,
      value: avg_delay,
      note: `${avg_delay.toFixed(1).padStart(4)}  of ${grouped(flights).padStart(7)} flights`,
    })),
  );
  screen.line();
  screen.line("  Its row in the ledger:");
  const { id, jobName, status, attempt, parameters, rowsWritten, startedAt, finishedAt } = run;
  const row = { id, jobName, status, attempt, parameters, rowsWritten, startedAt, finishedAt };
  for (const [name, value] of Object.entries(row)) {
    const text =
      value instanceof Date ? value.toISOString() : typeof value === "object" ? JSON.stringify(value) : value;
    screen.line(`  ${screen.style("dim", name.padEnd(11))}  ${text}`);
  }
}

async function aLake(): Promise<void> {
  screen.heading(3, "The same flights into Lance; and a job that reads them back from there");
  const handle = await executor.submitOrThrow("keep_flights", { since: SINCE });
  const kept = await followRun(screen, handle, { expectedRows: FLIGHTS });
  assert.equal(kept.status, "succeeded");
  assert.equal(kept.rowsWritten, FLIGHTS);
  screen.line(`  Version ${kept.snapshotId} of the table lake.flights. Its busiest routes:`);
  const run = await (await executor.submitOrThrow("busiest_routes")).result();
  assert.equal(run.status, "succeeded");
  const routes = readApp<{ route: string; flights: number; delay: number }>("select * from busiest_routes");
  assert.equal(routes.length, 5);
  screen.line();
  screen.table(
    ["route", "flights", "average delay"],
    routes.map(({ route, flights, delay }) => [route, grouped(flights), delay.toFixed(1)]),
  );
}

async function aRefusedSubmit(): Promise<void> {
  screen.heading(4, "A submit that is refused: a value to switch on, and no trace");
  const before = await countRuns();
  const submitted = await executor.submit("append_late_flights", { least_delay: 120 });
  assert(submitted.isErr());
  const refusal = submitted.error;
  assert.equal(refusal.code, "schema_mismatch");
  screen.line(`  ${screen.style("red", refusal.code)}`);
  screen.wrapped(refusal.message);
  screen.wrapped(`Hint: ${refusal.hint}`);
  const after = await countRuns();
  assert.equal(after, before);
  screen.line(`  Runs in the ledger: ${before} before, ${after} after.`);
}

async function aFailingQuery(): Promise<void> {
  screen.heading(5, "A query that fails at row 2,000,000");
  const before = countRows("flights");
  const handle = await executor.submitOrThrow("load_dirty_flights", { since: SINCE, dirty_row: 2_000_000 });
  const run = await followRun(screen, handle, { expectedRows: FLIGHTS });
  assert.equal(run.status, "failed");
  assert.equal(run.error.code, "query_failed");
  assert.match(run.error.message, /n\/a/);
  screen.wrapped(run.error.message.split("\n")[0] ?? "");
  leftNothing(run, before);
}

async function aCancelledRun(): Promise<void> {
  screen.heading(6, "A run that is cancelled on its way");
  const before = countRows("flights");
  const handle = await executor.submitOrThrow("load_flights", { since: SINCE });
  let outcome: string | undefined;
  const run = await followRun(screen, handle, {
    expectedRows: FLIGHTS,
    onEvent: async (event) => {
      if (event.type !== "run.progress" || event.rows < 500_000 || outcome !== undefined) return;
      outcome = await handle.cancel("seen enough");
    },
  });
  assert.equal(outcome, "requested");
  assert.equal(run.status, "cancelled");
  leftNothing(run, before);
}

async function theLedger(): Promise<void> {
  screen.heading(7, "The ledger, newest first");
  const { runs } = await executor.listRuns();
  assert.deepEqual(
    runs.map(({ status }) => status),
    ["cancelled", "failed", "succeeded", "succeeded", "succeeded", "succeeded"],
  );
  screen.table(
    ["job", "status", "attempt", "rows", "took", "error"],
    runs.map((run) => [
      run.jobName,
      run.status,
      String(run.attempt),
      run.rowsWritten === null ? "-" : grouped(run.rowsWritten),
      `${grouped(tookMs(run))} ms`,
      run.error?.code ?? "-",
    ]),
  );
}

/** The run says that nothing was written, and the table agrees: it holds what it held, although the run would overwrite. */
function leftNothing(run: FinishedRun, before: number): void {
  const after = countRows("flights");
  assert.equal(run.rowsWritten, null);
  assert.equal(after, before);
  screen.line(`  The ledger: ${run.status}, no rows written.`);
  screen.line(`  The table:  ${grouped(before)} rows before, ${grouped(after)} rows after.`);
}

function tookMs({ startedAt, finishedAt }: { startedAt: Date | null; finishedAt: Date | null }): number {
  return (finishedAt?.getTime() ?? 0) - (startedAt?.getTime() ?? 0);
}

async function countRuns(): Promise<number> {
  return (await executor.listRuns()).runs.length;
}

function countRows(table: string): number {
  return readApp<{ rows: number }>(`select count(*) as rows from ${table}`)[0]?.rows ?? 0;
}

/** Reads the result as any other program would. */
function readApp<Row>(sql: string): readonly Row[] {
  const database = new Database(join(folder, "app.db"), { readonly: true });
  try {
    return database.prepare<[], Row>(sql).all();
  } finally {
    database.close();
  }
}
