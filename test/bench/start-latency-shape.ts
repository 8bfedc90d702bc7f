import type { QueueShape } from "./peers/job-queue.js";

/** One job at a time, by a system that is otherwise idle. */
export const LATENCY_SHAPE: QueueShape = { slots: 10, poolSize: 10, batch: 1, callers: 1 };

/** Milliseconds of the machine's monotonic clock, which all its processes share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
