/** What changed of a run: something, that it waits to be claimed now, or that it has ended. */
export type RunChange = "any" | "pending" | "ended";

type Listener = (change: RunChange, runId: string) => void;

/** Tells, within one executor, that something about a run changed: a cue to read the ledger, never the news itself. */
export class RunSignals {
  readonly #ofAll = new Set<Listener>();
  readonly #ofRun = new Map<string, Set<Listener>>();

  emit(runId: string, change: RunChange): void {
    for (const listener of [...this.#ofAll, ...(this.#ofRun.get(runId) ?? [])]) listener(change, runId);
  }

  /** @returns ends the subscription. */
  subscribe(listener: Listener): () => void {
    this.#ofAll.add(listener);
    return () => void this.#ofAll.delete(listener);
  }

  /** As {@link subscribe}, for one run: a change of another costs nothing. */
  subscribeTo(runId: string, listener: Listener): () => void {
    const listeners = this.#ofRun.get(runId) ?? new Set();
    this.#ofRun.set(runId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#ofRun.get(runId) === listeners) this.#ofRun.delete(runId);
    };
  }
}
