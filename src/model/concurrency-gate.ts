import type { RunDefinition } from "./job-definition.js";

/** Something that only so many runs may be behind at once: from their claim until they are pending again or have ended. */
export interface ConcurrencyGate {
  readonly kind: "job" | "key";
  /** Equal for runs that share the gate. */
  readonly name: string;
  readonly limit: number;
}

interface GatedRun {
  readonly jobName: string;
  readonly concurrencyKey: string | null;
  readonly definition: Pick<RunDefinition, "execution">;
}

/**
 * The gates of a run, in the order in which they are tried: its job's, then its key's. Runs of one gate may come with
 * different limits, since each carries its own definition: a run passes when fewer than its own limit are behind.
 */
export function gatesOf({ jobName, concurrencyKey, definition: { execution } }: GatedRun): readonly ConcurrencyGate[] {
  const { maxConcurrent, maxConcurrentPerKey } = execution;
  const gates: ConcurrencyGate[] = [];
  if (maxConcurrent > 0) gates.push({ kind: "job", name: `job:${jobName}`, limit: maxConcurrent });
  if (concurrencyKey !== null) gates.push({ kind: "key", name: `key:${concurrencyKey}`, limit: maxConcurrentPerKey });
  return gates;
}

/** The first gate of a run that has no room for it; undefined: it may pass. @param behind how many runs are behind a gate. */
export function fullGate(run: GatedRun, behind: (gate: ConcurrencyGate) => number): ConcurrencyGate | undefined {
  return gatesOf(run).find((gate) => behind(gate) >= gate.limit);
}
