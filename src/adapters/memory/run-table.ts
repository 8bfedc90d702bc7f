import { isOverdue, isWaiting } from "../../model/apply-claim.js";
import type { RunEvent } from "../../model/run-event.js";
import type { RunPageRequest } from "../../model/run-paging.js";
import type { RunRecord, RunStep } from "../../model/run-record.js";
import { isTerminal } from "../../model/run-status.js";
import { RunHeap } from "./run-heap.js";

/** A run in memory. `number` counts runs in the order of their making. */
export interface RunEntry {
  readonly number: number;
  readonly events: RunEvent[];
  record: RunRecord;
}

/**
 * The runs of a ledger and the orders in which they are asked for. A heap may hold runs that left its status meanwhile:
 * they are passed over when they come to the top, which is cheaper than finding them before.
 */
export class RunTable {
  #made = 0;
  #all: RunEntry[] = [];
  readonly #byJob = new Map<string, RunEntry[]>();
  readonly #byId = new Map<string, RunEntry>();
  readonly #byKey = new Map<string, RunEntry>();
  readonly #active = new Set<RunEntry>();
  readonly #ready = new RunHeap<RunEntry>(startsBefore);
  readonly #waiting = new RunHeap<RunEntry>(by((entry) => entry.record.run.runAt));
  readonly #deadlines = new RunHeap<RunEntry>(by((entry) => entry.record.run.startDeadline));
  readonly #finished = new RunHeap<RunEntry>(by((entry) => entry.record.run.finishedAt));

  get(id: string): RunEntry | undefined {
    return this.#byId.get(id);
  }

  byIdempotencyKey(key: string | null): RunEntry | undefined {
    return key === null ? undefined : this.#byKey.get(key);
  }

  add({ record, events }: RunStep, now: number): void {
    this.restore({ number: this.#made + 1, record, events: [...events] }, now);
  }

  /** Takes up an entry as it was; entries come in the order of their numbers. */
  restore(entry: RunEntry, now: number): void {
    const { run } = entry.record;
    this.#made = entry.number;
    this.#all.push(entry);
    const ofJob = this.#byJob.get(run.jobName);
    if (ofJob) ofJob.push(entry);
    else this.#byJob.set(run.jobName, [entry]);
    this.#byId.set(run.id, entry);
    if (run.idempotencyKey !== null) this.#byKey.set(run.idempotencyKey, entry);
    if (run.startDeadline !== null) this.#deadlines.push(entry);
    this.#index(entry, now);
  }

  write(entry: RunEntry, { record, events }: RunStep, now: number): void {
    const before = entry.record.run.status;
    entry.record = record;
    for (const event of events) entry.events.push(event);
    if (record.run.status !== before) this.#index(entry, now);
  }

  /** Takes out the run that a claim takes next. Whoever asks must move it on. */
  next(now: number): RunEntry | undefined {
    return this.#nextOverdue(now) ?? this.#nextReady(now);
  }

  /** When the first waiting run may start. */
  nextRunAt(now: number): Date | undefined {
    this.#wake(now);
    return first(this.#waiting, isPending)?.record.run.runAt ?? undefined;
  }

  /** The runs under a lease, oldest first. */
  active(): readonly RunEntry[] {
    return [...this.#active].sort((left, right) => left.number - right.number);
  }

  /** Runs of one page, newest first, and at most one more. */
  page({ jobName, statuses, limit, before }: RunPageRequest): readonly RunEntry[] {
    const runs = jobName === undefined ? this.#all : (this.#byJob.get(jobName) ?? []);
    const found: RunEntry[] = [];
    for (let at = countBelow(runs, before) - 1; at >= 0 && found.length <= limit; at -= 1) {
      const entry = runs[at] as RunEntry;
      if (statuses?.includes(entry.record.run.status) ?? true) found.push(entry);
    }
    return found;
  }

  prune(finishedBefore: number, limit: number): number {
    const pruned = new Set<RunEntry>();
    while (pruned.size < limit) {
      const finishedAt = this.#finished.peek()?.record.run.finishedAt?.getTime() ?? Infinity;
      const entry = finishedAt < finishedBefore ? this.#finished.pop() : undefined;
      if (entry === undefined) break;
      pruned.add(entry);
    }
    if (pruned.size > 0) this.#forget(pruned);
    return pruned.size;
  }

  entries(): readonly RunEntry[] {
    return this.#all;
  }

  #forget(pruned: ReadonlySet<RunEntry>): void {
    const kept = (entry: RunEntry): boolean => !pruned.has(entry);
    this.#all = this.#all.filter(kept);
    for (const name of new Set([...pruned].map(({ record }) => record.run.jobName))) {
      const left = this.#byJob.get(name)?.filter(kept) ?? [];
      if (left.length > 0) this.#byJob.set(name, left);
      else this.#byJob.delete(name);
    }
    for (const { record } of pruned) {
      this.#byId.delete(record.run.id);
      if (record.run.idempotencyKey !== null) this.#byKey.delete(record.run.idempotencyKey);
    }
  }

  #index(entry: RunEntry, now: number): void {
    const { run } = entry.record;
    if (run.status === "running" || run.status === "committing") this.#active.add(entry);
    else this.#active.delete(entry);
    if (isTerminal(run.status)) this.#finished.push(entry);
    if (run.status === "pending") (isWaiting(run, now) ? this.#waiting : this.#ready).push(entry);
  }

  #nextOverdue(now: number): RunEntry | undefined {
    const entry = first(this.#deadlines, ({ record: { run } }) => run.status === "pending" && run.startedAt === null);
    return entry && isOverdue(entry.record.run, now) ? this.#deadlines.pop() : undefined;
  }

  #nextReady(now: number): RunEntry | undefined {
    this.#wake(now);
    return first(this.#ready, isPending) && this.#ready.pop();
  }

  // What waited long enough becomes ready, and stays so.
  #wake(now: number): void {
    for (let entry = first(this.#waiting, isPending); entry; entry = first(this.#waiting, isPending)) {
      if (isWaiting(entry.record.run, now)) return;
      this.#waiting.pop();
      this.#ready.push(entry);
    }
  }
}

function isPending({ record }: RunEntry): boolean {
  return record.run.status === "pending";
}

function startsBefore(left: RunEntry, right: RunEntry): boolean {
  const [mine, other] = [left.record.run.priority, right.record.run.priority];
  return mine === other ? left.number < right.number : mine > other;
}

function by(time: (entry: RunEntry) => Date | null): (left: RunEntry, right: RunEntry) => boolean {
  return (left, right) => {
    const [mine, other] = [time(left)?.getTime() ?? 0, time(right)?.getTime() ?? 0];
    return mine === other ? left.number < right.number : mine < other;
  };
}

// The top of the heap, after dropping what does not belong there any more.
function first(heap: RunHeap<RunEntry>, belongs: (entry: RunEntry) => boolean): RunEntry | undefined {
  for (let top = heap.peek(); top; top = heap.peek()) {
    if (belongs(top)) return top;
    heap.pop();
  }
  return undefined;
}

// How many entries have a smaller number; entries stand in the order of their numbers.
function countBelow(entries: readonly RunEntry[], number: number): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle] as RunEntry).number < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
