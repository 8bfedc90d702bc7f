/** A schedule, a backfill, and why it fired. `npm run build:js && npx tsx docs/examples/schedules/schedules.ts` */
import { defineJob, defineSchedule, JobExecutor, memory, MemoryJobStore } from "millrace";
import { DuckDBEngine, rows } from "millrace/duckdb";
import { ManualClock } from "millrace/testing";

// Each run takes the orders between two firings.
const load = defineJob({
  name: "orders_of_the_day",
  query: "select id from orders where placed >= {since} and placed < {until}",
  params: { since: "TIMESTAMP", until: "TIMESTAMP" },
  destination: { table: "out.orders", mode: "append", createIfMissing: true },
});
const daily = defineSchedule({
  id: "daily",
  trigger: { cron: "0 6 * * *", timeZone: "Europe/Oslo" },
  job: load,
  times: { since: "previous", until: "nominal" },
  startImmediately: false,
});

const orders = rows([
  { id: 1, placed: new Date("2026-03-26T12:00:00Z") },
  { id: 2, placed: new Date("2026-03-27T12:00:00Z") },
  { id: 3, placed: new Date("2026-03-28T12:00:00Z") },
]);
const out = memory();
// A host leaves the clock out. This one stands still until it is moved.
const clock = new ManualClock(new Date("2026-03-28T05:00:00Z"));
const executor = new JobExecutor({
  engine: new DuckDBEngine(),
  store: new MemoryJobStore(),
  connections: { orders, out },
  jobs: [load],
  schedules: [daily],
  clock,
});
await executor.start();
const { schedules } = executor;

// The 29th is the day on which summer time begins: six o'clock comes an hour earlier.
const next = await schedules.nextFireTimes("daily", 3);
console.log(next._unsafeUnwrap().map((time) => time.toISOString()));

const range = { from: new Date("2026-03-27T00:00:00Z"), to: new Date("2026-03-28T00:00:00Z") };
const plan = (await schedules.planBackfill("daily", range))._unsafeUnwrap();
console.log("a backfill would fire", plan.fires);
const backfill = (await schedules.backfill("daily", range))._unsafeUnwrap();
while ((await backfill.get())?.endedAt === null) await clock.advance(0);
console.log("backfill", (await backfill.get())?.state, await out.rows("orders"));

await clock.advance(24 * 3_600_000);
while ((await schedules.get("daily"))?.succeeded !== 1) await clock.advance(0);
const { facts, recent } = (await schedules.explain("daily"))._unsafeUnwrap();
for (const { key, state } of recent) console.log(key.replace(/#.*/, " (backfill)"), state);
console.log(await out.rows("orders"), facts);
await executor.stop();
