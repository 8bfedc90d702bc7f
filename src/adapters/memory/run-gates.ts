import type { ConcurrencyGate } from "../../model/concurrency-gate.js";
import { startsBefore, type RunEntry } from "./run-entry.js";
import { RunHeap } from "./run-heap.js";

interface Gate {
  /** How many runs are behind it. */
  behind: number;
  /** Those it stopped, apart by the room that they need and by the workers that could take them. */
  readonly parked: Map<string, { readonly limit: number; readonly line: RunHeap }>;
}

/** The gates that runs are behind, or parked before. */
export class RunGates {
  readonly #gates = new Map<string, Gate>();

  enter({ gates }: RunEntry): void {
    for (const { name } of gates) this.#gate(name).behind += 1;
  }

  leave({ gates }: RunEntry): void {
    for (const { name } of gates) this.#gate(name).behind -= 1;
  }

  /** The first gate of a run that has no room for it. */
  full({ gates }: RunEntry): ConcurrencyGate | undefined {
    return gates.find(({ name, limit }) => (this.#gates.get(name)?.behind ?? 0) >= limit);
  }

  park(entry: RunEntry, { name, limit }: ConcurrencyGate): void {
    const { parked } = this.#gate(name);
    const key = JSON.stringify([limit, entry.record.run.connections]);
    const stopped = parked.get(key) ?? { limit, line: new RunHeap(startsBefore) };
    parked.set(key, stopped);
    entry.line = stopped.line;
    stopped.line.push(entry);
  }

  /** Takes out, for each gate of a run, the first ones parked there that it has room for now: one of each kind. */
  wake({ gates }: RunEntry): readonly RunEntry[] {
    return gates.flatMap(({ name }) => {
      const gate = this.#gate(name);
      const woken: RunEntry[] = [];
      for (const [key, { limit, line }] of gate.parked) {
        const first = gate.behind < limit ? line.peek() : undefined;
        if (first) {
          line.delete(first);
          woken.push(first);
        }
        // Those parked here may have ended meanwhile.
        if (line.size === 0) gate.parked.delete(key);
      }
      if (gate.behind === 0 && gate.parked.size === 0) this.#gates.delete(name);
      return woken;
    });
  }

  #gate(name: string): Gate {
    const gate = this.#gates.get(name) ?? { behind: 0, parked: new Map() };
    this.#gates.set(name, gate);
    return gate;
  }
}
