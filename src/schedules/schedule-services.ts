import type { JobRegistry } from "../jobs/job-registry.js";
import type { ScheduleStore } from "../ports/schedule-store.js";
import type { Scheduler } from "../ports/scheduler.js";
import type { RunServices } from "../runs/run-services.js";
import type { Submission } from "../runs/submission.js";

/** What everything under `schedules/` works with: one set per executor. */
export interface ScheduleServices {
  readonly store: ScheduleStore;
  readonly scheduler: Scheduler;
  readonly runs: RunServices;
  readonly submission: Submission;
  readonly jobs: JobRegistry;
  readonly cancelRun: (runId: string, reason: string) => Promise<unknown>;
  /** Something may be due that was not before. */
  readonly wake: () => void;
}
