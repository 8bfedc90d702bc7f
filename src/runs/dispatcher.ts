import { isTerminal } from "../model/run-status.js";
import type { JobRun } from "../model/run.js";
import type { Interruption } from "./attempt-control.js";
import { Attempt } from "./attempt.js";
import { MissingConnections } from "./missing-connections.js";
import { RepeatableAct } from "./repeatable-act.js";
import { NO_ENDS, type EndState } from "./run-ending.js";
import type { RunServices } from "./run-services.js";
import type { StoreHealth } from "./store-health.js";
import { ABORT_GRACE_MS } from "./supervised-write.js";
import { nextTurn, within, withAnswer } from "./waiting.js";

/** How long until the ledger is asked again when nothing rang: for runs of other processes that no store told of. */
const POLL_MS = 1_000;

/** How long until it is asked again when a run is due and was not given: at first, then twice as long each time. */
const SOON_MS = 50;

/** How long until a ledger that did not answer is asked again: at first, then twice as long each time, up to the last. */
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 4_000;

/** How many runs whose start deadline passed are ended in one act. */
const OVERDUE_BATCH = 100;

/**
 * How many attempts begin in one turn of the event loop: the host has the turns between, and what they hold is mostly gone
 * before the next ones begin.
 */
const STARTED_AT_ONCE = 32;

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
  readonly #claims = new RepeatableAct(() => this.#claim());
  readonly #missing: MissingConnections;
  #accepting = false;
  /** Whether the ledger may hold more than was claimed: an attempt that ends makes room for it. */
  #mayBeMore = true;
  #soonMs = SOON_MS;
  #retryMs = FIRST_RETRY_MS;
  #pollAt = Infinity;
  #callOffPoll: () => void = () => undefined;
  #unsubscribe: () => void = () => undefined;

  constructor(
    private readonly services: RunServices,
    private readonly health: StoreHealth,
    private readonly maxConcurrentRuns: number,
  ) {
    this.#missing = new MissingConnections(services);
  }

  start(): void {
    this.#accepting = true;
    this.#unsubscribe = this.services.ledger.signals.subscribe((change) => {
      if (change === "pending" || change === "unknown") this.wake();
    });
    this.wake();
  }

  /** There may be something to claim. */
  wake(): void {
    this.#mayBeMore = true;
    if (this.#accepting && this.#room > 0) this.#claims.ask();
  }

  /** Interrupts the attempt of a run, if it is carried out here. */
  interrupt(runId: string, by: Interruption): void {
    const active = this.#active.get(runId);
    if (active) active.attempt.control.interrupt(by);
    else if (this.#claims.isRunning) this.#early.set(runId, by);
  }

  /** Interrupts everything: what is not at its commit is handed back. */
  interruptAll(): void {
    for (const { attempt } of this.#active.values()) attempt.control.interrupt({ kind: "stopping" });
  }

  /**
   * Stops claiming. `drain` lets attempts end by themselves for most of the time, and interrupts them for the rest of it;
   * whoever is not done then is left to recovery.
   */
  async stop(timeoutMs: number, mode: "drain" | "cancel"): Promise<StopCounts> {
    this.#accepting = false;
    this.#unsubscribe();
    this.#callOffPoll();
    this.#pollAt = Infinity;
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

  get #room(): number {
    return this.maxConcurrentRuns - this.#active.size;
  }

  async #idle(): Promise<void> {
    await this.#claims.idle();
    await Promise.all([...this.#active.values()].map(({ done }) => done));
  }

  async #claim(): Promise<void> {
    if (!this.#accepting) return;
    try {
      const waitMs = this.#room > 0 ? await this.#fill() : await this.#endOverdue();
      this.health.answered();
      this.#retryMs = FIRST_RETRY_MS;
      this.#pollWithin(waitMs);
    } catch (error) {
      if (this.#accepting) this.health.failed(error);
      this.#pollWithin(this.#retryMs);
      this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
    } finally {
      this.#early.clear();
    }
  }

  /** Claims what there is room for. @returns how long to wait before the ledger is asked again. */
  async #fill(): Promise<number> {
    const { ledger, owner, leaseMs, clock, connections } = this.services;
    const askedAt = clock.now();
    const take = (runs: readonly JobRun[]): Promise<void> => this.#take(runs, askedAt);
    this.#mayBeMore = false;
    const claim = { owner, limit: this.#room, leaseMs, connections: connections.names };
    // What an overdue answer holds is ours all the same.
    const runs = await withAnswer(clock, ledger.claim(claim), (late) => void take(late));
    await take(runs);
    if (runs.length === 0) return this.#untilDue();
    this.#soonMs = SOON_MS;
    // A ledger may give fewer than there are, and runs that came back failed have left room.
    this.wake();
    return POLL_MS;
  }

  /** Without room, too, a start deadline that passes is noticed. */
  async #endOverdue(): Promise<number> {
    const { ledger, clock } = this.services;
    const ended = await withAnswer(clock, ledger.failOverdue(OVERDUE_BATCH));
    return ended.length < OVERDUE_BATCH ? this.#untilDue() : 0;
  }

  async #take(runs: readonly JobRun[], askedAt: number): Promise<void> {
    let started = 0;
    for (const run of runs) {
      if (isTerminal(run.status)) continue;
      if (started > 0 && started % STARTED_AT_ONCE === 0) await nextTurn();
      this.#carryOut(run, askedAt);
      started += 1;
    }
  }

  #carryOut(run: JobRun, askedAt: number): void {
    const attempt = new Attempt(run, this.services, askedAt);
    const early = this.#early.get(run.id);
    if (early) attempt.control.interrupt(early);
    // An answer that came late may hold more than there is room for by now: that is handed back, its attempt not counted.
    if (!this.#accepting || this.#room <= 0) attempt.control.interrupt({ kind: "stopping" });
    const done = attempt.carryOut().then((end) => {
      this.#ended[end] += 1;
      // A later attempt of the same run may have taken the place.
      if (this.#active.get(run.id)?.attempt === attempt) this.#active.delete(run.id);
      if (this.#mayBeMore) this.wake();
    });
    this.#active.set(run.id, { attempt, done });
  }

  /** Nothing was left: when something comes due. The ledger's clock may be another, so what is past due may have yet to come. */
  async #untilDue(): Promise<number> {
    const { ledger, clock } = this.services;
    if (this.#room > 0) await this.#missing.look();
    const due = await withAnswer(clock, ledger.nextDueAt());
    if (due === undefined) return POLL_MS;
    const leftMs = due.getTime() - clock.now();
    if (leftMs > 0) return Math.min(leftMs, POLL_MS);
    const waitMs = this.#soonMs;
    this.#soonMs = Math.min(2 * waitMs, POLL_MS);
    return waitMs;
  }

  /** Asks again after at most so long. */
  #pollWithin(waitMs: number): void {
    if (!this.#accepting) return;
    const { clock, ids } = this.services;
    // Less a random part, so that processes do not ask in step.
    const longestMs = waitMs >= POLL_MS ? waitMs * (1 - ids.random() / 4) : waitMs;
    const at = clock.now() + longestMs;
    if (at >= this.#pollAt && this.#pollAt > clock.now()) return;
    this.#callOffPoll();
    this.#pollAt = at;
    this.#callOffPoll = clock.after(longestMs, () => {
      this.#pollAt = Infinity;
      this.#claims.ask();
    });
  }
}
