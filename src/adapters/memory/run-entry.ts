import { gatesOf, type ConcurrencyGate } from "../../model/concurrency-gate.js";
import type { RunEvent } from "../../model/run-event.js";
import type { RunRecord } from "../../model/run-record.js";
import type { RunHeap } from "./run-heap.js";

/** A run in memory. `number` counts runs in the order of their making. */
export interface RunEntry {
  readonly number: number;
  /** The run's, at hand: a heap of a million compares it very often. */
  readonly priority: number;
  readonly events: RunEvent[];
  readonly gates: readonly ConcurrencyGate[];
  record: RunRecord;
  /** The line that it stands in: a pending run's for its turn, a finished one's for its pruning. */
  line: RunHeap | undefined;
  /** Its place in `line`, and among the start deadlines; -1: none. */
  inLine: number;
  inDeadlines: number;
}

export function runEntry(number: number, record: RunRecord, events: RunEvent[]): RunEntry {
  const { run } = record;
  const { priority } = run;
  return { number, priority, events, gates: gatesOf(run), record, line: undefined, inLine: -1, inDeadlines: -1 };
}

/** Claiming order: the higher priority first, then the older run. */
export function startsBefore(left: RunEntry, right: RunEntry): boolean {
  return left.priority === right.priority ? left.number < right.number : left.priority > right.priority;
}

/** The order of a time that runs have, the older run first within an instant. */
export function by(time: (entry: RunEntry) => Date | null): (left: RunEntry, right: RunEntry) => boolean {
  return (left, right) => {
    const [mine, other] = [time(left)?.getTime() ?? 0, time(right)?.getTime() ?? 0];
    return mine === other ? left.number < right.number : mine < other;
  };
}
