import { JobError } from "../model/job-error.js";

/** The destination broke the promise of its port. */
export function misbehaved(what: string): JobError {
  return new JobError("destination_misbehaved", {
    message: `The destination ${what}.`,
    hint: "This is a defect of the destination. Test it with jobDestinationContract from millrace/testing.",
  });
}
