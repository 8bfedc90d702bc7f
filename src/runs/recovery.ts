import { causeChain } from "../model/job-error.js";
import type { JobRun } from "../model/run.js";
import { NO_ENDS, RunEnding, type EndState } from "./run-ending.js";
import type { RunServices } from "./run-services.js";
import type { StoreHealth } from "./store-health.js";
import { withAnswer } from "./waiting.js";

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

/** What a worker reports that found none. */
export const NOTHING_RECOVERED: RecoveryReport = { succeeded: 0, retrying: 0, failed: 0, cancelled: 0, inDoubt: 0 };

/** How many runs are taken over in one act, and settled side by side. */
const BATCH = 64;

/** Takes over the runs of dead owners, settles their commits, and brings them to their next status. */
export class Recovery {
  readonly #ending: RunEnding;
  #sweeping: Promise<RecoveryReport> | null = null;
  #stopped = false;
  #callOff: () => void = () => undefined;

  constructor(
    private readonly services: RunServices,
    private readonly health: StoreHealth,
  ) {
    this.#ending = new RunEnding(services);
  }

  /** Recovers what can be recovered now, and from then on again each lease's time. */
  async start(): Promise<RecoveryReport> {
    this.#stopped = false;
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
    const { ledger, owner, leaseMs, clock, leases, connections, events } = this.services;
    const counts = { ...NO_ENDS };
    const seen = new Set<string>();
    const claim = { owner, limit: BATCH, leaseMs, connections: connections.names };
    // A process that slept must not take its own runs for lost.
    await withAnswer(clock, leases.renewAll());
    while (!this.#stopped) {
      const askedAt = clock.now();
      const runs = await withAnswer(clock, ledger.claimExpired(claim));
      const fresh = runs.filter(({ id }) => !seen.has(id));
      for (const { id } of fresh) seen.add(id);
      for (const end of await Promise.all(fresh.map((run) => this.#recover(run, askedAt)))) counts[end] += 1;
      // What comes back within one sweep is in doubt still, and waits for the next one.
      if (runs.length < BATCH || fresh.length < runs.length) break;
    }
    const { succeeded, retrying, failed, cancelled, in_doubt: inDoubt } = counts;
    const report = { succeeded, retrying, failed, cancelled, inDoubt };
    if (seen.size > 0) events.emit({ type: "runs.recovered", ...report });
    return report;
  }

  async #recover(run: JobRun, askedAt: number): Promise<EndState> {
    const { leases, logger } = this.services;
    const epoch = run.lease?.epoch ?? 0;
    const held = { run, from: run.status === "committing" ? "committing" : "running", epoch } as const;
    const again = (): Promise<EndState> => this.#ending.recover(held);
    const lease = leases.keep({ runId: run.id, epoch }, askedAt);
    try {
      return held.from === "committing" ? await this.#ending.settle(held, again) : await again();
    } catch (error) {
      logger.error("A run could not be recovered.", { runId: run.id, message: causeChain(error) });
      return "lost";
    } finally {
      lease.stop();
    }
  }

  #schedule(): void {
    if (this.#stopped) return;
    const { clock, ids, leaseMs, logger } = this.services;
    // Less a random part, so that processes do not sweep in step.
    this.#callOff = clock.after(leaseMs * (1 - ids.random() / 4), () => {
      void this.sweep()
        .catch((error: unknown) => {
          if (this.#stopped || this.health.isOut) return;
          logger.warn("The ledger could not be asked for lost runs.", { message: causeChain(error) });
        })
        .then(() => this.#schedule());
    });
  }
}
