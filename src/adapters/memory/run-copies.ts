import { sortedByKey } from "../../model/json.js";
import { frozenCopy } from "../../model/plain-copy.js";
import type { RunTransition } from "../../model/run-change.js";
import type { RunDefinition } from "../../model/job-definition.js";
import { dateCopy, runCopy } from "../../model/run-copy.js";
import type { JobRun, NewRun } from "../../model/run.js";

/**
 * A copy of a submission to keep: what a run never changes is frozen, so that {@link runCopy} can share it.
 *
 * @param frozen definitions that were frozen here before: looking through one for each of its runs takes long.
 */
export function newRunCopy(run: NewRun, frozen: WeakSet<RunDefinition>): NewRun {
  const known = frozen.has(run.definition);
  const definition = known ? run.definition : frozenCopy(run.definition);
  if (!known) frozen.add(definition);
  return {
    ...run,
    definition,
    parameters: frozenCopy(sortedByKey(run.parameters)),
    connections: frozenCopy(run.connections),
    runAt: dateCopy(run.runAt),
    startDeadline: dateCopy(run.startDeadline),
  };
}

/** The same of a run. */
export function keptRun(run: JobRun): JobRun {
  return {
    ...runCopy(run),
    definition: frozenCopy(run.definition),
    parameters: frozenCopy(run.parameters),
    connections: frozenCopy(run.connections),
  };
}

/** A copy of a move to keep. */
export function transitionCopy(change: RunTransition): RunTransition {
  return change.error === undefined ? { ...change } : { ...change, error: frozenCopy(change.error) };
}
