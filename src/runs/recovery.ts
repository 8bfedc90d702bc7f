import { causeChain } from "../model/job-error.js";
import { isTerminal } from "../model/run-status.js";
import type { JobRun } from "../model/run.js";
import { LeaseKeeper } from "./lease-keeper.js";
import { NO_ENDS, RunEnding, type EndState } from "./run-ending.js";
import type { RunServices } from "./run-services.js";

/** What became of the runs whose owner died. */
export interface RecoveryReport {
  /** Their commit was found in the destination. */
  readonly succeeded: number;
  /** Nothing had landed: they wait for their next attempt. */
  readonly retrying: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Still `committing`: nobody can know yet. They are settled again later. */
  readonly inDoubt: number;
}

/** How many runs are settled side by side. */
const BATCH = 64;

/** Takes over the runs of dead owners, settles their commits, and brings them to their next status. */
export class Recovery {
  readonly #ending: RunEnding;
  #sweeping: Promise<RecoveryReport> | null = null;
  #stopped = false;
  #callOff: () => void = () => undefined;

  /** @param renewOwn renews the leases of what runs here, so that a process that slept does not take over its own runs. */
  constructor(
    private readonly services: RunServices,
    private readonly renewOwn: () => Promise<unknown>,
  ) {
    this.#ending = new RunEnding(services);
  }

  /** Recovers what can be recovered now, and from then on again each lease's time. */
  async start(): Promise<RecoveryReport> {
    const report = await this.sweep();
    this.#schedule();
    return report;
  }

  /** Begins nothing more. What is being settled goes on by itself, fenced by its lease. */
  stop(): void {
    this.#stopped = true;
    this.#callOff();
  }

  sweep(): Promise<RecoveryReport> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = null;
    });
    return this.#sweeping;
  }

  async #sweep(): Promise<RecoveryReport> {
    const { ledger, owner, leaseMs } = this.services;
    const counts = { ...NO_ENDS };
    const seen = new Set<string>();
    await this.renewOwn();
    await this.#forgetSecrets();
    while (!this.#stopped) {
      const runs = await ledger.claimExpired({ owner, limit: BATCH, leaseMs });
      const fresh = runs.filter(({ id }) => !seen.has(id));
      for (const { id } of fresh) seen.add(id);
      for (const end of await Promise.all(fresh.map((run) => this.#recover(run)))) counts[end] += 1;
      // What comes back within one sweep is in doubt still, and waits for the next one.
      if (runs.length < BATCH || fresh.length < runs.length) break;
    }
    const { succeeded, retrying, failed, cancelled, in_doubt: inDoubt } = counts;
    return { succeeded, retrying, failed, cancelled, inDoubt };
  }

  /** Lets go of the secrets of runs that other processes brought to an end. */
  async #forgetSecrets(): Promise<void> {
    const { ledger, vault } = this.services;
    for (const runId of vault.heldIds()) {
      const run = await ledger.get(runId);
      if (!run || isTerminal(run.status)) vault.forget(runId);
    }
  }

  async #recover(run: JobRun): Promise<EndState> {
    const { ledger, clock, leaseMs, logger } = this.services;
    const epoch = run.lease?.epoch ?? 0;
    const held = { run, from: run.status === "committing" ? "committing" : "running", epoch } as const;
    const again = (): Promise<EndState> => this.#ending.recover(held);
    const keeper = new LeaseKeeper({
      clock,
      leaseMs,
      renew: () => ledger.renew(run.id, { epoch, leaseMs }),
      onCancelRequested: () => undefined,
      onLost: () => undefined,
      onError: (error) => logger.warn("A lease could not be renewed.", { runId: run.id, message: causeChain(error) }),
    });
    try {
      return held.from === "committing" ? await this.#ending.settle(held, again) : await again();
    } catch (error) {
      logger.error("A run could not be recovered.", { runId: run.id, message: causeChain(error) });
      return "lost";
    } finally {
      keeper.stop();
    }
  }

  #schedule(): void {
    if (this.#stopped) return;
    const { clock, leaseMs, logger } = this.services;
    this.#callOff = clock.after(leaseMs, () => {
      void this.sweep()
        .catch((error: unknown) => {
          logger.error("The ledger could not be asked for lost runs.", { message: causeChain(error) });
        })
        .then(() => this.#schedule());
    });
  }
}
