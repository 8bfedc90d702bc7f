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

/** Stores a run. When the ledger's answer is lost, the ledger is asked for the run, a few times. */
export async function storeRun(run: NewRun, services: Pick<RunServices, "ledger" | "clock">): Promise<StoringEnd> {
  const { ledger } = services;
  try {
    return { kind: "stored", ...(await ledger.create(run)) };
  } catch (error) {
    if (isJobError(error) && error.code !== "store_unavailable") return { kind: "refused", error };
    const found = await lookUp(run.id, services);
    if (found === "unknown") return { kind: "unknown", error: unanswered(run.id, error) };
    if (!found || !isSame(found, run)) return { kind: "refused", error: isJobError(error) ? error : notStored(error) };
    ledger.signals.emit(run.id, "pending");
    return { kind: "stored", run: found, created: true };
  }
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
