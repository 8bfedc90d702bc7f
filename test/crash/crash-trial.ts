import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DuckDBEngine } from "../../src/adapters/duckdb/entry.js";
import { SqliteJobStore } from "../../src/adapters/sqlite/entry.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import type { FinishedRun, JobRun } from "../../src/model/run.js";
import type { Connection } from "../../src/ports/connection.js";
import { CRASH_POINTS, type CrashPoint } from "../../src/testing/crash-points.js";
import { recordingLogger } from "../support/executor-harness.js";
import type { BundledProcess } from "../support/bundled-process.js";
import type { CrashPlan } from "./crash-child.js";
import { crashJob } from "./crash-job.js";
import { CRASH_CONNECTIONS, type CrashDestinationName } from "./destinations/crash-connections.js";
import { CRASH_DESTINATIONS } from "./destinations/crash-destinations.js";
import { seededRandom } from "./seeded-random.js";

/** The module of the first process. */
export const CRASH_CHILD = new URL("./crash-child.ts", import.meta.url);
const LEASE_MS = 400;
const LONGEST_RANDOM_KILL_MS = 60;

/** How a trial ends its first process. */
export type Ending =
  | { readonly kind: "kill_at_point" | "stop_at_point"; readonly point: CrashPoint }
  | { readonly kind: "kill_at_random" };

export interface TrialResult {
  readonly ending: Ending;
  /** Whether the first process was really ended on the way, and not done before. */
  readonly hit: boolean;
  /** Everything in which ledger and destination disagree; empty when the trial held. */
  readonly faults: readonly string[];
}

interface EndedRun {
  readonly run: FinishedRun;
  readonly seqs: readonly number[];
}

/** Which ending a seed stands for. */
function endingOf(seed: number): Ending {
  const random = seededRandom(seed);
  const kind = (["kill_at_point", "kill_at_point", "stop_at_point", "kill_at_random"] as const)[
    Math.floor(random() * 4)
  ];
  const point = CRASH_POINTS[Math.floor(random() * CRASH_POINTS.length)];
  return kind === undefined || kind === "kill_at_random" || point === undefined
    ? { kind: "kill_at_random" }
    : { kind, point };
}

/**
 * One process submits runs and is killed or stopped; another one recovers. Then every run must have ended, and ledger and
 * destination must agree.
 *
 * @param child {@link CRASH_CHILD}, bundled.
 * @param wrap changes the second process's destination: a test breaks the fence with it.
 */
export async function crashTrial(
  child: BundledProcess,
  destination: CrashDestinationName,
  seed: number,
  ending: Ending = endingOf(seed),
  wrap: (connection: Connection) => Connection = (connection) => connection,
): Promise<TrialResult> {
  const random = seededRandom(seed + 1_000_000);
  const folder = await mkdtemp(join(tmpdir(), "millrace-crash-"));
  const place = { ledger: join(folder, "ledger.db"), destination, folder };
  try {
    const sizes = Array.from({ length: 3 }, () => Math.floor(random() ** 3 * 60_000));
    const plan: CrashPlan = {
      ...place,
      leaseMs: LEASE_MS,
      rows: sizes,
      point: ending.kind === "kill_at_random" ? null : ending.point,
      signal: ending.kind === "stop_at_point" ? "SIGSTOP" : "SIGKILL",
    };
    await CRASH_DESTINATIONS[destination].prepare?.(folder);
    const first = child.start(plan);
    const hit = await endFirst(first, ending, random() * LONGEST_RANDOM_KILL_MS);
    const ended = await recover(place, first, wrap, ending.kind === "stop_at_point" && hit);
    const rows = await CRASH_DESTINATIONS[destination].countByTag(folder);
    return {
      ending,
      hit,
      faults: ended.flatMap(({ run, seqs }) => [...rowFaults(run, rows), ...eventFaults(run, seqs)]),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Resolves when the process has died, stopped or finished; true unless it finished. */
async function endFirst(child: ChildProcess, ending: Ending, killAfterMs: number): Promise<boolean> {
  const exited = new Promise<boolean>((resolve) => {
    child.once("exit", (_code, signal) => resolve(signal !== null));
  });
  const stopped = new Promise<boolean>((resolve) => {
    child.on("message", (message) => {
      if (ending.kind === "kill_at_random" && isMessage(message, "submitted")) {
        setTimeout(() => child.kill("SIGKILL"), killAfterMs);
      }
      if (ending.kind === "stop_at_point" && isMessage(message, "reached")) resolve(true);
    });
  });
  return Promise.race([exited, stopped]);
}

async function recover(
  { ledger, destination, folder }: Pick<CrashPlan, "ledger" | "destination" | "folder">,
  first: ChildProcess,
  wrap: (connection: Connection) => Connection,
  stopped: boolean,
): Promise<readonly EndedRun[]> {
  const executor = new JobExecutor({
    engine: new DuckDBEngine({ threads: 1 }),
    store: new SqliteJobStore({ path: ledger }),
    connections: { out: wrap(CRASH_CONNECTIONS[destination](folder)) },
    jobs: [crashJob],
    leaseMs: LEASE_MS,
    logger: recordingLogger().logger,
  });
  await executor.start();
  try {
    if (stopped) {
      // Long enough for the lease to expire and for the other process to take over; then the sleeper wakes.
      await sleep(3 * LEASE_MS);
      first.kill("SIGCONT");
    }
    const { runs } = await executor.listRuns();
    const ended = await Promise.all(runs.map(({ id }) => executor.handle(id).result()));
    if (stopped) await wokenIsDone(first);
    return await Promise.all(
      ended.map(async (run) => {
        const seqs: number[] = [];
        for await (const { seq } of executor.handle(run.id).events()) seqs.push(seq);
        return { run, seqs };
      }),
    );
  } finally {
    await executor.stop();
    first.kill("SIGKILL");
  }
}

// What the sleeper still does must not change what was recorded.
async function wokenIsDone(first: ChildProcess): Promise<void> {
  if (first.exitCode !== null || first.signalCode !== null) return;
  await Promise.race([new Promise((resolve) => first.once("exit", resolve)), sleep(5_000)]);
}

function rowFaults(run: JobRun, rows: ReadonlyMap<string, number>): readonly string[] {
  const found = rows.get(run.parameters["tag"] as string) ?? 0;
  const wanted = run.status === "succeeded" ? Number(run.parameters["rows"]) : 0;
  const faults = found === wanted ? [] : [`run ${run.id} is ${run.status} with ${found} of ${wanted} rows`];
  if (run.status !== "succeeded") faults.push(`run ${run.id} ended as ${run.status}: ${run.error?.message ?? ""}`);
  else if (run.rowsWritten !== wanted) faults.push(`run ${run.id} says ${run.rowsWritten} rows, not ${wanted}`);
  return faults;
}

function eventFaults({ id }: JobRun, seqs: readonly number[]): readonly string[] {
  return seqs.every((seq, index) => seq === index + 1) ? [] : [`the events of run ${id} have gaps: ${seqs.join(", ")}`];
}

function isMessage(message: unknown, key: string): boolean {
  return typeof message === "object" && message !== null && key in message;
}
