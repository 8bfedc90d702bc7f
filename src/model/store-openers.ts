import { gatesOf } from "./concurrency-gate.js";
import type { StoreChange } from "./run-change.js";
import type { RunStep } from "./run-record.js";
import { isTerminal } from "./run-status.js";

interface Listener {
  readonly onChange?: (change: StoreChange) => void;
}

/**
 * Who has a store open, by the context that each opened it with: it is open while there is one of them, and what one does
 * through it the others must hear.
 */
export class StoreOpeners<Context extends Listener> {
  readonly #contexts = new Set<Context>();

  /** Whether there is anybody who must hear what another one does. */
  get areSeveral(): boolean {
    return this.#contexts.size > 1;
  }

  add(context: Context): void {
    this.#contexts.add(context);
  }

  /**
   * @param context whose way out it is; without one, everybody's.
   * @returns whether nobody has the store open any more.
   */
  leave(context?: Context): boolean {
    if (context === undefined) this.#contexts.clear();
    else this.#contexts.delete(context);
    return this.#contexts.size === 0;
  }

  /** Tells everybody, a moment from now: for whoever did it, it is no news and no harm. */
  tell(...changes: readonly StoreChange[]): void {
    queueMicrotask(() => {
      for (const context of [...this.#contexts]) for (const change of changes) context.onChange?.(change);
    });
  }

  /** Tells of a step of a run, if there is anybody who must hear it. */
  tellStep({ record: { run }, events }: RunStep): void {
    if (!this.areSeveral) return;
    const kind = events.some(({ type }) => type === "run.cancel_requested") ? "cancel" : "run";
    if (events.length > 0) this.tell({ kind, runId: run.id });
    const leavesGates = isTerminal(run.status) && gatesOf(run).length > 0;
    if (run.status === "pending" || leavesGates) this.tell({ kind: "pending" });
  }
}
