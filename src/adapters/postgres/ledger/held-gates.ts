import type { Statements } from "./statements.js";
import type { Transaction } from "./transaction.js";

/** The gates that a claim holds until its commit, and how many runs are behind each. */
export class HeldGates {
  readonly #behind = new Map<string, number>();
  readonly #refused = new Set<string>();

  constructor(
    private readonly transaction: Transaction,
    private readonly statements: Statements,
    private readonly channel: string,
  ) {}

  /** Takes those that are free. Never waits: a claim has rows locked that the holder of a gate may wait for. */
  async take(gates: readonly string[]): Promise<void> {
    const names = [...new Set(gates)].filter((name) => !this.#behind.has(name) && !this.#refused.has(name)).sort();
    if (names.length === 0) return;
    const tried = await this.transaction.run(this.statements.tryGates, { channel: this.channel, names });
    for (const { name, held } of tried) if (!held) this.#refused.add(name);
    // Counted by a statement of its own, which sees what the holder before has committed.
    const taken = tried.filter(({ held }) => held).map(({ name }) => name);
    const counted = await this.transaction.run(this.statements.behindGates, { names: taken });
    for (const { name, behind } of counted) this.#behind.set(name, behind);
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
