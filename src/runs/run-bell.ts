import { isJobError, JobError } from "../model/job-error.js";
import type { Clock } from "../ports/clock.js";
import type { RunLedger } from "./run-ledger.js";
import type { RunChange } from "./run-signals.js";
import { manyListeners } from "./waiting.js";

/** Whoever follows a run bears an outage of the ledger for so long. */
const PATIENCE_MS = 60_000;

/** What following a run stands on. */
export interface RunFollowing {
  readonly ledger: RunLedger;
  readonly clock: Clock;
  /** Aborted when the executor has stopped; all followers are rung then. */
  readonly stopped: AbortSignal;
  /** Throws when the ledger may not be asked. */
  readonly mayRead: () => void;
  /** Rings all followers now and then from now on, while there are any. */
  readonly poll: () => void;
}

/** Rings when a run may have changed: never lost between `hush` and `rung`. One for each follower. */
export class RunBell {
  #rang = false;
  #wake: () => void = () => undefined;
  #failingSince: number | null = null;
  readonly #unsubscribe: () => void;

  /** @param heeds the changes that ring it. Default: all. */
  constructor(
    runId: string,
    private readonly following: RunFollowing,
    private readonly signal: AbortSignal | undefined,
    heeds: (change: RunChange) => boolean = () => true,
  ) {
    this.#unsubscribe = following.ledger.signals.subscribeTo(runId, (change) => {
      if (heeds(change)) this.ring();
    });
    if (signal) manyListeners(signal).addEventListener("abort", this.ring);
  }

  readonly ring = (): void => {
    this.#rang = true;
    this.#wake();
  };

  /** @throws JobError `aborted`. */
  refuseAborted(): void {
    if (!this.signal?.aborted) return;
    throw new JobError("aborted", {
      message: "The caller's signal was aborted.",
      hint: "The run goes on; follow it again with handle(id).",
      cause: this.signal.reason,
    });
  }

  /** What rings from now on counts. @throws JobError `aborted`. */
  hush(): void {
    this.refuseAborted();
    this.#rang = false;
  }

  /**
   * What the ledger answers; while it does not answer it is asked again, whenever the bell rings.
   *
   * @throws JobError `aborted`, `executor_stopped`, and what the ledger says after a minute.
   */
  async asked<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const answer = await ask();
        this.#failingSince = null;
        return answer;
      } catch (error) {
        if (this.following.stopped.aborted) throw executorStopped();
        if (this.#isFinal(error)) throw error;
        this.following.poll();
        await this.#next();
        this.hush();
      }
    }
  }

  /** Resolves when it rings, or has rung since {@link hush}. @throws JobError `executor_stopped`. */
  async rung(): Promise<void> {
    if (this.following.stopped.aborted) throw executorStopped();
    if (this.following.ledger.store.capabilities.shared) this.following.poll();
    await this.#next();
  }

  close(): void {
    this.#unsubscribe();
    this.signal?.removeEventListener("abort", this.ring);
  }

  async #next(): Promise<void> {
    if (this.#rang) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  #isFinal(error: unknown): boolean {
    if (isJobError(error) && error.code !== "store_unavailable") return true;
    const now = this.following.clock.now();
    this.#failingSince ??= now;
    return now - this.#failingSince >= PATIENCE_MS;
  }
}

function executorStopped(): JobError {
  return new JobError("executor_stopped", {
    message: "The executor stopped before the run ended.",
    hint: "Read the run again from an executor on the same ledger.",
  });
}
