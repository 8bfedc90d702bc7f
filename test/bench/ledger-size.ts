import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { runCursor, systemClock, type JobStore, type RunQuery } from "millrace";
import { SqliteJobStore } from "millrace/sqlite";
import { postgresMissing, startPostgres } from "../support/postgres-server.js";
import { atLeast, atMost, median, reported, type Figure } from "./figure.js";
import { seedLedger } from "./ledger-seed.js";
import { postgresTables, sqliteTables, type LedgerTablesAccess } from "./ledger-tables.js";
import { postgresStore } from "./postgres-systems.js";
import { scaled } from "./scale.js";
import { newRun } from "./store-throughput.js";
import { inTemporaryFolder } from "./temporary-folder.js";

/** Below a scale of 0.03 there are too few runs for the claims. */
const SIZE = { finished: scaled(5_000_000), pending: scaled(1_000_000) };

const PAGE = 50;
const PAGE_ROUNDS = 30;
const CLAIM_ROUNDS = 5;
/** How many runs one act of a claim takes, and how many acts a round has. */
const CLAIMS = [
  { limit: 1, acts: 500 },
  { limit: 100, acts: 50 },
] as const;

/** Claims and pages of a ledger with 1 M pending and 5 M finished runs. */
export async function ledgerSize(): Promise<readonly Figure[]> {
  return inTemporaryFolder(async (folder) => {
    const sqlite = async (name: string): Promise<Ledger> => {
      const path = join(folder, name);
      return opened(new SqliteJobStore({ path }), () => sqliteTables(path));
    };
    const figures = [...(await measure(await sqlite("large.db"), await sqlite("empty.db")))];
    const missing = postgresMissing();
    if (missing !== undefined) {
      console.warn(`NOT MEASURED: everything on Postgres: ${missing}`);
      return figures;
    }
    // For the filling: checkpoints would only make it longer.
    await using server = await startPostgres({ settings: { max_wal_size: "16GB" } });
    const postgres = async (): Promise<Ledger> => {
      const url = await server.createDatabase();
      return opened(postgresStore(url, { poolSize: 10 }), () => postgresTables(url));
    };
    figures.push(...(await measure(await postgres(), await postgres())));
    return figures;
  });
}

interface Ledger extends AsyncDisposable {
  readonly store: JobStore;
  readonly tables: LedgerTablesAccess;
}

async function opened(
  store: JobStore,
  access: () => LedgerTablesAccess | Promise<LedgerTablesAccess>,
): Promise<Ledger> {
  await store.open({ clock: systemClock });
  const tables = await access();
  return {
    store,
    tables,
    [Symbol.asyncDispose]: async () => {
      await tables[Symbol.asyncDispose]();
      await store.close();
    },
  };
}

async function measure(large: Ledger, empty: Ledger): Promise<readonly Figure[]> {
  await using _large = large;
  await using _empty = empty;
  const { kind } = large.tables;
  const from = performance.now();
  await seedLedger(large.tables, SIZE);
  const seconds = (performance.now() - from) / 1_000;
  return [
    reported(`${kind}, filling the ledger`, seconds, "s"),
    ...(await pages(large)),
    ...(await claims(large, empty)),
  ];
}

async function claims(large: Ledger, empty: Ledger): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  const { kind } = large.tables;
  for (const { limit, acts } of CLAIMS) {
    const rates = { large: [] as number[], empty: [] as number[] };
    for (let round = 0; round < CLAIM_ROUNDS; round += 1) {
      await empty.store.createRuns(Array.from({ length: limit * acts }, newRun));
      if (round === 0) await empty.tables.settle();
      rates.empty.push(await claimsPerSecond(empty.store, limit, acts));
      rates.large.push(await claimsPerSecond(large.store, limit, acts));
    }
    const name = `${kind}, claims of ${limit}`;
    figures.push(
      atLeast(`${name}: of the empty ledger's throughput`, median(rates.large) / median(rates.empty), 0.8, "×"),
      reported(`${name}: in the large ledger`, median(rates.large), "runs/s"),
    );
  }
  return figures;
}

async function claimsPerSecond(store: JobStore, limit: number, acts: number): Promise<number> {
  const from = performance.now();
  for (let act = 0; act < acts; act += 1) {
    const runs = await store.claimRuns({ owner: "bench", limit, leaseMs: 3_600_000, connections: ["out"] });
    if (runs.length !== limit) throw new Error(`${runs.length} runs were claimed instead of ${limit}`);
  }
  return (limit * acts) / ((performance.now() - from) / 1_000);
}

/** The filters of a page, as a query and as the same condition in SQL. */
const FILTERS: Readonly<Record<string, { readonly query: RunQuery; readonly where: string }>> = {
  "no filter": { query: {}, where: "true" },
  "of a job": { query: { jobName: "job_7" }, where: "job_name = 'job_7'" },
  "of a rare job": { query: { jobName: "rare" }, where: "job_name = 'rare'" },
  succeeded: { query: { status: "succeeded" }, where: "status = 'succeeded'" },
  "failed or cancelled": {
    query: { status: ["failed", "cancelled"] },
    where: "status in ('failed', 'cancelled')",
  },
  pending: { query: { status: "pending" }, where: "status = 'pending'" },
  "failed, of a job": {
    query: { jobName: "job_3", status: "failed" },
    where: "job_name = 'job_3' and status = 'failed'",
  },
};

/**
 * `listRuns` for 50 runs, from the call to the runs as values, beside the reading of the same 50 rows by primary key in
 * one prepared statement of the bare driver, whose rows are left as they are.
 */
async function pages({ store, tables }: Ledger): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const [filter, { query, where }] of Object.entries(FILTERS)) {
    const cursors = await cursorsOf(tables, where);
    for (const [place, cursor] of cursors) {
      const page = { ...query, limit: PAGE, ...(cursor !== undefined && { cursor: runCursor(cursor) }) };
      const before = cursor === undefined ? "" : `and seq < ${cursor}`;
      const found = `select seq from millrace_runs where ${where} ${before} order by seq desc limit ${PAGE}`;
      const seqs = await tables.numbers(found);
      const times = { page: [] as number[], byKey: [] as number[] };
      for (let round = 0; round < PAGE_ROUNDS; round += 1) {
        const start = performance.now();
        const { runs } = await store.listRuns(page);
        const between = performance.now();
        const count = await tables.readByKey(seqs);
        times.page.push(between - start);
        times.byKey.push(performance.now() - between);
        if (runs.length !== seqs.length || count !== seqs.length) throw new Error(`a page of ${runs.length} runs`);
      }
      const ratio = median(times.page) / median(times.byKey);
      figures.push(atMost(`${tables.kind}, page, ${filter}, ${place}: times a read by key`, ratio, 5, "×"));
    }
  }
  return figures;
}

/** The numbers before which the pages at the start, in the middle and at the end of a list stand. */
async function cursorsOf(tables: LedgerTablesAccess, where: string): Promise<readonly [string, number | undefined][]> {
  const [count = 0] = await tables.numbers(`select count(*) from millrace_runs where ${where}`);
  const nth = async (offset: number): Promise<number | undefined> => {
    return (
      await tables.numbers(`select seq from millrace_runs where ${where} order by seq limit 1 offset ${offset}`)
    )[0];
  };
  if (count <= 2 * PAGE) return [["start", undefined]];
  return [
    ["start", undefined],
    ["middle", await nth(Math.floor(count / 2))],
    ["end", await nth(PAGE)],
  ];
}
