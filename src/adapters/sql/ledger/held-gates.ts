import type { LedgerOperations } from "./ledger-operations.js";
import type { Now } from "./ledger-rows.js";

/** The gates that a claim holds until its commit, and how many runs are behind each. */
export class HeldGates {
  readonly #behind = new Map<string, number>();
  readonly #refused = new Set<string>();
  #since = 0;

  constructor(private readonly ledger: LedgerOperations) {}

  /** Takes those that are free. Never waits: a claim has rows locked that the holder of a gate may wait for. */
  async take(gates: readonly string[]): Promise<void> {
    const names = [...new Set(gates)].filter((name) => !this.#behind.has(name) && !this.#refused.has(name)).sort();
    if (names.length === 0) return;
    const tried = await this.ledger.tryGates({ names });
    for (const { name, held } of tried) if (!held) this.#refused.add(name);
    // Counted by a statement of its own, which sees what the holder before has committed.
    const taken = tried.filter(({ held }) => held).map(({ name }) => name);
    const counted = await this.ledger.behindGates({ names: taken });
    for (const { name, behind, now } of counted) {
      this.#behind.set(name, behind);
      this.#since = Math.max(this.#since, now);
    }
  }

  /** When a run that was locked starts: not before the gates were held, nor therefore before others left them. */
  dateOf({ now }: Now): number {
    return Math.max(this.#since, now);
  }

  hasAll(names: readonly string[]): boolean {
    return names.every((name) => this.#behind.has(name));
  }

  behind(name: string): number {
    return this.#behind.get(name) ?? 0;
  }

  enter(names: readonly string[]): void {
    for (const name of names) this.#behind.set(name, this.behind(name) + 1);
  }
}
