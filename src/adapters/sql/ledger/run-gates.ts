import type { ConcurrencyGate } from "../../../model/concurrency-gate.js";
import type { JobRun } from "../../../model/run.js";
import { isUnderWay } from "./known-runs.js";
import type { FullRow, RunRow } from "../ledger-schema.js";
import type { RunRecord } from "../../../model/run-record.js";

/** The gates of a run as its row holds them. */
export function gateNames({ job_gate: job, key_gate: key }: Pick<RunRow, "job_gate" | "key_gate">): readonly string[] {
  return [job, key].filter((name) => name !== null);
}

/** Whether a step takes a run with gates out of those that are ready or under way: somebody else may come up for it. */
export function leavesGates(row: FullRow, record: RunRecord): boolean {
  const wasIn = row.queue === "ready" || row.lease_owner !== null;
  return wasIn && !isUnderWay(record) && gateNames(row).length > 0;
}

/**
 * Where a run is parked: before which gate, apart by the room that it needs there and by the workers that could take it.
 * Were these in one line, one that no worker can take would hold up those behind it.
 */
export function parkedLine({ name, limit }: ConcurrencyGate, { connections }: JobRun): string {
  return JSON.stringify([name, limit, connections]);
}

/** Which gates runs left, and how often: those parked before them are to come up. */
export class GateCalls {
  readonly #counts = new Map<string, number>();

  add(names: readonly string[]): void {
    for (const name of names) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /**
   * As the statement takes them; undefined when nobody is called.
   *
   * @param behind how many runs are behind a gate; null: the statement counts them.
   */
  take(behind: (name: string) => number | null): GateCallColumns | undefined {
    if (this.#counts.size === 0) return undefined;
    const names = [...this.#counts.keys()];
    // The lines before a gate stand between these, in the order of their texts.
    const starts = names.map((name) => `[${name},`);
    const ends = names.map((name) => `[${name}-`);
    const calls = { names, starts, ends, counts: [...this.#counts.values()], behind: names.map(behind) };
    this.#counts.clear();
    return calls;
  }
}

export interface GateCallColumns {
  readonly names: readonly string[];
  readonly starts: readonly string[];
  readonly ends: readonly string[];
  readonly counts: readonly number[];
  readonly behind: readonly (number | null)[];
}
