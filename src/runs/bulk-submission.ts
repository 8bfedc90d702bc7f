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
  manyListeners(given).addEventListener("abort", callOff);
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
  const accepted = new Array<Result<AcceptedSubmit, JobSubmitError> | undefined>(items.length);
  const checking = sideBySide(items, CHECKED_AT_ONCE, async (item, i) => {
    accepted[i] = await accept(item, shared, submission);
  });
  // Parts that do not listen to the signal are left behind.
  await unlessAborted(signal, checking).catch(() => undefined);
  const drafts = items.map((item, i) => {
    const one = accepted[i] ?? err(faultOf(item) ?? calledOff(item.name));
    return one.andThen((good) => draftOf(good, signal, submission));
  });
  return storeDrafts(drafts, services);
}

async function accept(
  item: BulkItem,
  shared: SharedPlans,
  submission: Submission,
): Promise<Result<AcceptedSubmit, JobSubmitError> | undefined> {
  if (shared.signal.aborted) return undefined;
  const fault = faultOf(item);
  if (fault) return err(fault);
  try {
    const { name, params, options = {} } = item;
    return ok(await submission.accept(name, params, options, shared));
  } catch (error) {
    return shared.signal.aborted ? undefined : err(asSubmitError(error));
  }
}

/** What keeps it from being an item at all. */
function faultOf(item: BulkItem): JobSubmitError | null {
  try {
    const fault = optionFault(item, ITEM);
    return fault && badItem(item, `${fault.option ?? "it"} ${fault.message}`);
  } catch {
    return badItem(undefined, "it cannot be read");
  }
}

/** Those that were checked first may have been called off while the others were. */
function draftOf(
  accepted: AcceptedSubmit,
  bulk: AbortSignal,
  submission: Submission,
): Result<RunDraft, JobSubmitError> {
  const off = bulk.aborted || accepted.options.signal?.aborted === true;
  if (off) return err(calledOff(accepted.planned.jobName));
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
