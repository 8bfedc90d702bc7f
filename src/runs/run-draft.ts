import type { ParameterValue } from "../model/job-definition.js";
import type { NewRun } from "../model/run.js";
import type { FailingSubmit } from "./submit-failure.js";

/** A run that is yet to be stored. */
export interface RunDraft extends FailingSubmit {
  readonly run: NewRun;
  /** The values whose place in `run` is taken by markers. */
  readonly secrets: ReadonlyMap<string, ParameterValue>;
}
