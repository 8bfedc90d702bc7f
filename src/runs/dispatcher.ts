import { causeChain } from "../model/job-error.js";
import { isTerminal } from "../model/run-status.js";
import type { JobRun } from "../model/run.js";
import type { Interruption } from "./attempt-control.js";
import { Attempt } from "./attempt.js";
import { NO_ENDS, type EndState } from "./run-ending.js";
import type { RunServices } from "./run-services.js";
import { ABORT_GRACE_MS } from "./supervised-write.js";
import { within } from "./waiting.js";

/** How long until the ledger is asked again when nothing rang: for runs of other processes, and after an outage. */
const POLL_MS = 1_000;

/** What an interrupted attempt needs to let go: its destination's grace, and a moment to write its end. */
const LET_GO_MS = ABORT_GRACE_MS + 1_000;

/** How attempts ended while the executor stopped, and how many had not. */
export interface StopCounts {
  readonly ended: Readonly<Record<EndState, number>>;
  readonly unfinished: number;
}

interface ActiveAttempt {
  readonly attempt: Attempt;
  readonly done: Promise<void>;
}

/** Claims pending runs, in the order of the ledger, while there is room, and carries them out. */
export class Dispatcher {
  readonly #active = new Map<string, ActiveAttempt>();
  /** Interruptions of runs whose claim is still on its way to us. */
  readonly #early = new Map<string, Interruption>();
  readonly #ended = { ...NO_ENDS };
  #accepting = false;
  #claiming: Promise<void> | null = null;
  #again = false;
  #callOffPoll: () => void = () => undefined;
  #unsubscribe: () => void = () => undefined;

  constructor(
    private readonly services: RunServices,
    private readonly maxConcurrentRuns: number,
  ) {}

  start(): void {
    this.#accepting = true;
    this.#unsubscribe = this.services.ledger.signals.subscribe((change) => {
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
      this.#early.clear();
      if (!this.#again) return;
      this.#again = false;
      this.wake();
    });
  }

  /** Interrupts the attempt of a run, if it is carried out here. */
  interrupt(runId: string, by: Interruption): void {
    const active = this.#active.get(runId);
    if (active) active.attempt.control.interrupt(by);
    else if (this.#claiming) this.#early.set(runId, by);
  }

  /** Interrupts everything: what is not at its commit is handed back. */
  interruptAll(): void {
    for (const { attempt } of this.#active.values()) attempt.control.interrupt({ kind: "stopping" });
  }

  /** Renews the leases of all attempts now. */
  async renewLeases(): Promise<void> {
    await Promise.all([...this.#active.values()].map(({ attempt }) => attempt.renewLease()));
  }

  /**
   * Stops claiming. `drain` lets attempts end by themselves for most of the time, and interrupts them for the rest of it;
   * whoever is not done then is left to recovery.
   */
  async stop(timeoutMs: number, mode: "drain" | "cancel"): Promise<StopCounts> {
    this.#accepting = false;
    this.#unsubscribe();
    this.#callOffPoll();
    const before = { ...this.#ended };
    const { clock } = this.services;
    const lettingGoMs = mode === "drain" ? Math.min(timeoutMs / 2, LET_GO_MS) : timeoutMs;
    await within(clock, timeoutMs - lettingGoMs, this.#idle());
    this.interruptAll();
    await within(clock, lettingGoMs, this.#idle());
    const unfinished = this.#active.size;
    for (const { attempt } of this.#active.values()) attempt.abandon();
    const ended = { ...this.#ended };
    for (const end of Object.keys(ended) as EndState[]) ended[end] -= before[end];
    return { ended, unfinished };
  }

  async #idle(): Promise<void> {
    await this.#claiming;
    await Promise.all([...this.#active.values()].map(({ done }) => done));
  }

  async #claim(): Promise<void> {
    const { ledger, owner, leaseMs, logger } = this.services;
    this.#callOffPoll();
    try {
      const limit = this.maxConcurrentRuns - this.#active.size;
      const runs = await ledger.claim({ owner, limit, leaseMs });
      for (const run of runs) if (!isTerminal(run.status)) this.#carryOut(run);
      // Runs that came back failed, by their start deadline, have left room.
      if (runs.length === limit && this.#active.size < this.maxConcurrentRuns) this.#again = true;
    } catch (error) {
      logger.error("The ledger could not be asked for runs.", { message: causeChain(error) });
    }
    await this.#schedulePoll();
  }

  #carryOut(run: JobRun): void {
    const attempt = new Attempt(run, this.services);
    const early = this.#early.get(run.id);
    if (early) attempt.control.interrupt(early);
    if (!this.#accepting) attempt.control.interrupt({ kind: "stopping" });
    const done = attempt.carryOut().then((end) => {
      this.#ended[end] += 1;
      // A later attempt of the same run may have taken the place.
      if (this.#active.get(run.id)?.attempt === attempt) this.#active.delete(run.id);
      this.wake();
    });
    this.#active.set(run.id, { attempt, done });
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
