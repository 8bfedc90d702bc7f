import { causeChain } from "../model/job-error.js";
import type { JobRun } from "../model/run.js";
import type { Settlement } from "../ports/job-destination.js";
import { redactorFor, type RunServices } from "./run-services.js";
import { within } from "./waiting.js";

/** A destination that takes longer to answer is asked again later. */
const SETTLE_TIMEOUT_MS = 15_000;

/** Asks the run's destination what became of its commit. What goes wrong on the way is doubt, never an answer. */
export async function settle(run: JobRun, services: RunServices): Promise<Settlement> {
  const { commitId } = run;
  if (commitId === null) return { state: "never" };
  const abort = new AbortController();
  try {
    const { table, mode } = run.definition.destination;
    const { destination } = services.connections.destination(table, mode);
    const answer = await within(services.clock, SETTLE_TIMEOUT_MS, destination.settleCommit(commitId, abort.signal));
    if (answer === "late") return inDoubt(`the destination did not answer within ${SETTLE_TIMEOUT_MS} ms`);
    return answer.state === "in_doubt" ? inDoubt(redactorFor(services, run.id).text(answer.reason)) : answer;
  } catch (error) {
    return inDoubt(redactorFor(services, run.id).text(causeChain(error)));
  } finally {
    abort.abort();
  }
}

function inDoubt(reason: string): Settlement {
  return { state: "in_doubt", reason };
}
