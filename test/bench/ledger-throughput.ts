import { join } from "node:path";
import { MemoryJobStore, type JobStore } from "millrace";
import { SqliteJobStore } from "millrace/sqlite";
import { postgresMissing, startPostgres } from "../support/postgres-server.js";
import { atLeast, reported, type Figure } from "./figure.js";
import { millraceQueue } from "./millrace-queue.js";
import { bullmqOnPostgres, bullmqOnRedis } from "./peers/bullmq.js";
import { graphileWorker } from "./peers/graphile-worker.js";
import type { JobQueue, QueueShape } from "./peers/job-queue.js";
import { pgBossLoops } from "./peers/pg-boss.js";
import { startRedis } from "./peers/redis-server.js";
import { millraceOnPostgres, postgresStore } from "./postgres-systems.js";
import { jobsPerSecond, type Contender } from "./queue-throughput.js";
import { scaled } from "./scale.js";
import { storeRunsPerSecond } from "./store-throughput.js";
import { inTemporaryFolder } from "./temporary-folder.js";

const POOL_SIZE = 10;
const SINGLE: QueueShape = { slots: 10, poolSize: POOL_SIZE, batch: 1, callers: 10 };
const BATCHED: QueueShape = { slots: 500, poolSize: POOL_SIZE, batch: 500, callers: 2 };

type Open = (url: string, shape: QueueShape) => Promise<JobQueue>;

/** No-op work through the whole executor on each ledger, beside pg-boss, graphile-worker and BullMQ; then the stores alone. */
export async function ledgerThroughput(): Promise<readonly Figure[]> {
  return inTemporaryFolder(async (folder) => {
    let files = 0;
    const sqliteStore = (): JobStore => new SqliteJobStore({ path: join(folder, `ledger-${(files += 1)}.db`) });
    const memoryStore = (): JobStore => new MemoryJobStore();
    return [
      ...(await local("memory", memoryStore, { runs: scaled(100_000), bound: 50_000 })),
      ...(await local("SQLite", sqliteStore, { runs: scaled(30_000), bound: 10_000 })),
      ...(await onPostgres()),
      ...(await onRedis(folder)),
    ];
  });
}

async function local(
  ledger: string,
  makeStore: () => JobStore,
  { runs, bound }: { readonly runs: number; readonly bound: number },
): Promise<readonly Figure[]> {
  const name = `no-op runs, ${ledger}`;
  const contender = { name, shape: BATCHED, open: (shape: QueueShape) => millraceQueue(makeStore(), shape) };
  const rate = (await jobsPerSecond([contender], runs)).get(name) ?? Number.NaN;
  const alone = await storeRunsPerSecond(async () => makeStore(), runs);
  return [atLeast(name, rate, bound, "runs/s"), reported(`${name}, the store alone`, alone, "runs/s")];
}

async function onPostgres(): Promise<readonly Figure[]> {
  const missing = postgresMissing();
  if (missing !== undefined) {
    console.warn(`NOT MEASURED: everything on Postgres: ${missing}`);
    return [];
  }
  await using server = await startPostgres();
  const pair = async (kind: string, shape: QueueShape, jobs: number): Promise<readonly Figure[]> => {
    const contender = (name: string, open: Open): Contender => {
      return { name, shape, open: async () => open(await server.createDatabase(), shape) };
    };
    const rates = await jobsPerSecond(
      [
        contender("Millrace", millraceOnPostgres),
        contender("graphile-worker", graphileWorker),
        contender("pg-boss", pgBossLoops),
      ],
      jobs,
    );
    const bullmq = await jobsPerSecond([contender("BullMQ on Postgres", bullmqOnPostgres)], Math.ceil(jobs / 10));
    const rate = (name: string): number => rates.get(name) ?? Number.NaN;
    const times = rate("Millrace") / rate("graphile-worker");
    return [
      atLeast(`${kind} on Postgres: times as fast as graphile-worker`, times, 1.5, "×"),
      ...[...rates, ...bullmq].map(([name, value]) => reported(`${kind} on Postgres: ${name}`, value, "jobs/s")),
    ];
  };
  const stores = async (): Promise<JobStore> => postgresStore(await server.createDatabase(), BATCHED);
  return [
    ...(await pair("batched", BATCHED, scaled(30_000))),
    ...(await pair("single", SINGLE, scaled(3_000))),
    reported("no-op runs, Postgres, the store alone", await storeRunsPerSecond(stores, scaled(20_000)), "runs/s"),
  ];
}

async function onRedis(folder: string): Promise<readonly Figure[]> {
  const server = await startRedis(folder);
  if (typeof server === "string") {
    console.warn(`NOT MEASURED: BullMQ on Redis: ${server}`);
    return [];
  }
  await using redis = server;
  const contender = (name: string, shape: QueueShape): Contender => {
    return { name, shape, open: () => bullmqOnRedis(redis.port, shape) };
  };
  const batched = await jobsPerSecond([contender("batched on Redis: BullMQ", BATCHED)], scaled(40_000));
  const single = await jobsPerSecond([contender("single on Redis: BullMQ", SINGLE)], scaled(20_000));
  return [...batched, ...single].map(([name, value]) => reported(name, value, "jobs/s"));
}
