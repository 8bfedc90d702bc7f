import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Runner, WorkerUtils } from "graphile-worker";
import type { JobQueue, QueueShape } from "./job-queue.js";

const LOOK_AGAIN_MS = 2;

/**
 * graphile-worker with its own recommendations for speed: no log line per job, prepared statements; for batched work also
 * a local queue of one batch and completions in batches, as soon as there are some.
 */
export async function graphileWorker(url: string, { slots, poolSize, batch }: QueueShape): Promise<JobQueue> {
  // Read once, when the module is loaded.
  process.env["NO_LOG_SUCCESS"] = "1";
  const { Logger, makeWorkerUtils, run } = await import("graphile-worker");
  const pgPool = new pg.Pool({ connectionString: url, max: poolSize });
  // It warns of a pool without these.
  pgPool.on("error", () => undefined).on("connect", (client) => client.on("error", () => undefined));
  const logger = new Logger(() => () => undefined);
  const utils: WorkerUtils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
  const watcher = new pg.Client({ connectionString: url });
  await watcher.connect();
  let runner: Runner | undefined;
  let executed = 0;
  return {
    work: async (onStart) => {
      runner = await run({
        pgPool,
        logger,
        noHandleSignals: true,
        preset: {
          worker: {
            concurrentJobs: slots,
            ...(batch > 1 && { localQueue: { size: batch }, completeJobBatchDelay: 0 }),
          },
        },
        taskList: {
          no_op: () => {
            executed += 1;
            onStart();
          },
        },
      });
    },
    submit: async (count) => {
      if (count === 1) await utils.addJob("no_op", {});
      else await utils.addJobs(Array.from({ length: count }, () => ({ identifier: "no_op", payload: {} })));
    },
    done: async (count) => {
      // Completed jobs are deleted, after `job:complete` was told.
      const left = { name: "left", text: "select 1 from graphile_worker._private_jobs limit 1" };
      while (executed < count || (await watcher.query(left)).rowCount !== 0) await sleep(LOOK_AGAIN_MS);
    },
    counted: async () => {
      const { rows } = await watcher.query<{ left: number }>(
        "select count(*)::int as left from graphile_worker._private_jobs",
      );
      return executed - (rows[0]?.left ?? Number.NaN);
    },
    [Symbol.asyncDispose]: async () => {
      await runner?.stop();
      await utils.release();
      await watcher.end();
      await pgPool.end();
    },
  };
}
