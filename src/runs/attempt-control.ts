import { JobError } from "../model/job-error.js";
import { Cue } from "./cue.js";

/** Why an attempt was stopped from outside. */
export type Interruption =
  | { readonly kind: "cancelled"; readonly reason: string | null }
  | { readonly kind: "timed_out"; readonly timeoutMs: number }
  | { readonly kind: "lease_lost" }
  | { readonly kind: "stopping" };

/**
 * The signal of one attempt. Interruptions and the commit point exclude each other: while the permit is being asked for,
 * an interruption waits; once it is granted, it comes too late and is dropped; when it is refused, it takes effect.
 */
export class AttemptControl {
  readonly #controller = new AbortController();
  /** Fires with the interruption, when the signal is aborted. */
  readonly interrupted = new Cue<Interruption>();
  #phase: "open" | "asking" | "granted" = "open";
  #waiting: Interruption | null = null;
  #interruption: Interruption | null = null;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Null while nothing interrupted the attempt. */
  get interruption(): Interruption | null {
    return this.#interruption;
  }

  get granted(): boolean {
    return this.#phase === "granted";
  }

  /** Whether an interruption waits for the answer to the permit. */
  get isWaitedFor(): boolean {
    return this.#waiting !== null;
  }

  /** The first interruption counts. */
  interrupt(by: Interruption): void {
    if (this.#phase === "granted" || this.#interruption) return;
    if (this.#phase === "asking") {
      this.#waiting ??= by;
      return;
    }
    this.#interruption = by;
    this.#controller.abort(interruptionError(by));
    this.interrupted.fire(by);
  }

  /** What the work settles to; rejects as soon as the attempt is interrupted, for parts that do not listen themselves. */
  unlessInterrupted<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.interrupted.onFire(() => reject(this.signal.reason as Error));
      work.then(resolve, reject);
    });
  }

  /** Asks `grant` for the commit point. @returns what `grant` said: null when granted, otherwise why not. */
  async seal(grant: () => Promise<Interruption | null>): Promise<Interruption | null> {
    this.signal.throwIfAborted();
    this.#phase = "asking";
    try {
      const refusal = await grant();
      if (refusal === null) this.#phase = "granted";
      else this.#waiting = refusal;
      return refusal;
    } finally {
      if (!this.granted) this.#reopen();
    }
  }

  #reopen(): void {
    this.#phase = "open";
    if (this.#waiting) this.interrupt(this.#waiting);
  }
}

/** The error with which an interrupted attempt's signal is aborted. */
export function interruptionError(by: Interruption): JobError {
  switch (by.kind) {
    case "cancelled":
      return new JobError("aborted", {
        message: by.reason === null ? "The run was cancelled." : `The run was cancelled: ${by.reason}`,
        hint: "Submit it again to run it.",
      });
    case "timed_out":
      return new JobError("timed_out", {
        message: `The run was stopped before its commit: it took longer than its time-out of ${by.timeoutMs} ms.`,
        hint: "Raise execution.timeoutMs, or make the query smaller.",
        timeoutMs: by.timeoutMs,
      });
    case "lease_lost":
      return new JobError("lease_lost", {
        message: "Another worker took the run over, because this one did not renew its lease in time.",
        hint: "Raise leaseMs if the process was busy or paused; the other worker goes on with the run.",
      });
    case "stopping":
      return new JobError("executor_stopped", {
        message: "The executor stopped; the run was handed back.",
        hint: "It starts again with the next executor on this ledger.",
      });
  }
}
