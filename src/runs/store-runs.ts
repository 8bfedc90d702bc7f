import { isJobError, JobError } from "../model/job-error.js";
import { canonicalJson } from "../model/json.js";
import type { JobRun, NewRun } from "../model/run.js";
import type { RunServices } from "./run-services.js";
import { pause } from "./waiting.js";

/** What became of a new run. */
export type StoringEnd =
  | { readonly kind: "stored"; readonly run: JobRun; readonly created: boolean }
  /** It is not in the ledger. */
  | { readonly kind: "refused"; readonly error: unknown }
  /** The ledger answers no more: it may be there, and then it is carried out. */
  | { readonly kind: "unknown"; readonly error: JobError };

const FIRST_WAIT_MS = 50;
const LOOKS = 4;

/** Stores runs in one act. When the ledger's answer is lost, the ledger is asked for each run, a few times. */
export async function storeRuns(
  runs: readonly NewRun[],
  services: Pick<RunServices, "ledger" | "clock">,
): Promise<readonly StoringEnd[]> {
  try {
    const stored = await services.ledger.createAll(runs);
    return runs.map((run, i) => {
      const one = stored[i];
      return one
        ? { kind: "stored", run: one.run, created: one.created }
        : { kind: "refused", error: noAnswer(run.id) };
    });
  } catch (error) {
    if (isJobError(error) && error.code !== "store_unavailable") return runs.map(() => ({ kind: "refused", error }));
    return lookUpAll(runs, error, services);
  }
}

async function lookUpAll(
  runs: readonly NewRun[],
  error: unknown,
  services: Pick<RunServices, "ledger" | "clock">,
): Promise<readonly StoringEnd[]> {
  const ends: StoringEnd[] = [];
  let away = false;
  for (const run of runs) {
    const found: Awaited<ReturnType<typeof lookUp>> = away ? "unknown" : await lookUp(run.id, services);
    away = found === "unknown";
    ends.push(endOf(run, found, error));
    if (ends.at(-1)?.kind === "stored") services.ledger.signals.emit(run.id, "pending");
  }
  return ends;
}

function endOf(run: NewRun, found: JobRun | undefined | "unknown", error: unknown): StoringEnd {
  if (found === "unknown") return { kind: "unknown", error: unanswered(run.id, error) };
  if (found && isSame(found, run)) return { kind: "stored", run: found, created: true };
  return { kind: "refused", error: isJobError(error) ? error : notStored(error) };
}

async function lookUp(
  id: string,
  { ledger, clock }: Pick<RunServices, "ledger" | "clock">,
): Promise<JobRun | undefined | "unknown"> {
  for (let look = 1, waitMs = FIRST_WAIT_MS; look <= LOOKS; look += 1, waitMs *= 2) {
    try {
      return await ledger.get(id);
    } catch {
      if (look < LOOKS) await pause(clock, waitMs);
    }
  }
  return "unknown";
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

function notStored(cause: unknown): JobError {
  return new JobError("store_unavailable", {
    message: "The run could not be stored",
    hint: "The ledger does not hold it. Check the ledger, then submit again.",
    cause,
  });
}

function unanswered(runId: string, cause: unknown): JobError {
  return new JobError("store_unavailable", {
    message: "The ledger stopped answering while the run was stored, so nobody knows whether it was",
    hint: "When the ledger answers again, look for the run in runId before you submit again. With an idempotencyKey a second submit is always safe.",
    runId,
    cause,
  });
}
