import type { Interruption } from "./attempt-control.js";
import { Dispatcher, type StopCounts } from "./dispatcher.js";
import { Recovery, type RecoveryReport } from "./recovery.js";
import { Retention, type RetentionTimes } from "./retention.js";
import type { RunServices } from "./run-services.js";
import { StoreHealth } from "./store-health.js";

/** What a worker takes upon itself. */
export interface WorkerOptions {
  readonly maxConcurrentRuns: number;
  readonly retention: RetentionTimes;
}

/** The side of an executor that works: it claims runs, recovers those of dead owners, and deletes old ones. */
export class Worker {
  readonly #dispatcher: Dispatcher;
  readonly #recovery: Recovery;
  readonly #retention: Retention;

  constructor(services: RunServices, { maxConcurrentRuns, retention }: WorkerOptions) {
    const health = new StoreHealth(services);
    this.#dispatcher = new Dispatcher(services, health, maxConcurrentRuns);
    this.#recovery = new Recovery(services, health);
    this.#retention = new Retention(services, health, retention);
  }

  /** Resolves when the runs of owners that died are where they can be. */
  async start(): Promise<RecoveryReport> {
    // A destination that answers slowly must not keep the other runs waiting.
    this.#dispatcher.start();
    const recovered = await this.#recovery.start();
    this.#retention.start();
    return recovered;
  }

  /** Interrupts the attempt of a run, if it is carried out here. */
  interrupt(runId: string, by: Interruption): void {
    this.#dispatcher.interrupt(runId, by);
  }

  /** Interrupts everything: what is not at its commit is handed back. */
  interruptAll(): void {
    this.#dispatcher.interruptAll();
  }

  /** Begins nothing more, and gives what is under way its time. */
  async stop(timeoutMs: number, mode: "drain" | "cancel"): Promise<StopCounts> {
    this.#retention.stop();
    this.#recovery.stop();
    return this.#dispatcher.stop(timeoutMs, mode);
  }
}
