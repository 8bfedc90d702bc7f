import { JobExecutor } from "../../src/executor/job-executor.js";
import type { JobExecutorOptions } from "../../src/executor/executor-options.js";
import { defineJob } from "../../src/jobs/define-job.js";
import type { AnyJob } from "../../src/jobs/job-definition.js";
import { memory } from "../../src/adapters/memory/memory-connection.js";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import type { RunEvent } from "../../src/model/run-event.js";
import type { ExecutionSpec } from "../../src/jobs/read-execution.js";
import type { Connection } from "../../src/ports/connection.js";
import type { JobDestination } from "../../src/ports/job-destination.js";
import type { Logger } from "../../src/ports/logger.js";
import type { RunHandle } from "../../src/runs/run-handle.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { SequentialIds } from "../../src/testing/sequential-ids.js";
import { connectionTo } from "./scripted-destination.js";
import { StubEngine, type Play } from "./stub-engine.js";

interface HarnessOptions extends Partial<Omit<JobExecutorOptions, "connections" | "jobs">> {
  readonly plays?: Readonly<Record<string, Play>>;
  readonly destination?: JobDestination;
  readonly connections?: Readonly<Record<string, Connection>>;
  readonly jobs?: readonly AnyJob[];
  readonly execution?: ExecutionSpec;
}

/** An executor over the stub engine, a memory ledger and a manual clock, with one job, `load`, into `out.t`. */
export function harness(options: HarnessOptions = {}) {
  const { plays = {}, destination, connections = {}, execution = {}, ...rest } = options;
  const clock = (rest.clock as ManualClock | undefined) ?? new ManualClock();
  const engine = (rest.engine as StubEngine | undefined) ?? new StubEngine(plays);
  const store = (rest.store as MemoryJobStore | undefined) ?? new MemoryJobStore();
  const out = memory();
  const load = defineJob({
    name: "load",
    query: "select 1",
    destination: { table: destination ? "custom.t" : "out.t", mode: "append" },
    execution,
  });
  const log = recordingLogger();
  const executor = new JobExecutor({
    engine,
    store,
    clock,
    ids: new SequentialIds(),
    logger: log.logger,
    ...rest,
    connections: { out, ...(destination && { custom: connectionTo(destination) }), ...connections },
    jobs: options.jobs ?? [load],
  });
  return { executor, engine, store, clock, out, log };
}

/** Keeps what is logged as text. */
export function recordingLogger(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const write = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
    lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  };
  return { logger: { debug: write, info: write, warn: write, error: write }, lines };
}

/** All events of a run, once it has ended. */
export async function allEvents(handle: RunHandle): Promise<readonly RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of handle.events()) events.push(event);
  return events;
}

/** Resolves when the run's log holds an event of this type. */
export async function untilEvent(handle: RunHandle, type: RunEvent["type"]): Promise<RunEvent> {
  for await (const event of handle.events()) if (event.type === type) return event;
  throw new Error(`The run ended without an event ${type}.`);
}
