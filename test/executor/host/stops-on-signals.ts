// A host that stops its executor when it is asked to end. Tells its parent when a run is under way, and what stop gave.
import { MemoryJobStore } from "../../../src/adapters/memory/memory-job-store.js";
import { JobExecutor } from "../../../src/executor/job-executor.js";
import { stopOnSignals, type StopOnSignalsOptions } from "../../../src/executor/stop-on-signals.js";
import { defineJob } from "../../../src/jobs/define-job.js";
import { Gate } from "../../support/gate.js";
import { connectionTo, drainRows, ScriptedDestination } from "../../support/scripted-destination.js";
import { StubEngine } from "../../support/stub-engine.js";

/** What the parent tells its child, as JSON in the first argument. */
export interface HostPlan extends Pick<StopOnSignalsOptions, "exit" | "timeoutMs"> {
  /** Let the run end once the first signal was heard. */
  readonly ends?: boolean;
  /** Take the listeners off again at once. */
  readonly leave?: boolean;
  /** Keep the process alive whatever happens to the executor. */
  readonly busy?: boolean;
}

const { ends, leave, busy, ...options } = JSON.parse(process.argv[2] ?? "{}") as HostPlan;
const gate = new Gate();
const destination = new ScriptedDestination(async (rows, request) => {
  const rowsStaged = await drainRows(rows);
  process.send?.("under way");
  await gate.pass(request.signal);
  return (await request.permit({ rowsStaged })).committed();
});
const executor = new JobExecutor({
  engine: new StubEngine(),
  store: new MemoryJobStore(),
  connections: { out: connectionTo(destination) },
  jobs: [defineJob({ name: "load", query: "select 1", destination: { table: "out.t", mode: "append" } })],
});
const takeOff = stopOnSignals(executor, options);
if (ends) process.once("SIGTERM", () => gate.open());
if (leave) takeOff();
if (busy) setInterval(() => undefined, 1_000);
await executor.start();
await executor.submitOrThrow("load");
for await (const _ of executor.events());
process.send?.({ report: await executor.stop(), listeners: process.listenerCount("SIGTERM") }, () =>
  process.disconnect(),
);
