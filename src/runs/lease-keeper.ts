import type { Clock } from "../ports/clock.js";
import type { LeaseState } from "../ports/job-store.js";

/** A lease is renewed three times within its length, so that one late or failed renewal does not lose it. */
const RENEWALS_PER_LEASE = 3;

interface LeaseKeeperOptions {
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly renew: () => Promise<LeaseState>;
  readonly onCancelRequested: (reason: string | null) => void;
  /** The lease is held by another, or nobody could prove in time that it still is ours. */
  readonly onLost: () => void;
  readonly onError: (error: unknown) => void;
}

/** Renews a lease until it is told to stop or the lease is lost. */
export class LeaseKeeper {
  #stopped = false;
  #callOff: () => void = () => undefined;
  #provenAt: number;

  constructor(private readonly options: LeaseKeeperOptions) {
    this.#provenAt = options.clock.now();
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#callOff();
  }

  #schedule(): void {
    if (this.#stopped) return;
    const { clock, leaseMs } = this.options;
    this.#callOff = clock.after(leaseMs / RENEWALS_PER_LEASE, () => void this.#renew());
  }

  /** Renews at once, out of turn. */
  async renewNow(): Promise<void> {
    if (this.#stopped) return;
    this.#callOff();
    await this.#renew();
  }

  async #renew(): Promise<void> {
    const { clock, leaseMs, renew, onCancelRequested, onLost, onError } = this.options;
    const askedAt = clock.now();
    const state = await renew().catch((error: unknown) => {
      onError(error);
      return null;
    });
    if (this.#stopped) return;
    if (state?.held === false || (state === null && clock.now() - this.#provenAt >= leaseMs)) {
      this.stop();
      onLost();
      return;
    }
    if (state?.held) {
      this.#provenAt = askedAt;
      if (state.cancelRequested) onCancelRequested(state.cancelReason);
    }
    this.#schedule();
  }
}
