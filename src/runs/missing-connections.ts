import { causeChain } from "../model/job-error.js";
import type { RunServices } from "./run-services.js";

/** A look costs the ledger a query, and what it tells changes slowly. */
const LOOK_INTERVAL_MS = 5_000;

/** Says which connections the waiting runs need that this executor lacks: once for each set of them. */
export class MissingConnections {
  readonly #told = new Set<string>();
  #lookedAt = -Infinity;

  constructor(private readonly services: RunServices) {}

  /** Looks, unless it did a moment ago. Never rejects. */
  async look(): Promise<void> {
    const { ledger, connections, clock, logger, events } = this.services;
    if (Math.abs(clock.now() - this.#lookedAt) < LOOK_INTERVAL_MS) return;
    this.#lookedAt = clock.now();
    try {
      const missing = await ledger.missingConnections(connections.names);
      const set = missing.join();
      if (missing.length === 0 || this.#told.has(set)) return;
      this.#told.add(set);
      logger.warn("Runs wait for connections that this executor does not have; they are left to others.", {
        connections: set,
      });
      events.emit({ type: "connections.missing", connections: missing });
    } catch (error) {
      logger.debug("The ledger could not be asked for missing connections.", { message: causeChain(error) });
    }
  }
}
