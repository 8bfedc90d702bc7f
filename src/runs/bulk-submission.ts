import { err, ok, type Result } from "neverthrow";
import { kindOf } from "../jobs/plain-value.js";
import { JobError } from "../model/job-error.js";
import type { CreatedRun } from "../model/run.js";
import type { JobSubmitError } from "../model/submit-error.js";
import { optionFault, type OptionRule } from "./option-check.js";
import type { RunDraft } from "./run-draft.js";
import type { RunServices } from "./run-services.js";
import { SharedPlans } from "./shared-plans.js";
import { sideBySide } from "./side-by-side.js";
import { storeDrafts } from "./store-drafts.js";
import type { AcceptedSubmit, Submission } from "./submission.js";
import { asSubmitError, calledOff } from "./submit-failure.js";
import type { SubmitOptions } from "./submit-options.js";
import { manyListeners, NEVER_ABORTED, nextTurn, unlessAborted } from "./waiting.js";

export interface BulkOptions {
  /** Aborting it calls off what is not stored yet. What is stored goes on; `options.signal` of an item cancels its run. */
  readonly signal?: AbortSignal;
}

/** One submit of a bulk, whatever its job. */
export interface BulkItem {
  readonly name: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly options?: SubmitOptions;
}

/** How many are stored in one act. */
const CHUNK = 500;

/** How many are checked at once: enough to hide the latency of an engine or a destination, too few to flood it. */
const CHECKED_AT_ONCE = 16;

const ANYTHING: OptionRule = { fits: () => true, wanted: "anything" };
const ITEM: Readonly<Record<keyof BulkItem, OptionRule>> = { name: ANYTHING, params: ANYTHING, options: ANYTHING };

/**
 * Submits many runs, `CHUNK` by `CHUNK`: those of a chunk that pass their checks are stored in one act.
 *
 * @param refusal why nothing new is taken now; null: it is.
 * @returns a result for each item, in their order.
 */
export async function submitBulk(
  items: readonly BulkItem[],
  { signal: given = NEVER_ABORTED }: BulkOptions,
  { submission, services, refusal }: BulkParts,
): Promise<readonly Result<CreatedRun, JobSubmitError>[]> {
  const results: Result<CreatedRun, JobSubmitError>[] = [];
  const controller = new AbortController();
  const signal = manyListeners(controller.signal);
  const callOff = (): void => controller.abort();
  if (given.aborted) callOff();
  given.addEventListener("abort", callOff);
  for (let from = 0; from < items.length; from += CHUNK) {
    const chunk = items.slice(from, from + CHUNK);
    const refused = refusal();
    if (refused) results.push(...chunk.map(() => err(refused)));
    else results.push(...(await submitChunk(chunk, signal, submission, services)));
    await nextTurn();
  }
  given.removeEventListener("abort", callOff);
  return results;
}

interface BulkParts {
  readonly submission: Submission;
  readonly services: RunServices;
  readonly refusal: () => JobSubmitError | null;
}

async function submitChunk(
  items: readonly BulkItem[],
  signal: AbortSignal,
  submission: Submission,
  services: RunServices,
): Promise<readonly Result<CreatedRun, JobSubmitError>[]> {
  const shared = new SharedPlans(signal);
  const drafts = new Map<BulkItem, Result<AcceptedSubmit, JobSubmitError>>();
  return storeDrafts(drafts, services);
}
  try {
    return ok(submission.draft(accepted));
  } catch (error) {
    return err(asSubmitError(error));
  }
}

function badItem(item: unknown, problem: string): JobSubmitError {
  const name = typeof item === "object" && item !== null && "name" in item ? item.name : undefined;
  const named = { jobName: typeof name === "string" ? name : kindOf(name), parameters: [] };
  const error = new JobError("invalid_parameter", {
    message: `An item of a bulk is { name, params, options }: ${problem}.`,
    hint: "Nothing was submitted for it. Correct the item.",
    field: "item",
    ...named,
  });
  return Object.assign(error, named);
}
