import type { StopCounts } from "../runs/dispatcher.js";
import type { RecoveryReport } from "../runs/recovery.js";
import type { BadScheduleFile } from "../schedules/schedule-folder.js";

/** What `start` found. */
export interface StartReport {
  /** Runs whose owner had died. */
  readonly recovered: RecoveryReport;
  /** Files of the schedules' folder that were left out. */
  readonly badScheduleFiles: readonly BadScheduleFile[];
}

export interface StopOptions {
  /** How long running attempts may take to end, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  /**
   * `drain`: running attempts may end within `timeoutMs`, then they are interrupted. `cancel`: they are interrupted at
   * once. What is interrupted is handed back and runs again; the attempt does not count. Default `drain`.
   */
  readonly mode?: "drain" | "cancel";
}

/** What `stop` left behind. */
export interface StopReport {
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Failed, and pending again by the job's policy. */
  readonly retrying: number;
  /** Interrupted, and pending again. */
  readonly handedBack: number;
  /** Still `committing`, or not ended in time: recovery settles them. */
  readonly unfinished: number;
}

export function stopReport({ ended, unfinished }: StopCounts): StopReport {
  const { succeeded, failed, cancelled, retrying, handed_back: handedBack, in_doubt, lost } = ended;
  return { succeeded, failed, cancelled, retrying, handedBack, unfinished: unfinished + in_doubt + lost };
}
