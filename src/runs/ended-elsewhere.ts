import { causeChain } from "../model/job-error.js";
import { isTerminal } from "../model/run-status.js";
import type { RunServices } from "./run-services.js";

/**
 * Finds out, about once in a lease's time, which runs were brought to an end by other processes, and tells whoever holds
 * something for one of them: its secrets, or the signal that would cancel it.
 */
export class EndedElsewhere {
  #stopped = false;
  #callOff: () => void = () => undefined;

  constructor(private readonly services: RunServices) {}

  start(): void {
    const { clock, ids, leaseMs } = this.services;
    // Less a random part, so that processes do not ask in step.
    this.#callOff = clock.after(leaseMs * (1 - ids.random() / 4), () => {
      void this.#look().then(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#callOff();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { ledger, vault, logger } = this.services;
    const held = new Set(vault.heldIds());
    try {
      for (const runId of new Set([...held, ...ledger.signals.runIds()])) {
        if (this.#stopped) return;
        const run = await ledger.get(runId);
        if (run && isTerminal(run.status)) ledger.signals.emit(runId, "ended");
        // A run that is followed may be one that the host has yet to commit.
        else if (!run && held.has(runId)) vault.forget(runId);
      }
    } catch (error) {
      logger.debug("The ledger could not be asked which runs have ended.", { message: causeChain(error) });
    }
  }
}
