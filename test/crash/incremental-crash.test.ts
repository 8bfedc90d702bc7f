import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DuckDBEngine } from "../../src/adapters/duckdb/entry.js";
import { SqliteJobStore } from "../../src/adapters/sqlite/entry.js";
import { JobExecutor } from "../../src/executor/job-executor.js";
import type { CrashPoint } from "../../src/testing/crash-points.js";
import { recordingLogger } from "../support/executor-harness.js";
import { bundledProcess } from "../support/bundled-process.js";
import { CRASH_CONNECTIONS } from "./destinations/crash-connections.js";
import { CRASH_DESTINATION_NAMES, CRASH_DESTINATIONS } from "./destinations/crash-destinations.js";
import type { IncrementalPlan } from "./incremental-child.js";
import { incrementalJob, ROWS_PER_RUN } from "./incremental-job.js";

const LEASE_MS = 400;
const FIRST_RUNS = 3;
const SECOND_RUNS = 2;

const bundle = await bundledProcess(new URL("./incremental-child.ts", import.meta.url));
afterAll(() => bundle[Symbol.asyncDispose]());

interface Trial extends Pick<IncrementalPlan, "destination" | "signal"> {
  readonly point: CrashPoint;
  /** Whether the second process works on the first one's ledger, or on one of its own. */
  readonly ledger: "same" | "own";
}

/**
 * One process runs the job and is killed or stopped at the second passing of a point; another goes on.
 *
 * @returns how many runs succeeded in the second one's ledger, and how often each row is in the destination.
 */
async function trial({ destination, point, signal, ledger }: Trial) {
  const folder = await mkdtemp(join(tmpdir(), "millrace-incremental-"));
  const first = join(folder, "ledger.db");
  // With nobody to take its run over, a long lease leaves it to the destination alone to keep the sleeper out.
  const leaseMs = ledger === "same" ? LEASE_MS : 30_000;
  const plan = { ledger: first, destination, folder, leaseMs, runs: FIRST_RUNS, point, passing: 2, signal };
  await CRASH_DESTINATIONS[destination].prepare?.(folder);
  const child = bundle.start(plan);
  const gone = once(child, "exit");
  try {
    await once(child, "message");
    if (signal === "SIGKILL") await gone;
    const executor = new JobExecutor({
      engine: new DuckDBEngine({ threads: 1 }),
      store: new SqliteJobStore({ path: ledger === "same" ? first : join(folder, "other.db") }),
      connections: { out: CRASH_CONNECTIONS[destination](folder) },
      jobs: [incrementalJob],
      leaseMs: LEASE_MS,
      logger: recordingLogger().logger,
    });
    await executor.start();
    const wake = () => child.kill("SIGCONT");
    // On one ledger its runs, and perhaps its locks, are waited for.
    if (signal === "SIGSTOP" && ledger === "same") setTimeout(wake, 3 * LEASE_MS);
    for (let run = 0; run < SECOND_RUNS; run++) await (await executor.submitOrThrow("incremental")).result();
    if (ledger === "own") wake();
    await gone;
    const { runs } = await executor.listRuns();
    const ended = await Promise.all(runs.map(({ id }) => executor.handle(id).result()));
    await executor.stop();
    return { ended, rows: await CRASH_DESTINATIONS[destination].countByTag(folder) };
  } finally {
    child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  }
}

/** Of each of the numbers from 1 on one row, and of no other. */
function expectEachOnce(rows: ReadonlyMap<string, number>, runs: number): void {
  const expected = Array.from({ length: runs * ROWS_PER_RUN }, (_, index) => [String(index + 1), 1] as const);
  expect(rows).toEqual(new Map(expected));
}

describe.concurrent.each(CRASH_DESTINATION_NAMES)("a job with state loads each row once: %s", (destination) => {
  beforeAll(() => CRASH_DESTINATIONS[destination].start?.());

  it.each(["destination.first-batch", "permit:after", "commit:after"] as const)(
    "when its process is killed at %s and another recovers its ledger",
    async (point) => {
      const { ended, rows } = await trial({ destination, point, signal: "SIGKILL", ledger: "same" });
      expect(ended.map(({ status, error }) => error ?? status)).toEqual(ended.map(() => "succeeded"));
      expectEachOnce(rows, FIRST_RUNS + SECOND_RUNS);
    },
    60_000,
  );

  it("when its process is stopped with the permit in hand past its lease, and wakes when another has gone on", async () => {
    const { ended, rows } = await trial({ destination, point: "permit:after", signal: "SIGSTOP", ledger: "same" });
    expect(ended.map(({ status, error }) => error ?? status)).toEqual(ended.map(() => "succeeded"));
    expectEachOnce(rows, FIRST_RUNS + SECOND_RUNS);
  }, 60_000);

  it("when its process is stopped before it writes, and another with a ledger of its own has gone ahead", async () => {
    const { rows } = await trial({ destination, point: "destination.write:before", signal: "SIGSTOP", ledger: "own" });
    // Of both: who was overtaken began again.
    expectEachOnce(rows, FIRST_RUNS + SECOND_RUNS);
  }, 60_000);
});
