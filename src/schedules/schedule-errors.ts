import { isJobError, JobError } from "../model/job-error.js";

export function unknownSchedule(id: string): JobError {
  return new JobError("unknown_schedule", {
    message: `There is no schedule "${id}".`,
    hint: "It may have been deleted. list() gives those that there are.",
  });
}

export function scheduleExists(id: string): JobError {
  return new JobError("schedule_exists", {
    message: `There is a schedule "${id}" already.`,
    hint: "Use update() or put() to change it, or take another id.",
  });
}

/** Others changed the schedule each time that this call wanted to. */
export function scheduleBusy(id: string): JobError {
  return new JobError("store_unavailable", {
    message: `The schedule "${id}" was changed by others all the time.`,
    hint: "Nothing was changed by this call. Try again.",
    nothingStored: true,
  });
}

/** Whatever a call on schedules was ended by. */
export function asScheduleError(error: unknown): JobError {
  if (isJobError(error)) return error;
  return new JobError("internal_error", {
    message: "The call ended in a defect",
    hint: "This is a defect. Please report it with the whole message.",
    cause: error,
  });
}
