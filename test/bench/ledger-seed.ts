import type { LedgerTablesAccess } from "./ledger-tables.js";
import { newRun } from "./store-throughput.js";

export interface SeedSize {
  readonly finished: number;
  readonly pending: number;
}

/** Every so many seeded runs, one is of a job that is rare. */
const RARE_EVERY = 100_000;

/**
 * Fills the tables of an empty ledger: first runs that have finished (90 % succeeded, 8 % failed, 2 % cancelled), then
 * runs that are ready to be claimed; ten jobs by turns and a rare one; each run with its definition and its log.
 */
export async function seedLedger(tables: LedgerTablesAccess, { finished, pending }: SeedSize): Promise<void> {
  const indexes = await tables.indexes();
  for (const { name } of indexes) await tables.execute(`drop index ${name}`);
  const { hex, count } = GENERATORS[tables.kind];
  const id = `'01900000-0000-7000-8000-' || ${hex}`;
  const job = `case when i % ${RARE_EVERY} = 0 then 'rare' else 'job_' || (i % 10) end`;
  const status = "case when i % 50 < 4 then 'failed' when i % 50 = 4 then 'cancelled' else 'succeeded' end";
  const error = `case when i % 50 < 4 then '${JSON.stringify(ERROR)}' end`;
  const run = newRun();
  const connections = JSON.stringify(run.connections);
  const base = Date.now() - 3_600_000;
  const common = `id, job_name, definition_hash, status, listed_as, attempt, recoveries, priority, connections, queue,
    created_at, started_at, finished_at, rows_written, error, commit_id, epoch, last_event_seq`;
  await tables.execute(`
    insert into millrace_runs (${common})
    select ${id}, ${job}, '${run.definitionHash}', ${status}, ${status}, 1, 0, 0, '${connections}', null,
      ${base} + i, ${base} + i + 5, ${base} + i + 10, case when i % 50 > 4 then 0 end, ${error},
      case when i % 50 > 4 then ${id} end, 1, 4
    from (${count(1, finished)}) as numbers`);
  await tables.execute(`
    insert into millrace_runs (${common})
    select ${id}, ${job}, '${run.definitionHash}', 'pending', 'pending', 0, 0, 0, '${connections}', 'ready',
      ${base} + i, null, null, null, null, null, 0, 1
    from (${count(finished + 1, finished + pending)}) as numbers`);
  await tables.execute(`
    insert into millrace_run_definitions (run_seq, definition, parameters)
    select seq, '${JSON.stringify(run.definition)}', '{}' from millrace_runs order by seq`);
  await tables.execute(`
    insert into millrace_run_events (run_seq, seq, at, attempt, body)
    select r.seq, e.number, r.created_at + e.number, case when e.number = 1 then 0 else 1 end, e.body
    from millrace_runs r cross join (${EVENTS}) as e
    where e.number <= r.last_event_seq order by r.seq, e.number`);
  for (const { sql } of indexes) await tables.execute(sql);
  await tables.settle();
}

const ERROR = { code: "query_failed", message: "The query failed", hint: "Look at the message.", retryable: false };

const EVENTS = [
  { type: "run.pending", jobName: "job_1" },
  { type: "run.running", attempt: 1 },
  { type: "run.committing", commitId: "01900000-0000-7000-8000-000000000000", rowsStaged: 0 },
  { type: "run.succeeded", rowsWritten: 0, snapshotId: null },
]
  .map((body, index) => `select ${index + 1} as number, '${JSON.stringify(body)}' as body`)
  .join(" union all ");

const GENERATORS = {
  SQLite: {
    hex: "printf('%012x', i)",
    count: (from: number, to: number) =>
      `with recursive n(i) as (select ${from} union all select i + 1 from n where i < ${to}) select i from n`,
  },
  Postgres: {
    hex: "lpad(to_hex(i), 12, '0')",
    count: (from: number, to: number) => `select i from generate_series(${from}, ${to}) as i`,
  },
};
