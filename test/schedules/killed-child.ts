// A process that fires, is asked for firings and fills in others, until it is killed, or told to finish. Started by
// killed-processes.test.ts.
import { sqlite } from "../../src/adapters/sqlite/entry.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import { ledgerAt } from "../chaos/ledger-place.js";
import { rowsEngine } from "../chaos/rows-engine.js";
import { KILLED_JOBS, KILLED_SCHEDULES, type KilledReport, type KilledSetup } from "./killed-jobs.js";

const setup = JSON.parse(process.argv[2] ?? "") as KilledSetup;
const say = (report: KilledReport): Promise<unknown> => new Promise((resolve) => process.send?.(report, resolve));
const ignore = (): void => undefined;
const ledger = ledgerAt(setup.ledger);

const executor = new JobExecutor({
  engine: rowsEngine(),
  store: ledger,
  connections: { out: sqlite(setup.file, { access: "read_write" }) },
  jobs: KILLED_JOBS,
  schedules: Object.values(KILLED_SCHEDULES),
  logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  leaseMs: setup.leaseMs,
});
await executor.start();
const { schedules } = executor;
if (setup.backfill !== null) {
  const [from, to] = [new Date(setup.backfill.from), new Date(setup.backfill.to)];
  (await schedules.backfill("filled", { from, to, concurrency: 3 }))._unsafeUnwrap();
}
let isLast = false;
process.on("message", () => (isLast = true));
// Nobody is there any more to stop it.
process.on("disconnect", () => process.exit());
await say({ ready: true });

while (!isLast) {
  const occurrence = (await schedules.trigger("asked"))._unsafeUnwrap();
  await say({ triggered: occurrence.key });
}
(await schedules.pause("ticks"))._unsafeUnwrap();
for (const { id } of await schedules.listBackfills()) await schedules.backfillHandle(id).result();
for (let open = true; open;) {
  open = ((await ledger.schedules?.openOccurrences(Object.keys(KILLED_SCHEDULES))) ?? []).length > 0;
  await new Promise((resolve) => setTimeout(resolve, 50));
}
await executor.stop();
await say({ done: true });
process.removeAllListeners("disconnect");
process.disconnect();
