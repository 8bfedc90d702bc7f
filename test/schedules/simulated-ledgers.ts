import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryJobStore } from "../../src/adapters/memory/memory-job-store.js";
import { MySqlJobStore } from "../../src/adapters/mysql/mysql-job-store.js";
import { PostgresJobStore } from "../../src/adapters/postgres/postgres-job-store.js";
import { SqliteJobStore } from "../../src/adapters/sqlite/sqlite-job-store.js";
import type { JobStore } from "../../src/ports/job-store.js";
import { DatabaseClock as MySqlClock } from "../adapters/mysql/ledger/database-clock.js";
import { DatabaseClock as PostgresClock } from "../adapters/postgres/database-clock.js";
import { startMariadb } from "../support/mariadb-server.js";
import { startPostgres } from "../support/postgres-server.js";
import { SimulatedClock } from "./simulated-clock.js";

/** A ledger whose time is the simulation's. */
export interface SimulatedLedger extends AsyncDisposable {
  readonly clock: SimulatedClock;
  /** A store as one process has it. */
  store(): JobStore;
  /** What becomes of a store when its process is killed. */
  end(store: JobStore): Promise<void>;
}

const START = Date.UTC(2026, 0, 1);

/** By name, each empty. */
export const SIMULATED_LEDGERS = {
  memory: async () => {
    // It outlives every process.
    const store = new MemoryJobStore();
    return { clock: new SimulatedClock(START), store: () => store, end: async () => {}, ...disposedBy() };
  },
  SQLite: async () => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-years-"));
    const path = join(folder, "ledger.db");
    const clock = new SimulatedClock(START);
    return {
      clock,
      store: () => new SqliteJobStore({ path }),
      end: closed,
      ...disposedBy(() => rm(folder, { recursive: true })),
    };
  },
  Postgres: async () => {
    const server = await startPostgres({ fsync: false });
    const url = await server.createDatabase();
    const database = await PostgresClock.of(url);
    const clock = new SimulatedClock(START, (time) => {
      database.jumpTo(time);
      return database.advance(0);
    });
    const dispose = async (): Promise<void> => {
      await database.close();
      await server[Symbol.asyncDispose]();
    };
    return { clock, store: () => new PostgresJobStore({ url }), end: closed, ...disposedBy(dispose) };
  },
  MariaDB: async () => {
    // Of a store that ends, the host's pool keeps its connections.
    const server = await startMariadb({ fsync: false, settings: { max_connections: "2000" } });
    const database = new MySqlClock(await server.createDatabase());
    const clock = new SimulatedClock(START, async (time) => database.jumpTo(time));
    const dispose = async (): Promise<void> => {
      await database.close();
      await server[Symbol.asyncDispose]();
    };
    return { clock, store: () => new MySqlJobStore({ pool: database.pool() }), end: closed, ...disposedBy(dispose) };
  },
} satisfies Readonly<Record<string, () => Promise<SimulatedLedger>>>;

export type SimulatedLedgerName = keyof typeof SIMULATED_LEDGERS;

function closed(store: JobStore): Promise<void> {
  return store.close();
}

function disposedBy(dispose: () => Promise<unknown> = async () => undefined): AsyncDisposable {
  return { [Symbol.asyncDispose]: async () => void (await dispose()) };
}
