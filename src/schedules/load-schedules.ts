import type { ResultAsync } from "neverthrow";
import type { JobFileError } from "../jobs/job-files/job-file-error.js";
import { loadSpecs } from "../jobs/job-files/load-specs.js";
import type { SpecKind } from "../jobs/job-files/spec-kind.js";
import type { ScheduleDefinition } from "../model/schedule.js";
import { scheduleFromSpec } from "./define-schedule.js";

const SCHEDULES: SpecKind<ScheduleDefinition> = {
  kind: "schedule",
  name: "id",
  metadata: ["id", "description", "createdBy"],
  read: scheduleFromSpec,
};

/**
 * The schedules of YAML files (`kind: schedule`), which may also hold jobs; `docs/guides/schedules.md` has the fields. The
 * same schedule from a file and from `defineSchedule` is equal.
 *
 * @param paths as `loadJobs` takes them.
 * @returns the schedules in the order of the text, or a {@link JobFileError} with every mistake of all files.
 */
export function loadSchedules(
  paths: string | URL | readonly (string | URL)[],
): ResultAsync<ScheduleDefinition[], JobFileError> {
  return loadSpecs(SCHEDULES, paths);
}
