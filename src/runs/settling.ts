import { causeChain } from "../model/job-error.js";
import type { JobRun } from "../model/run.js";
import type { CommitId, CommitReceipt } from "../model/write-mode.js";
import type { DestinationCapabilities, Settlement } from "../ports/job-destination.js";
import { redactorFor, type RunServices } from "./run-services.js";
import { within } from "./waiting.js";

/** A destination that takes longer to answer is asked again later. */
const SETTLE_TIMEOUT_MS = 10_000;

/**
 * Asks the run's destination what became of its commit. What goes wrong on the way, and what makes no sense, is doubt,
 * never an answer; so is the `never` of a destination that plants no fence.
 */
export async function settle(run: JobRun, services: RunServices): Promise<Settlement> {
  const { commitId } = run;
  if (commitId === null) return { state: "never" };
  const abort = new AbortController();
  const redactor = redactorFor(services, run.id);
  try {
    const { table, mode } = run.definition.destination;
    const { destination } = services.connections.destination(table, mode);
    const asked = Promise.resolve().then(() => destination.settleCommit(commitId, abort.signal));
    const answer: unknown = await within(services.clock, SETTLE_TIMEOUT_MS, asked);
    if (answer === "late") return inDoubt(`the destination did not answer within ${SETTLE_TIMEOUT_MS} ms`);
    const settlement = understood(answer, commitId, destination.capabilities);
    return settlement.state === "in_doubt" ? inDoubt(redactor.text(settlement.reason)) : settlement;
  } catch (error) {
    return inDoubt(redactor.text(causeChain(error)));
  } finally {
    abort.abort();
  }
}

function understood(answer: unknown, commitId: CommitId, { commitFence }: DestinationCapabilities): Settlement {
  const { state, receipt, reason } = (answer ?? {}) as Partial<Record<"state" | "receipt" | "reason", unknown>>;
  if (state === "committed" && isReceipt(receipt, commitId)) return { state, receipt };
  if (state === "in_doubt") return inDoubt(typeof reason === "string" ? reason : "the destination gave no reason");
  if (state !== "never") return inDoubt("the destination's answer makes no sense");
  if (commitFence === "fenced") return { state };
  return inDoubt("the commit was not found, and the destination cannot rule out that it is still on its way");
}

function isReceipt(receipt: unknown, commitId: CommitId): receipt is CommitReceipt {
  if (typeof receipt !== "object" || receipt === null) return false;
  const { commitId: named, rowsWritten, snapshotId } = receipt as Partial<Record<keyof CommitReceipt, unknown>>;
  return (
    named === commitId &&
    Number.isSafeInteger(rowsWritten) &&
    (rowsWritten as number) >= 0 &&
    (snapshotId === null || typeof snapshotId === "string")
  );
}

function inDoubt(reason: string): Settlement & { state: "in_doubt" } {
  return { state: "in_doubt", reason };
}
