import { fullGate, gatesOf, type ConcurrencyGate } from "../../../model/concurrency-gate.js";
import type { JobRun } from "../../../model/run.js";
import type { ClaimStatements } from "./claim-statements.js";
import { limitOf, linesBefore, parkedLine } from "./parked-line.js";

/** What runs are behind gates, or parked before them. Every method is called within a write transaction. */
export class RunGates {
  constructor(private readonly statements: ClaimStatements) {}

  /** The first gate of a run that has no room for it. */
  full(run: JobRun): ConcurrencyGate | undefined {
    return fullGate(run, (gate) => this.#behind(gate));
  }

  /** Takes a ready run out of its line, until a run leaves the gate. */
  park(seq: number, { connections }: JobRun, gate: ConcurrencyGate): void {
    this.statements.parkRun.run({ seq, line: parkedLine(gate, connections) });
  }

  /**
   * A run left the ready order or the gates: for each of its gates, the first one of each line that is parked there and
   * that there is room for becomes ready. Returns how many did.
   */
  call(run: JobRun): number {
    const { parkedLines, callFirst } = this.statements;
    let called = 0;
    for (const gate of gatesOf(run)) {
      const lines = parkedLines.all(linesBefore(gate));
      const behind = lines.length > 0 ? this.#behind(gate) : 0;
      for (const { line } of lines) if (behind < limitOf(line)) called += callFirst.run({ line }).changes;
    }
    return called;
  }

  #behind({ kind, name }: ConcurrencyGate): number {
    const { behindJobGate, behindKeyGate } = this.statements;
    const statement = kind === "job" ? behindJobGate : behindKeyGate;
    return statement.get({ gate: JSON.stringify(name) })?.count ?? 0;
  }
}
