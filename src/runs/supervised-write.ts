import { isJobError, JobError } from "../model/job-error.js";
import type { CommitReceipt } from "../model/write-mode.js";
import type { Clock } from "../ports/clock.js";
import type { AttemptControl } from "./attempt-control.js";
import type { CommitGate } from "./commit-gate.js";
import type { CountedRows } from "./counted-rows.js";
import { misbehaved } from "./misbehaved.js";
import { onAbort, within } from "./waiting.js";

/** A destination that does not let go after an interruption is left behind: without a permit it cannot commit. */
export const ABORT_GRACE_MS = 5_000;

/** How a write ended, as far as this process can tell. */
export type WriteEnd =
  | { readonly kind: "committed"; readonly receipt: CommitReceipt }
  | { readonly kind: "not_committed"; readonly error: unknown }
  /** The permit was given and no receipt came: only the destination knows. */
  | { readonly kind: "unknown"; readonly error: unknown }
  /** The executor stopped and left the write as it is: recovery will find out. */
  | { readonly kind: "abandoned" };

interface SupervisedWrite {
  readonly writing: Promise<CommitReceipt>;
  readonly gate: CommitGate;
  readonly rows: CountedRows;
  readonly control: AttemptControl;
  readonly clock: Clock;
  readonly commitTimeoutMs: number;
  /** Aborted when nobody waits any longer. */
  readonly abandoned: AbortSignal;
  /** Asks the destination about a commit that is overdue: true when it knows. */
  readonly settled: () => Promise<boolean>;
}

/** Waits for a write, but not for ever: not after an interruption, and not in silence after the permit. */
export async function superviseWrite(write: SupervisedWrite): Promise<WriteEnd> {
  const { writing, gate, control, clock, commitTimeoutMs } = write;
  const abandoned = onAbort(write.abandoned).then((): WriteEnd => ({ kind: "abandoned" }));
  const written = writing.then(
    (receipt) => judge(write, receipt),
    (error: unknown) => judgeFailure(write, error),
  );
  const ended = Promise.race([written, abandoned]);
  const early = await Promise.race([ended, onAbort(control.signal), gate.granted]);
  if (typeof early === "object") return early;
  if (early === "aborted") {
    const end = await within(clock, ABORT_GRACE_MS, ended);
    return end === "late" ? judgeFailure(write, control.signal.reason) : end;
  }
  for (;;) {
    const end = await within(clock, commitTimeoutMs, ended);
    if (end !== "late") return end;
    if (await write.settled()) return judgeFailure(write, overdue(commitTimeoutMs));
  }
}

async function judge(write: SupervisedWrite, receipt: CommitReceipt): Promise<WriteEnd> {
  const { gate, control } = write;
  if (gate.receipt !== null && receipt === gate.receipt) return { kind: "committed", receipt };
  const what = control.granted
    ? "did not return the receipt that its permit gives"
    : "ended its write without asking for its permit";
  return judgeFailure(write, misbehaved(what));
}

async function judgeFailure({ gate, rows }: SupervisedWrite, error: unknown): Promise<WriteEnd> {
  const granted = await gate.close();
  // The receipt is the proof, whatever the destination stumbled over afterwards.
  if (gate.receipt) return { kind: "committed", receipt: gate.receipt };
  if (granted) return { kind: "unknown", error: destinationError(error) };
  const cause = rows.failure ? queryError(rows.failure.error) : destinationError(error);
  return { kind: "not_committed", error: gate.refusal ?? cause };
}

function destinationError(error: unknown): JobError {
  if (isJobError(error)) return error;
  return new JobError("destination_failed", {
    message: "The destination failed",
    hint: "Nothing was committed. The message tells what the destination said.",
    cause: error,
  });
}

/** What a query's stream threw, typed. */
export function queryError(error: unknown): JobError {
  if (isJobError(error)) return error;
  return new JobError("query_failed", {
    message: "The query failed",
    hint: "Nothing was committed. The message tells what the engine said.",
    cause: error,
  });
}

function overdue(commitTimeoutMs: number): JobError {
  return new JobError("destination_failed", {
    message: `The destination did not answer its commit within ${commitTimeoutMs} ms.`,
    hint: "Look for locks or network trouble at the destination, or raise commitTimeoutMs.",
  });
}
