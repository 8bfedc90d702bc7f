/**
 * What changed of a run: something, that it waits to be claimed now, that it is to be cancelled, that it has ended, or
 * nobody knows what. `stopped`: the executor has stopped, and tells of no more.
 */
export type RunChange = "any" | "pending" | "cancel" | "ended" | "unknown" | "stopped";

/** @param runId null: of whichever run. */
type Listener = (change: RunChange, runId: string | null) => void;

/** Tells, within one executor, that something about a run changed: a cue to read the ledger, never the news itself. */
export class RunSignals {
  readonly #ofAll = new Set<Listener>();
  readonly #ofRun = new Map<string, Set<Listener>>();

  emit(runId: string | null, change: RunChange): void {
    for (const listener of this.#ofAll) listener(change, runId);
    if (runId !== null) this.emitToFollowersOf(runId, change);
  }

  /** Tells only those who listen to this run. */
  emitToFollowersOf(runId: string, change: RunChange): void {
    const listeners = this.#ofRun.get(runId);
    if (listeners) for (const listener of listeners) listener(change, runId);
  }

  /** Every run may have changed: all who listen look again. */
  emitUnknown(): void {
    this.emit(null, "unknown");
    this.emitToFollowers("unknown");
  }

  /** Tells everybody who listens to one run. */
  emitToFollowers(change: RunChange): void {
    for (const [runId, listeners] of this.#ofRun) for (const listener of listeners) listener(change, runId);
  }

  /** The runs that somebody listens to. */
  runIds(): readonly string[] {
    return [...this.#ofRun.keys()];
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
