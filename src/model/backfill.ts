/** Firings of a range in the past, or ahead, made on demand: an object of its own, which outlives the process. */
export interface Backfill {
  readonly id: string;
  readonly scheduleId: string;
  readonly from: Date;
  /** Not included. */
  readonly to: Date;
  readonly order: "oldest_first" | "newest_first";
  /** How many of its runs are open at a time. */
  readonly concurrency: number;
  /** Firings that were fired already: left alone, made again if they failed, or all made again. */
  readonly reprocess: "none" | "failed" | "all";
  readonly state: "running" | "cancelling" | "completed" | "cancelled";
  readonly version: number;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
  /** The nominal time up to which it has decided; null: at its beginning. */
  readonly cursor: Date | null;
  readonly total: number;
  readonly started: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Left alone, as `reprocess` says. */
  readonly passedOver: number;
}
