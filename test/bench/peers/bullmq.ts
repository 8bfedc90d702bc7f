import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createPostgresBackend, Queue, Worker } from "bullmq";
import type { JobQueue, QueueShape } from "./job-queue.js";

const QUEUE = "no_op";
const LOOK_AGAIN_MS = 2;

/** What the two backends have in common. */
interface Parts {
  readonly queue: Pick<Queue, "add" | "addBulk" | "getCompletedCount" | "waitUntilReady" | "close">;
  readonly worker: (process: () => Promise<void>, concurrency: number) => Working;
}

interface Working {
  on(event: "completed", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}

/** BullMQ on Redis: nothing is durable but what Redis' own settings make so. */
export function bullmqOnRedis(port: number, shape: QueueShape): Promise<JobQueue> {
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  // The server serves many measurements: each has keys of its own.
  const prefix = randomUUID();
  return bullmq(shape, {
    queue: new Queue(QUEUE, { connection, prefix }),
    worker: (process, concurrency) => new Worker(QUEUE, process, { connection, prefix, concurrency }),
  });
}

/** BullMQ on Postgres. Its queue and its worker have a pool each. */
export function bullmqOnPostgres(url: string, shape: QueueShape): Promise<JobQueue> {
  const connection = { connectionString: url, max: shape.poolSize, migrate: true };
  return bullmq(shape, {
    queue: new Queue(QUEUE, { connection }, createPostgresBackend),
    worker: (process, concurrency) => new Worker(QUEUE, process, { connection, concurrency }, createPostgresBackend),
  });
}

async function bullmq({ slots }: QueueShape, { queue, worker }: Parts): Promise<JobQueue> {
  await queue.waitUntilReady();
  let working: Working | undefined;
  let completed = 0;
  return {
    work: async (onStart) => {
      working = worker(async () => onStart(), slots);
      working.on("completed", () => (completed += 1));
      working.on("error", (error) => console.error(error));
    },
    submit: async (count) => {
      if (count === 1) await queue.add(QUEUE, {});
      else await queue.addBulk(Array.from({ length: count }, () => ({ name: QUEUE, data: {} })));
    },
    done: async (count) => {
      // Told when the completion is stored.
      while (completed < count) await sleep(LOOK_AGAIN_MS);
    },
    counted: () => queue.getCompletedCount(),
    [Symbol.asyncDispose]: async () => {
      await working?.close();
      await queue.close();
    },
  };
}
