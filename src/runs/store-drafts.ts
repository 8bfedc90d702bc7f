import { err, ok, type Result } from "neverthrow";
import { JobError } from "../model/job-error.js";
import type { CreatedRun } from "../model/run.js";
import type { JobSubmitError } from "../model/submit-error.js";
import type { RunDraft } from "./run-draft.js";
import type { RunServices } from "./run-services.js";
import type { HoldEnd } from "./secret-vault.js";
import { storeRuns, type StoringEnd } from "./store-runs.js";
import { submitError } from "./submit-failure.js";

type Storing = Pick<RunServices, "ledger" | "clock" | "vault">;

/** Stores a run. */
export async function storeDraft(draft: RunDraft, services: Storing): Promise<Result<CreatedRun, JobSubmitError>> {
  const [stored] = await storeAll([draft], services);
  return stored ?? err(submitError(undefined, draft));
}

/** Stores the drafts that there are, all in one act, and says what became of each, in the order given. */
export async function storeDrafts<E>(
  drafts: readonly Result<RunDraft, E>[],
  services: Storing,
): Promise<readonly Result<CreatedRun, E | JobSubmitError>[]> {
  const stored = (
    await storeAll(
      drafts.flatMap((draft) => draft.unwrapOr([])),
      services,
    )
  ).values();
  return drafts.map((draft) => draft.andThen(() => stored.next().value as Result<CreatedRun, JobSubmitError>));
}

async function storeAll(
  drafts: readonly RunDraft[],
  services: Storing,
): Promise<readonly Result<CreatedRun, JobSubmitError>[]> {
  if (drafts.length === 0) return [];
  const settles: ((end: HoldEnd) => void)[] = [];
  let ends: readonly StoringEnd[];
  try {
    for (const { run, secrets } of drafts) settles.push(services.vault.hold(run.id, secrets));
    ends = await storeRuns(
      drafts.map(({ run }) => run),
      services,
    );
  } catch (error) {
    ends = drafts.map(() => ({ kind: "refused", error }));
  }
  return drafts.map((draft, i) => {
    const end = ends[i] as StoringEnd;
    // Secrets of a run that may be there are kept: it is carried out, if it is.
    settles[i]?.(end.kind === "unknown" || (end.kind === "stored" && end.created) ? "stored" : "dropped");
    if (end.kind !== "stored") return err(submitError(end.error, draft));
    const conflict = conflictOf(end, draft, services);
    return conflict === null ? ok(end) : err(submitError(conflict, draft));
  });
}

/** What stands against the run that an idempotency key named: it is another one than was wanted. */
export function conflictOf(
  { run: stored, created }: CreatedRun,
  { run, secrets }: RunDraft,
  { vault }: Pick<RunServices, "vault">,
): JobError | null {
  const same = stored.jobName === run.jobName && stored.redriveOf === run.redriveOf;
  if (created || (same && vault.sameParameters(stored, run, secrets))) return null;
  return new JobError("idempotency_conflict", {
    message: `The idempotency key "${run.idempotencyKey ?? ""}" names run ${stored.id}, which has another job or other parameters.`,
    hint: "Use a key that is derived from what is to be done, or submit with the first run's parameters.",
    runId: stored.id,
  });
}
