import { JobError } from "../../../model/job-error.js";
import type { CreatedRun, NewRun } from "../../../model/run.js";
import type { Clock } from "../../../ports/clock.js";
import type { Act } from "./act-groups.js";

/** Runs that are to be stored together. */
export interface Submission extends Act {
  readonly runs: readonly NewRun[];
  resolve(created: readonly CreatedRun[]): void;
}

interface Held {
  readonly act: Submission;
  readonly until: number;
}

/** How long a submission waits for what another transaction holds, and how often it is tried meanwhile. */
export const PATIENCE_MS = 5_000;
const RETRY_MS = 100;

/** How many are tried in one transaction. */
const TRIED_AT_ONCE = 32;

/**
 * Submissions in whose way a transaction of somebody else's may stand, which has stored a run with the same key and not
 * ended. None of them waits in the database, where it would hold up others: each is tried, and tried again a moment later.
 */
export class HeldSubmissions {
  readonly #blocked: Held[] = [];
  readonly #due: Held[] = [];
  #trying: readonly Held[] = [];
  #working: Promise<void> | undefined;
  #closing = false;
  #callOff: (() => void) | undefined;

  /**
   * @param attempt answers those that can be, and gives the others.
   * @param refusal what those are told whose patience is at its end.
   */
  constructor(
    private readonly clock: Clock,
    private readonly attempt: (acts: readonly Submission[]) => Promise<readonly Submission[]>,
    private readonly refusal: () => Error,
  ) {}

  add(acts: readonly Submission[]): void {
    const until = this.clock.now() + PATIENCE_MS;
    this.#due.push(...acts.map((act) => ({ act, until })));
    this.#start();
  }

  /** The keys of all that wait: whoever has the same one would only wait as well. */
  keys(): ReadonlySet<string | null> {
    const waiting = [...this.#blocked, ...this.#due, ...this.#trying];
    return new Set(waiting.flatMap(({ act }) => act.runs.flatMap(({ idempotencyKey }) => idempotencyKey ?? [])));
  }

  /** Tries each once more, and refuses what still cannot be stored. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#retry();
    await this.#working;
  }

  #start(): void {
    if (this.#due.length > 0) this.#working ??= this.#work();
  }

  #retry(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    this.#due.push(...this.#blocked.splice(0));
    this.#start();
  }

  async #work(): Promise<void> {
    while (this.#due.length > 0) {
      this.#trying = this.#due.splice(0, TRIED_AT_ONCE);
      await this.#try(this.#trying);
      this.#trying = [];
    }
    this.#working = undefined;
    if (this.#blocked.length > 0) this.#callOff ??= this.clock.after(RETRY_MS, () => this.#retry());
  }

  async #try(held: readonly Held[]): Promise<void> {
    try {
      const left = new Set(await this.attempt(held.map(({ act }) => act)));
      for (const one of held) {
        if (!left.has(one.act)) continue;
        if (this.#closing || this.clock.now() >= one.until) one.act.reject(this.refusal());
        else this.#blocked.push(one);
      }
    } catch (error) {
      for (const { act } of held) act.reject(error);
    }
  }
}

/** What a submission is refused with that could not be stored within `waitedMs`. */
export function heldElsewhere(ledger: string, waitedMs: number): JobError {
  return new JobError("store_unavailable", {
    message: `The ledger ${ledger} could not store the run: for ${waitedMs} ms another transaction has held its idempotency key, its id or the ledger's tables.`,
    hint: "Nothing was stored. Keep transactions that submit runs short, and submit again once that one has ended.",
    nothingStored: true,
  });
}
