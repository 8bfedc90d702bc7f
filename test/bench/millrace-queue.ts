import { setTimeout as sleep } from "node:timers/promises";
import { JobExecutor, type JobExecutorOptions, type JobStore } from "millrace";
import { NO_OP, NoOpDestination, NoOpEngine } from "./no-op-work.js";
import type { JobQueue, QueueShape } from "./peers/job-queue.js";
import { tellingEnds } from "./watched-store.js";

export type Role = NonNullable<JobExecutorOptions["role"]>;

const LOOK_AGAIN_MS = 2;

/** The executor as a queue: whole, but with an engine and a destination that do nothing. */
export async function millraceQueue(store: JobStore, { slots }: QueueShape, role: Role = "both"): Promise<JobQueue> {
  let ended = 0;
  let onStart: () => void = () => undefined;
  const destination = new NoOpDestination();
  const executor = new JobExecutor({
    engine: new NoOpEngine(() => onStart()),
    store: tellingEnds(store, () => (ended += 1)),
    connections: { out: destination.connection() },
    jobs: [NO_OP],
    role,
    maxConcurrentRuns: slots,
  });
  await executor.start();
  return {
    work: async (listener) => {
      onStart = listener;
    },
    submit: async (count) => {
      if (count === 1) {
        await executor.submitOrThrow("no_op");
        return;
      }
      const items = Array.from({ length: count }, () => ({ name: "no_op" }) as const);
      for (const submitted of await executor.submitMany(items)) if (submitted.isErr()) throw submitted.error;
    },
    done: async (count) => {
      while (ended < count) await sleep(LOOK_AGAIN_MS);
    },
    counted: async () => {
      let found = 0;
      for (let cursor: string | undefined; ;) {
        const page = await executor.listRuns({ status: "succeeded", limit: 1_000, ...(cursor && { cursor }) });
        found += page.runs.length;
        if ((cursor = page.nextCursor) === undefined) break;
      }
      if (found !== destination.commits) throw new Error(`${found} runs succeeded, ${destination.commits} committed`);
      return found;
    },
    [Symbol.asyncDispose]: async () => {
      await executor.stop();
    },
  };
}
