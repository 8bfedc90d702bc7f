import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunEvent } from "../../src/model/run-event.js";
import { describeMysql } from "../support/describe-mysql.js";
import { describePostgres } from "../support/describe-postgres.js";
import { startMariadb, type MariadbServer } from "../support/mariadb-server.js";
import { startPostgres, type PostgresServer } from "../support/postgres-server.js";
import { chaosTrial, type ChaosOptions, type ChaosReport } from "./chaos-trial.js";
import type { Violation } from "./history.js";
import { mysqlLedger, postgresLedger } from "./ledger-under-test.js";

// `npm run soak:chaos` sets 20 seeds, each then with 500 runs. A seed is tried again with MILLRACE_CHAOS_SEED=<seed>
// MILLRACE_CHAOS_SEEDS=1 MILLRACE_CHAOS_RUNS=500: its plan is the same, while the processes meet in other ways each time.
const FIRST_SEED = Number(process.env["MILLRACE_CHAOS_SEED"] ?? 1);
const SEEDS = Number(process.env["MILLRACE_CHAOS_SEEDS"] ?? 1);
const RUNS = Number(process.env["MILLRACE_CHAOS_RUNS"] ?? (SEEDS > 1 ? 500 : 100));
/** Many times what a trial takes on an idle machine. */
const TRIAL_MS = 60_000 + RUNS * 400;
const BROKEN_TRIES = 8;
const BROKEN_RUNS = 60;

describe("many processes on one ledger in a SQLite file", () => {
  it(`keeps the laws in ${SEEDS} seeds of ${RUNS} runs from seed ${FIRST_SEED}`, () => holds({}), SEEDS * 2 * TRIAL_MS);

  // Each of them needs several workers, paused past their leases with a commit on its way.
  it.each(["fence", "lease"] as const)(
    "is a real proof: without the %s the same trial finds runs that the ledger lies about",
    async (broken) => {
      const found = new Set<string>();
      for (let seed = 1; seed <= BROKEN_TRIES && !(found.has("commits") || found.has("rows")); seed += 1) {
        const { violations } = await chaosTrial(seed, {
          runs: BROKEN_RUNS,
          per100Runs: { pause_at: 20 },
          points: ["permit:after"],
          lateMs: 1_500,
          broken,
          timeoutMs: TRIAL_MS,
        });
        for (const { rule } of violations) found.add(rule);
      }
      expect([...found]).toContainEqual(expect.stringMatching(/^(commits|rows)$/));
    },
    BROKEN_TRIES * 2 * TRIAL_MS,
  );
});

describePostgres("many processes on one ledger in Postgres", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it(
    `keeps the laws in ${SEEDS} seeds of ${RUNS} runs from seed ${FIRST_SEED}`,
    () => holds({ ledger: () => postgresLedger(server) }),
    SEEDS * 2 * TRIAL_MS,
  );
});

describeMysql("many processes on one ledger in MySQL or MariaDB", () => {
  let server: MariadbServer;
  beforeAll(async () => {
    server = await startMariadb();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it(
    `keeps the laws in ${SEEDS} seeds of ${RUNS} runs from seed ${FIRST_SEED}`,
    () => holds({ ledger: () => mysqlLedger(server) }),
    SEEDS * 2 * TRIAL_MS,
  );
});

async function holds(options: Pick<ChaosOptions, "ledger">): Promise<void> {
  const totals: Record<string, number> = {};
  const failed: string[] = [];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
    const report = await chaosTrial(seed, { ...options, runs: RUNS, timeoutMs: TRIAL_MS });
    for (const [what, count] of Object.entries(report.counts)) totals[what] = (totals[what] ?? 0) + count;
    failed.push(...faultsOf(seed, report));
    if (SEEDS > 1) console.log(`seed ${seed}: ${report.tookMs} ms`, countsOf(report.violations));
  }
  console.log("windows hit, and what came of them:", totals);
  expect(failed).toEqual([]);
}

/** How many violations there are of each rule. */
function countsOf(violations: readonly Violation[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { rule } of violations) counts[rule] = (counts[rule] ?? 0) + 1;
  return counts;
}

function faultsOf(seed: number, { violations, events }: ChaosReport): readonly string[] {
  return violations.map(({ rule, runId, message }) => {
    const log = runId === null ? [] : events(runId).map(inOneLine);
    return [`seed ${seed}, ${rule}, run ${runId ?? "none"}: ${message}`, ...log].join("\n  ");
  });
}

function inOneLine({ seq, at, runId: _, ...rest }: RunEvent): string {
  return `${seq} ${at.toISOString()} ${JSON.stringify(rest)}`;
}
