import { causeChain } from "../model/job-error.js";
import type { JobRun } from "../model/run.js";
import { RunEnding, type EndState } from "./run-ending.js";
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
const BATCH = 16;

/** Takes over the runs of dead owners, settles their commits, and brings them to their next status. */
export class Recovery {
  readonly #ending: RunEnding;
  #sweeping: Promise<RecoveryReport> | null = null;
  #stopped = false;
  #callOff: () => void = () => undefined;

  constructor(private readonly services: RunServices) {
    this.#ending = new RunEnding(services);
  }

  /** Recovers what can be recovered now, and from then on again each lease's time. */
  async start(): Promise<RecoveryReport> {
    const report = await this.sweep();
    this.#schedule();
    return report;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#callOff();
    await this.#sweeping?.catch(() => undefined);
  }

  sweep(): Promise<RecoveryReport> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = null;
    });
    return this.#sweeping;
  }

  async #sweep(): Promise<RecoveryReport> {
    const { ledger, owner, leaseMs } = this.services;
    const counts: Record<EndState, number> = {
      succeeded: 0,
      failed: 0,
      cancelled: 0,
      retrying: 0,
      in_doubt: 0,
      lost: 0,
    };
    for (let runs = [] as readonly JobRun[]; !this.#stopped;) {
      runs = await ledger.claimExpired({ owner, limit: BATCH, leaseMs });
      for (const end of await Promise.all(runs.map((run) => this.#recover(run)))) counts[end] += 1;
      if (runs.length < BATCH) break;
    }
    const { succeeded, retrying, failed, cancelled, in_doubt: inDoubt } = counts;
    return { succeeded, retrying, failed, cancelled, inDoubt };
  }

  async #recover(run: JobRun): Promise<EndState> {
    const held = {
      run,
      from: run.status === "committing" ? "committing" : "running",
      epoch: run.lease?.epoch ?? 0,
    } as const;
    const again = (): Promise<EndState> => this.#ending.recover(held);
    return held.from === "committing" ? this.#ending.settle(held, again) : again();
  }

  #schedule(): void {
    if (this.#stopped) return;
    const { clock, leaseMs, logger } = this.services;
    this.#callOff = clock.after(leaseMs, () => {
      void this.sweep()
        .catch((error: unknown) =>
          logger.error("The ledger could not be asked for lost runs.", { message: causeChain(error) }),
        )
        .then(() => this.#schedule());
    });
  }
}
