import { causeChain } from "../model/job-error.js";
import type { Clock } from "../ports/clock.js";
import type { Logger } from "../ports/logger.js";
import { RepeatableAct } from "./repeatable-act.js";
import type { RunLedger } from "./run-ledger.js";
import { withAnswer } from "./waiting.js";

/** A lease is renewed three times within its length, so that one late or failed renewal does not lose it. */
const RENEWALS_PER_LEASE = 3;

/** How often the ledger is asked for wishes to cancel while anything is under way: no later does one reach its statement. */
const LONGEST_BEAT_MS = 500;

/** Who works under a lease, and what must reach it. */
export interface LeaseHolder {
  readonly runId: string;
  readonly epoch: number;
  readonly onCancelRequested?: (reason: string | null) => void;
  /** The lease is held by another, or nobody could prove in time that it still is ours. */
  readonly onLost?: () => void;
}

interface LeaseKeeperOptions {
  readonly ledger: RunLedger;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly owner: string;
  readonly leaseMs: number;
}

/**
 * Renews all leases of one executor, and brings the wishes to cancel to who works under them. One timer serves them all,
 * and stands still while there are none. How long a lease has been without proof is measured on the executor's own clock,
 * never against a time of the ledger's.
 */
export class LeaseKeeper {
  readonly #kept = new Set<KeptLease>();
  readonly #cancels = new RepeatableAct(() => this.#bringCancels());
  readonly #beatMs: number;
  readonly #unsubscribe: () => void;
  #callOff: (() => void) | null = null;
  #stopped = false;

  constructor(private readonly options: LeaseKeeperOptions) {
    this.#beatMs = Math.min(LONGEST_BEAT_MS, options.leaseMs / RENEWALS_PER_LEASE);
    this.#unsubscribe = options.ledger.signals.subscribe((change, runId) => {
      if (change === "unknown" || (change === "cancel" && runId !== null && this.#of(runId))) this.#askForCancels();
    });
  }

  /** @param provenAt when the act that gave the lease was asked for, on the executor's clock. */
  keep(holder: LeaseHolder, provenAt: number): KeptLease {
    const lease = new KeptLease(holder, provenAt, this.options, this.#kept);
    this.#kept.add(lease);
    this.#arm();
    return lease;
  }

  /** Renews all leases at once, out of turn. */
  async renewAll(): Promise<void> {
    await Promise.all([...this.#kept].map((lease) => lease.renew()));
  }

  /** Renews nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    this.#callOff?.();
    for (const lease of this.#kept) lease.stop();
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#callOff ??= this.options.clock.after(this.#beatMs, () => {
      this.#callOff = null;
      this.#beat();
    });
  }

  #beat(): void {
    if (this.#kept.size === 0) return;
    this.#arm();
    this.#askForCancels();
    const { clock, leaseMs } = this.options;
    for (const lease of this.#kept) {
      const unprovenMs = clock.now() - lease.provenAt;
      // Negative: the clock was set back, and tells nothing of the lease's age.
      if (unprovenMs < 0 || unprovenMs + this.#beatMs > leaseMs / RENEWALS_PER_LEASE) void lease.renew();
    }
  }

  #askForCancels(): void {
    if (this.#kept.size > 0) this.#cancels.ask();
  }

  async #bringCancels(): Promise<void> {
    const { ledger, clock, owner, logger } = this.options;
    try {
      for (const { runId, epoch, reason } of await withAnswer(clock, ledger.cancelRequests(owner))) {
        const lease = this.#of(runId);
        if (lease?.holder.epoch === epoch) lease.holder.onCancelRequested?.(reason);
      }
    } catch (error) {
      logger.debug("The ledger could not be asked for wishes to cancel.", { message: causeChain(error) });
    }
  }

  /** The newest lease of the run. */
  #of(runId: string): KeptLease | undefined {
    return [...this.#kept].findLast(({ holder }) => holder.runId === runId);
  }
}

/** One lease, until it is stopped or lost. */
export class KeptLease {
  #state: "kept" | "stopped" | "lost" = "kept";
  #renewing: Promise<void> | null = null;

  constructor(
    readonly holder: LeaseHolder,
    /** When the last act was asked for that showed the lease as ours. */
    public provenAt: number,
    private readonly options: LeaseKeeperOptions,
    private readonly kept: Set<KeptLease>,
  ) {}

  stop(): void {
    if (this.#state === "kept") this.#state = "stopped";
    this.kept.delete(this);
  }

  /** Another act, asked for at this time, prolonged the lease. */
  proven(askedAt: number): void {
    this.provenAt = askedAt;
  }

  /**
   * Whether the lease is ours and its time has not passed. A process that was paused for longer than the lease asks the
   * ledger again, since others may have taken the run over meanwhile.
   */
  isHeld(): boolean | Promise<boolean> {
    if (this.#state !== "kept") return false;
    return !this.#isUnproven() || this.renew().then(() => this.isHeld());
  }

  /** Asks the ledger to prolong the lease; one question at a time. */
  async renew(): Promise<void> {
    if (this.#state !== "kept") return;
    // A question without an answer does not prove anything either.
    if (this.#renewing && this.#isUnproven()) return this.#lose();
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
    });
    await this.#renewing;
  }

  async #renew(): Promise<void> {
    const { ledger, clock, leaseMs, logger } = this.options;
    const { runId, epoch } = this.holder;
    const askedAt = clock.now();
    try {
      const state = await withAnswer(clock, ledger.renew(runId, { epoch, leaseMs }));
      if (this.#state !== "kept") return;
      if (!state.held) return this.#lose();
      this.provenAt = askedAt;
      if (state.cancelRequested) this.holder.onCancelRequested?.(state.cancelReason);
    } catch (error) {
      logger.debug("A lease could not be renewed.", { runId, message: causeChain(error) });
      if (this.#state === "kept" && this.#isUnproven()) this.#lose();
    }
  }

  #isUnproven(): boolean {
    return this.options.clock.now() - this.provenAt >= this.options.leaseMs;
  }

  #lose(): void {
    this.#state = "lost";
    this.kept.delete(this);
    this.options.logger.debug("A lease was lost: it is held by another worker, or could not be proven in time.", {
      runId: this.holder.runId,
      epoch: this.holder.epoch,
    });
    this.holder.onLost?.();
  }
}
