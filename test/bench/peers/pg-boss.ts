import { setTimeout as sleep } from "node:timers/promises";
import PgBoss from "pg-boss";
import type { JobQueue, QueueShape } from "./job-queue.js";

const QUEUE = "no_op";
const LOOK_AGAIN_MS = 1;
/** Its smallest. */
const POLL_SECONDS = 0.5;

/**
 * pg-boss for throughput. Its `work` sleeps up to half a second between two batches, so loops over `fetch` and `complete`
 * work here, which is the faster way: one loop for each slot, or for each caller's batch.
 */
export async function pgBossLoops(url: string, shape: QueueShape): Promise<JobQueue> {
  const { boss, queue } = await open(url, shape);
  const loops: Promise<void>[] = [];
  let stopped = false;
  let completed = 0;
  const loop = async (onStart: () => void): Promise<void> => {
    while (!stopped) {
      const jobs = await boss.fetch(QUEUE, { batchSize: shape.batch });
      if (jobs.length === 0) await sleep(LOOK_AGAIN_MS);
      for (let job = 0; job < jobs.length; job += 1) onStart();
      if (jobs.length > 0)
        await boss.complete(
          QUEUE,
          jobs.map(({ id }) => id),
        );
      completed += jobs.length;
    }
  };
  const count = shape.batch > 1 ? shape.callers : shape.slots;
  return {
    ...queue,
    work: async (onStart) => {
      for (let index = 0; index < count; index += 1) loops.push(loop(onStart));
    },
    done: async (count) => {
      while (completed < count) await sleep(LOOK_AGAIN_MS);
    },
    [Symbol.asyncDispose]: async () => {
      stopped = true;
      await Promise.all(loops);
      await queue[Symbol.asyncDispose]();
    },
  };
}

/** pg-boss for latency: its `work`, polling as often as it lets one. */
export async function pgBossWorker(url: string, shape: QueueShape): Promise<JobQueue> {
  const { boss, queue } = await open(url, shape);
  return {
    ...queue,
    work: async (onStart) => {
      await boss.work(QUEUE, { pollingIntervalSeconds: POLL_SECONDS }, async () => onStart());
    },
  };
}

async function open(url: string, { poolSize }: QueueShape) {
  // Without its maintenance, which the other systems do not have either.
  const boss = new PgBoss({ connectionString: url, max: poolSize, supervise: false, schedule: false });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  await boss.createQueue(QUEUE);
  const counted = async (): Promise<number> => {
    const text = "select count(*)::int as count from pgboss.job where name = $1 and state = 'completed'";
    const rows = (await boss.getDb().executeSql(text, [QUEUE])).rows as readonly { readonly count: number }[];
    return rows[0]?.count ?? Number.NaN;
  };
  const queue: JobQueue = {
    work: async () => undefined,
    submit: async (count) => {
      if (count === 1) await boss.send(QUEUE, {});
      else await boss.insert(Array.from({ length: count }, () => ({ name: QUEUE, data: {} })));
    },
    done: async (count) => {
      while ((await counted()) < count) await sleep(LOOK_AGAIN_MS);
    },
    counted,
    [Symbol.asyncDispose]: async () => {
      await boss.stop({ graceful: true, wait: true });
    },
  };
  return { boss, queue };
}
