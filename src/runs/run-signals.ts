/** What changed of a run: something, that it waits to be claimed now, or that it has ended. */
export interface RunSignal {
  readonly runId: string;
  readonly change: "any" | "pending" | "ended";
}

/** Tells, within one executor, that something about a run changed: a cue to read the ledger, never the news itself. */
export class RunSignals {
  readonly #listeners = new Set<(signal: RunSignal) => void>();

  emit(runId: string, change: RunSignal["change"] = "any"): void {
    for (const listener of [...this.#listeners]) listener({ runId, change });
  }

  /** @returns ends the subscription. */
  subscribe(listener: (signal: RunSignal) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
