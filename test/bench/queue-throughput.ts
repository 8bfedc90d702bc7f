import { performance } from "node:perf_hooks";
import { median } from "./figure.js";
import type { JobQueue, QueueShape } from "./peers/job-queue.js";

/** One system in one shape. `open` makes it on empty storage, each time anew. */
export interface Contender {
  readonly name: string;
  readonly shape: QueueShape;
  readonly open: (shape: QueueShape) => Promise<JobQueue>;
}

const ROUNDS = 3;
const WARM_UP_SHARE = 0.2;

/**
 * Jobs per second, from the first submit to the stored end of the last job, submitting and working at the same time.
 * The contenders take turns, so that a slow minute of the machine meets all; after a warm-up, medians.
 */
export async function jobsPerSecond(
  contenders: readonly Contender[],
  jobs: number,
): Promise<ReadonlyMap<string, number>> {
  const rates = new Map(contenders.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const contender of contenders) {
      const rate = await measure(contender, round === 0 ? Math.ceil(jobs * WARM_UP_SHARE) : jobs);
      console.error(`  ${contender.name}: ${rate.toFixed(0)}/s${round === 0 ? " (warm-up)" : ""}`);
      if (round > 0) rates.get(contender.name)?.push(rate);
    }
  }
  return new Map([...rates].map(([name, sample]) => [name, median(sample)]));
}

async function measure({ name, open, shape }: Contender, jobs: number): Promise<number> {
  await using queue = await open(shape);
  let started = 0;
  await queue.work(() => (started += 1));
  const from = performance.now();
  await submitAll(queue, jobs, shape);
  await queue.done(jobs);
  const seconds = (performance.now() - from) / 1_000;
  const counted = await queue.counted();
  if (started !== jobs || counted !== jobs) {
    throw new Error(`${name}: of ${jobs} jobs ${started} were started and ${counted} done`);
  }
  return jobs / seconds;
}

/** `callers` loops, each of which awaits a submit before its next. */
async function submitAll(queue: JobQueue, jobs: number, { callers, batch }: QueueShape): Promise<void> {
  let left = jobs;
  const caller = async (): Promise<void> => {
    while (left > 0) {
      const count = Math.min(batch, left);
      left -= count;
      await queue.submit(count);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
}
