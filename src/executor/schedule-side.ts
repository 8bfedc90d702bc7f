import { CronerScheduler } from "../adapters/croner/croner-scheduler.js";
import { JobError } from "../model/job-error.js";
import { ScheduleFolder } from "../schedules/schedule-folder.js";
import { type ScheduleParts, ScheduleWork } from "../schedules/schedule-work.js";
import type { Schedules } from "../schedules/schedules.js";
import type { JobExecutorOptions } from "./executor-options.js";
import type { Refusal } from "./lifecycle.js";

/** What keeps the schedules of an executor; null: its ledger keeps none, or it takes no runs. */
export function scheduleSide(
  { schedules = [], scheduleFolder, scheduler, store, role }: JobExecutorOptions,
  parts: Omit<ScheduleParts, "store" | "scheduler">,
  lifecycle: Refusal,
): ScheduleWork | null {
  if (store.schedules === undefined || role === "work") return null;
  const folder = scheduleFolder === undefined ? undefined : new ScheduleFolder(scheduleFolder);
  const own = { store: store.schedules, scheduler: scheduler ?? new CronerScheduler(parts.runs.clock) };
  return new ScheduleWork({ ...parts, ...own }, schedules, () => lifecycle.refusal, folder);
}

/** @throws JobError `invalid_definition`, `work_only`, where there are none. */
export function schedulesOf(work: ScheduleWork | null, { refusal }: Refusal): Schedules {
  if (work) return work.schedules;
  throw (
    refusal ??
    new JobError("invalid_definition", {
      message: "The ledger of this executor keeps no schedules.",
      hint: "Use a store that has them; those of Millrace do.",
      field: "store",
    })
  );
}
