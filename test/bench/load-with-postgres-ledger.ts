import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { defineJob, JobExecutor } from "millrace";
import { DuckDBEngine } from "millrace/duckdb";
import { sqlite } from "millrace/sqlite";
import { postgresMissing, startPostgres } from "../support/postgres-server.js";
import { atMost, median, reported, type Figure } from "./figure.js";
import { postgresStore } from "./postgres-systems.js";
import { inTemporaryFolder } from "./temporary-folder.js";
import { tellingCalls, type StoreCall } from "./watched-store.js";

const ROWS = 1_000_000;
const ROUNDS = 5;

/**
 * 1 M rows into SQLite with a ledger on Postgres: what part of a run, from the call of submit to the answer of the move to
 * its end, is spent in calls of the ledger. Bounded for the calls that the run waits for; those made beside it while the
 * rows move (progress, lease, polls, the follower of the result) are reported together with them.
 */
export async function loadWithPostgresLedger(): Promise<readonly Figure[]> {
  const missing = postgresMissing();
  if (missing !== undefined) {
    console.warn(`NOT MEASURED: ${missing}`);
    return [];
  }
  await using server = await startPostgres();
  const url = await server.createDatabase();
  return await inTemporaryFolder(async (folder) => {
    const calls: StoreCall[] = [];
    const job = defineJob({
      name: "load",
      query:
        "select i as id, i % 1000 as code, i * 0.5 as amount, 'name ' || (i % 5000) as name, i * 7 as other from range({rows}) t(i)",
      params: { rows: "BIGINT" },
      destination: { table: "out.t", mode: "overwrite", createIfMissing: true },
    });
    const executor = new JobExecutor({
      engine: new DuckDBEngine(),
      store: tellingCalls(postgresStore(url, { poolSize: 10 }), (call) => calls.push(call)),
      connections: { out: sqlite(join(folder, "out.db"), { access: "read_write" }) },
      jobs: [job],
    });
    await executor.start();
    const runTimes: number[] = [];
    const waited: number[] = [];
    const all: number[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      calls.length = 0;
      const from = performance.now();
      const { id } = await executor.submitOrThrow("load", { rows: ROWS });
      const run = await executor.handle(id).result();
      if (run.status !== "succeeded" || run.rowsWritten !== ROWS) throw new Error(`the run ended as ${run.status}`);
      const to = calls.findLast(({ method }) => method === "transition")?.to ?? Number.NaN;
      if (round === 0) continue;
      runTimes.push(to - from);
      waited.push(coveredMs(calls.filter(isWaitedFor), from, to));
      all.push(coveredMs(calls, from, to));
    }
    await executor.stop();
    const name = "1 M rows into SQLite, Postgres ledger";
    return [
      atMost(`${name}: waiting for the ledger`, (100 * median(waited)) / median(runTimes), 1, "%"),
      reported(`${name}: with a call under way`, (100 * median(all)) / median(runTimes), "%"),
      reported(`${name}: a run`, median(runTimes), "ms"),
      reported(`${name}: waiting for the ledger`, median(waited), "ms"),
    ];
  });
}

/** The run exists, is claimed, may commit, has ended: it stands still until the ledger has answered. */
function isWaitedFor({ method, answer }: StoreCall): boolean {
  return ["createRuns", "transition"].includes(method) || (method === "claimRuns" && isFull(answer));
}

function isFull(answer: unknown): boolean {
  return Array.isArray(answer) && answer.length > 0;
}

/** For how long at least one call was under way between two moments. */
function coveredMs(calls: readonly StoreCall[], from: number, to: number): number {
  let covered = 0;
  let until = from;
  for (const call of [...calls].sort((left, right) => left.from - right.from)) {
    const end = Math.min(call.to, to);
    if (end <= until) continue;
    covered += end - Math.max(call.from, until);
    until = end;
  }
  return covered;
}
