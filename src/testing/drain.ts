import type { FinishedRun, RunPage, RunQuery } from "../model/run.js";
import type { ManualClock } from "./manual-clock.js";

/** The part of a `JobExecutor` that {@link drain} needs. */
export interface Drainable {
  listRuns(query?: RunQuery): Promise<RunPage>;
  handle(id: string): { result(): Promise<FinishedRun> };
}

export interface DrainOptions {
  /** The executor's clock, when it stands still by itself: it is moved on until every retry and `runAt` has come. */
  readonly clock?: ManualClock;
  /** How far the clock is moved at a time, in milliseconds. Default 1,000. */
  readonly stepMs?: number;
}

const UNFINISHED = ["pending", "running", "committing"] as const;

/**
 * Waits until no run is left that has not ended, those included which are submitted meanwhile.
 *
 * @returns the runs that ended, in the order in which they were found.
 */
export async function drain(
  executor: Drainable,
  { clock, stepMs = 1_000 }: DrainOptions = {},
): Promise<readonly FinishedRun[]> {
  const finished: FinishedRun[] = [];
  for (;;) {
    const { runs } = await executor.listRuns({ status: UNFINISHED });
    if (runs.length === 0) return finished;
    const results = Promise.all([...runs].reverse().map(({ id }) => executor.handle(id).result()));
    if (clock) await moveUntil(results, clock, stepMs);
    finished.push(...(await results));
  }
}

async function moveUntil(results: Promise<unknown>, clock: ManualClock, stepMs: number): Promise<void> {
  let settled = false;
  const done = (): void => {
    settled = true;
  };
  results.then(done, done);
  while (!settled) await clock.advance(stepMs);
}
