import { causeChain } from "../model/job-error.js";
import { isTerminal } from "../model/run-status.js";
import { Attempt } from "./attempt.js";
import type { Interruption } from "./attempt-control.js";
import type { EndState } from "./run-ending.js";
import type { RunServices } from "./run-services.js";
import { within } from "./waiting.js";

/** How long until the ledger is asked again when nothing rang: for runs of other processes, and after an outage. */
const POLL_MS = 1_000;

/** How the attempts of an executor ended while it stopped. */
export type StopCounts = Readonly<Record<EndState, number>>;

interface ActiveAttempt {
  readonly attempt: Attempt;
  readonly done: Promise<void>;
}

/** Claims pending runs, in the order of the ledger, while there is room, and carries them out. */
export class Dispatcher {
  readonly #active = new Map<string, ActiveAttempt>();
  #accepting = false;
  #claiming: Promise<void> | null = null;
  #again = false;
  #callOffPoll: () => void = () => undefined;
  #unsubscribe: () => void = () => undefined;
  #ended: Record<EndState, number> = { succeeded: 0, failed: 0, cancelled: 0, retrying: 0, in_doubt: 0, lost: 0 };

  constructor(
    private readonly services: RunServices,
    private readonly maxConcurrentRuns: number,
  ) {}

  start(): void {
    this.#accepting = true;
    this.#unsubscribe = this.services.ledger.signals.subscribe(({ change }) => {
      if (change === "pending") this.wake();
    });
    this.wake();
  }

  /** There may be something to claim. */
  wake(): void {
    if (!this.#accepting || this.#active.size >= this.maxConcurrentRuns) return;
    if (this.#claiming) {
      this.#again = true;
      return;
    }
    this.#claiming = this.#claim().finally(() => {
      this.#claiming = null;
      if (this.#again) {
        this.#again = false;
        this.wake();
      }
    });
  }

  /** Interrupts the attempt of a run, if it is carried out here. */
  interrupt(runId: string, by: Interruption): void {
    this.#active.get(runId)?.attempt.control.interrupt(by);
  }

  /**
   * Stops claiming, waits for what runs, and after `timeoutMs` interrupts it; `interruptAt` once, with 0.
   *
   * @returns how the attempts ended since then, and how many were still in their commit when the wait ended.
   */
  async stop(
    timeoutMs: number,
    interruptFirst: boolean,
  ): Promise<{ readonly ended: StopCounts; readonly unfinished: number }> {
    this.#accepting = false;
    this.#unsubscribe();
    this.#callOffPoll();
    await this.#claiming;
    const before = { ...this.#ended };
    if (!interruptFirst) await within(this.services.clock, timeoutMs, this.#idle());
    for (const { attempt } of this.#active.values()) attempt.control.interrupt({ kind: "stopping" });
    await within(this.services.clock, timeoutMs, this.#idle());
    const ended = { ...this.#ended };
    for (const key of Object.keys(ended) as EndState[]) ended[key] -= before[key];
    return { ended, unfinished: this.#active.size };
  }

  async #idle(): Promise<void> {
    await Promise.all([...this.#active.values()].map(({ done }) => done));
  }

  async #claim(): Promise<void> {
    const { ledger, owner, leaseMs, logger } = this.services;
    this.#callOffPoll();
    try {
      const limit = this.maxConcurrentRuns - this.#active.size;
      const runs = await ledger.claim({ owner, limit, leaseMs });
      for (const run of runs) if (!isTerminal(run.status)) this.#carryOut(new Attempt(run, this.services), run.id);
      // A claim that came back full may have left others behind.
      if (runs.length === limit && this.#active.size < this.maxConcurrentRuns) this.#again = true;
    } catch (error) {
      logger.error("The ledger could not be asked for runs.", { message: causeChain(error) });
    }
    await this.#schedulePoll();
  }

  #carryOut(attempt: Attempt, runId: string): void {
    const done = attempt.carryOut().then((end) => {
      this.#ended[end] += 1;
      this.#active.delete(runId);
      this.wake();
    });
    this.#active.set(runId, { attempt, done });
  }

  async #schedulePoll(): Promise<void> {
    const { clock, ledger } = this.services;
    const waiting = await ledger.nextRunAt().catch(() => undefined);
    if (!this.#accepting) return;
    const untilRunAt = waiting === undefined ? POLL_MS : Math.max(0, waiting.getTime() - clock.now());
    this.#callOffPoll();
    this.#callOffPoll = clock.after(Math.min(POLL_MS, untilRunAt), () => this.wake());
  }
}
