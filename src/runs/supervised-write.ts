import { isJobError, JobError } from "../model/job-error.js";
import type { CommitReceipt } from "../model/write-mode.js";
import type { Clock } from "../ports/clock.js";
import type { AttemptControl } from "./attempt-control.js";
import type { CommitGate } from "./commit-gate.js";
import type { CountedRows } from "./counted-rows.js";
import type { Cue } from "./cue.js";
import { misbehaved } from "./misbehaved.js";

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
  /** Fires when nobody waits any longer. */
  readonly abandoned: Cue;
  /** Asks the destination about a commit that is overdue: true when it knows. */
  readonly settled: () => Promise<boolean>;
}

/** Waits for a write, but not for ever: not after an interruption, and not in silence after the permit. */
export function superviseWrite(write: SupervisedWrite): Promise<WriteEnd> {
  const { writing, gate, control, clock, commitTimeoutMs, abandoned } = write;
  return new Promise((resolve) => {
    let over = false;
    let callOff: () => void = () => undefined;
    const end = (judged: WriteEnd | Promise<WriteEnd>): void => {
      over = true;
      callOff();
      // Not `resolve(judged)`: who abandons the write must not wait for a judgement.
      if (judged instanceof Promise) void judged.then(resolve);
      else resolve(judged);
    };
    const waitForAnswer = (): void => {
      if (over) return;
      callOff = clock.after(commitTimeoutMs, () => {
        void write.settled().then((known) => {
          if (over) return;
          if (known) end(judgeFailure(write, overdue(commitTimeoutMs)));
          else waitForAnswer();
        });
      });
    };
    writing.then(
      (receipt) => end(judge(write, receipt)),
      (error: unknown) => end(judgeFailure(write, error)),
    );
    // Of the two at most one fires: a permit ends all interruptions.
    gate.granted.onFire(waitForAnswer);
    control.interrupted.onFire(() => {
      if (over) return;
      callOff = clock.after(ABORT_GRACE_MS, () => end(judgeFailure(write, control.signal.reason)));
    });
    abandoned.onFire(() => end({ kind: "abandoned" }));
  });
}

function judge(write: SupervisedWrite, receipt: CommitReceipt): WriteEnd | Promise<WriteEnd> {
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
