import type { JobRun, NewRun } from "../../src/model/run.js";

/** What a submit of the same would hand to the store. */
export function runLike(run: JobRun, parts: Pick<NewRun, "id"> & Partial<NewRun>): NewRun {
  const { jobName, definitionHash, definition, parameters, priority, connections, concurrencyKey } = run;
  const same = { jobName, definitionHash, definition, parameters, priority, connections, concurrencyKey };
  return { ...same, idempotencyKey: null, redriveOf: null, runAt: null, startDeadline: null, ...parts };
}
