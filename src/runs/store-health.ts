import { causeChain } from "../model/job-error.js";
import { redactorFor, type RunServices } from "./run-services.js";

/** Whether the ledger answers, as the act shows that is repeated all the time. Tells of each outage once. */
export class StoreHealth {
  #since: number | null = null;

  constructor(private readonly services: RunServices) {}

  get isOut(): boolean {
    return this.#since !== null;
  }

  answered(): void {
    if (this.#since === null) return;
    const { clock, logger, events } = this.services;
    const unavailableMs = clock.now() - this.#since;
    this.#since = null;
    logger.warn("The ledger answers again.", { unavailableMs });
    events.emit({ type: "store.available", unavailableMs });
  }

  failed(error: unknown): void {
    if (this.#since !== null) return;
    const { clock, logger, events } = this.services;
    this.#since = clock.now();
    const message = redactorFor(this.services).text(causeChain(error));
    logger.error("The ledger is out of reach; it is asked again until it answers.", { message });
    events.emit({ type: "store.unavailable", since: new Date(this.#since), message });
  }
}
