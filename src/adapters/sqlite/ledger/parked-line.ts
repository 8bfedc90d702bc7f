import type { ConcurrencyGate } from "../../../model/concurrency-gate.js";

/**
 * Where a run is parked: before which gate, apart by the room that it needs there and by the workers that could take it.
 * Were these in one line, one that no worker can take would hold up those behind it.
 */
export function parkedLine({ name, limit }: ConcurrencyGate, connections: readonly string[]): string {
  return JSON.stringify([name, limit, connections]);
}

/** The lines before a gate stand between these, in the order of their texts. */
export function linesBefore({ name }: ConcurrencyGate): { readonly from: string; readonly to: string } {
  const start = JSON.stringify([name]).slice(0, -1);
  return { from: `${start},`, to: `${start}-` };
}

/** The room that the runs of a line need: fewer than this many may be behind the gate. */
export function limitOf(line: string): number {
  const [, limit] = JSON.parse(line) as [name: string, limit: number];
  return limit;
}
