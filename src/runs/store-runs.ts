import { isJobError, JobError } from "../model/job-error.js";
import { canonicalJson } from "../model/json.js";
import type { CreatedRun, JobRun, NewRun } from "../model/run.js";
import type { RunServices } from "./run-services.js";
import { pause } from "./waiting.js";

/** What became of a new run. */
export type StoringEnd =
  | { readonly kind: "stored"; readonly run: JobRun; readonly created: boolean }
  /** It is not in the ledger. */
  | { readonly kind: "refused"; readonly error: unknown }
  /** The ledger gives no clear answer: it may be there, or come there, and then it is carried out. */
  | { readonly kind: "unknown"; readonly error: JobError };

const FIRST_WAIT_MS = 50;
const TRIES = 4;

/** Stores runs in one act. When the ledger's answer is lost, the same act is asked for again, a few times. */
export async function storeRuns(
  runs: readonly NewRun[],
  services: Pick<RunServices, "ledger" | "clock">,
): Promise<readonly StoringEnd[]> {
  try {
    return endsOf(runs, await services.ledger.createAll(runs));
  } catch (error) {
    return isRefusal(error) ? runs.map(() => ({ kind: "refused", error })) : findOut(runs, error, services);
  }
}

/** Whether nothing was stored, and nothing will be. */
function isRefusal(error: unknown): boolean {
  return isJobError(error) && (error.code !== "store_unavailable" || error.nothingStored === true);
}

function endsOf(runs: readonly NewRun[], stored: readonly CreatedRun[]): readonly StoringEnd[] {
  return runs.map(({ id }, i) => {
    const one = stored[i];
    if (!one) return { kind: "refused", error: noAnswer(id) };
    // A key that names the run itself: it was stored before its answer was lost.
    return { kind: "stored", run: one.run, created: one.created || one.run.id === id };
  });
}

/**
 * The act may have happened, or be under way still, so that no look at the ledger proves that it never will. The same runs
 * given once more do: whichever act comes second finds the ids taken, or their keys, and the ledger keeps all of an act or
 * nothing.
 */
async function findOut(
  runs: readonly NewRun[],
  error: unknown,
  services: Pick<RunServices, "ledger" | "clock">,
): Promise<readonly StoringEnd[]> {
  for (let tries = 1, waitMs = FIRST_WAIT_MS; tries <= TRIES; tries += 1, waitMs *= 2) {
    const ends = await askAgain(runs, services);
    if (ends) return ends;
    if (tries < TRIES) await pause(services.clock, waitMs);
  }
  return runs.map(({ id }) => ({ kind: "unknown", error: unanswered(id, error) }));
}

/** Undefined: nobody knows yet. */
async function askAgain(
  runs: readonly NewRun[],
  services: Pick<RunServices, "ledger" | "clock">,
): Promise<readonly StoringEnd[] | undefined> {
  const { ledger } = services;
  try {
    const ends = endsOf(runs, await ledger.createAll(runs));
    for (const end of ends) if (end.kind === "stored" && end.created) ledger.signals.emit(end.run.id, "pending");
    return ends;
  } catch (error) {
    const found = await lookUp(runs, ledger);
    if (found?.some((run) => run !== undefined)) return endsOfFound(runs, found, services);
    // Somebody else has one of the ids, so that neither act stored any of them.
    if (found && isJobError(error, "internal_error")) return runs.map(() => ({ kind: "refused", error }));
    return undefined;
  }
}

/** Those runs that are there; undefined when the ledger does not answer. */
async function lookUp(
  runs: readonly NewRun[],
  ledger: RunServices["ledger"],
): Promise<readonly (JobRun | undefined)[] | undefined> {
  try {
    const found: (JobRun | undefined)[] = [];
    for (const run of runs) {
      const there = await ledger.get(run.id);
      found.push(there && isSame(there, run) ? there : undefined);
    }
    return found;
  } catch {
    return undefined;
  }
}

/** The act happened; those that are not there have a key that named another run. */
async function endsOfFound(
  runs: readonly NewRun[],
  found: readonly (JobRun | undefined)[],
  services: Pick<RunServices, "ledger" | "clock">,
): Promise<readonly StoringEnd[]> {
  const missing = runs.filter((_, i) => found[i] === undefined);
  const others = (missing.length === 0 ? [] : await storeRuns(missing, services)).values();
  return found.map((run) => {
    if (!run) return others.next().value as StoringEnd;
    services.ledger.signals.emit(run.id, "pending");
    return { kind: "stored", run, created: true };
  });
}

/** Another run may have had the id before. */
function isSame(found: JobRun, { jobName, definitionHash, parameters, idempotencyKey }: NewRun): boolean {
  return (
    found.jobName === jobName &&
    found.definitionHash === definitionHash &&
    found.idempotencyKey === idempotencyKey &&
    canonicalJson(found.parameters) === canonicalJson(parameters)
  );
}

function noAnswer(runId: string): JobError {
  return new JobError("internal_error", {
    message: "The ledger gave no answer for a run that it was to store.",
    hint: "The store breaks the promise of createRuns: one result for each run, in their order.",
    runId,
  });
}

function unanswered(runId: string, cause: unknown): JobError {
  return new JobError("store_unavailable", {
    message: "The ledger gave no clear answer, so nobody knows whether the run was stored",
    hint: "When the ledger answers again, look for the run in runId before you submit again. With an idempotencyKey a second submit is always safe.",
    runId,
    cause,
  });
}
