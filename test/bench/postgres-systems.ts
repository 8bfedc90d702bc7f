import type { JobStore } from "millrace";
import { PostgresJobStore } from "millrace/postgres";
import { millraceQueue, type Role } from "./millrace-queue.js";
import { graphileWorker } from "./peers/graphile-worker.js";
import type { JobQueue, QueueShape } from "./peers/job-queue.js";
import { pgBossWorker } from "./peers/pg-boss.js";

export function postgresStore(url: string, { poolSize }: Pick<QueueShape, "poolSize">): JobStore {
  return new PostgresJobStore({ config: { connectionString: url, max: poolSize } });
}

export function millraceOnPostgres(url: string, shape: QueueShape, role?: Role): Promise<JobQueue> {
  return millraceQueue(postgresStore(url, shape), shape, role);
}

/** The systems whose latency is measured across two processes, by name: one that submits, one that works. */
export const SYSTEMS = {
  Millrace: millraceOnPostgres,
  "graphile-worker": graphileWorker,
  "pg-boss": pgBossWorker,
} satisfies Readonly<Record<string, (url: string, shape: QueueShape, role: Role) => Promise<JobQueue>>>;

export type SystemName = keyof typeof SYSTEMS;
