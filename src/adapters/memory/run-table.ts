import type { RunPageRequest } from "../../model/run-paging.js";
import type { RunRecord, RunStep } from "../../model/run-record.js";
import { isTerminal, RUN_STATUSES, type RunStatus } from "../../model/run-status.js";
import type { RunEvent } from "../../model/run-event.js";
import { PendingRuns } from "./pending-runs.js";
import { by, runEntry, type RunEntry } from "./run-entry.js";
import { RunHeap } from "./run-heap.js";
import { RunPages } from "./run-pages.js";

const endsBefore = by(({ record }) => record.run.finishedAt);

/** The runs of a ledger, and the orders in which they are asked for. */
export class RunTable {
  #made = 0;
  readonly #byId = new Map<string, RunEntry>();
  readonly #byKey = new Map<string, RunEntry>();
  readonly #pages = new RunPages();
  readonly #finished = new Map<RunStatus, RunHeap>(
    RUN_STATUSES.filter(isTerminal).map((status) => [status, new RunHeap(endsBefore)]),
  );
  /** Finished runs that a pruning left because the one is there that they redrive, by the id of that. */
  readonly #held = new Map<string, RunEntry[]>();
  readonly pending = new PendingRuns();

  get(id: string): RunEntry | undefined {
    return this.#byId.get(id);
  }

  byIdempotencyKey(key: string | null): RunEntry | undefined {
    return key === null ? undefined : this.#byKey.get(key);
  }

  add({ record, events }: RunStep, now: number): void {
    this.restore(this.#made + 1, record, [...events], now);
  }

  /** Takes up a run as it was; runs come in the order of their numbers. */
  restore(number: number, record: RunRecord, events: RunEvent[], now: number): void {
    const { run } = record;
    const entry = runEntry(number, record, events);
    this.#made = number;
    this.#byId.set(run.id, entry);
    if (run.idempotencyKey !== null) this.#byKey.set(run.idempotencyKey, entry);
    this.#pages.add(entry);
    this.#arrive(entry, now);
  }

  write(entry: RunEntry, { record, events }: RunStep, now: number): void {
    const before = entry.record.run.status;
    entry.record = record;
    for (const event of events) entry.events.push(event);
    if (record.run.status === before) return;
    this.#pages.move(entry, before);
    if (isActive(before) && isActive(record.run.status)) return;
    if (before === "pending") this.pending.delete(entry);
    else this.pending.leave(entry);
    this.#arrive(entry, now);
    this.pending.wake(entry);
  }

  /** The runs under way, oldest first. */
  active(): readonly RunEntry[] {
    return this.#pages.active();
  }

  /** Runs of one page, newest first, and at most one more. */
  page(request: RunPageRequest): readonly RunEntry[] {
    return this.#pages.page(request);
  }

  prune(finishedBefore: number, limit: number, statuses: readonly RunStatus[]): number {
    const lines = [...new Set(statuses)].flatMap((status) => this.#finished.get(status) ?? []);
    const pruned = new Set<string>();
    while (pruned.size < limit) {
      const oldest = lines.flatMap((line) => line.peek() ?? []).reduce(earlier, undefined);
      if ((oldest?.record.run.finishedAt?.getTime() ?? Infinity) >= finishedBefore || !oldest) break;
      const { id, redriveOf } = oldest.record.run;
      if (redriveOf !== null && (this.#byId.has(redriveOf) || pruned.has(redriveOf))) {
        this.#hold(oldest, redriveOf);
      } else {
        this.#forget(oldest);
        pruned.add(id);
      }
    }
    // Not before: as in every other store, they stood in the way of this act.
    for (const id of pruned) this.#release(id);
    return pruned.size;
  }

  entries(): readonly RunEntry[] {
    return [...this.#byId.values()].sort((left, right) => left.number - right.number);
  }

  #arrive(entry: RunEntry, now: number): void {
    const { status } = entry.record.run;
    if (status === "pending") this.pending.add(entry, now);
    else if (isActive(status)) this.pending.enter(entry);
    else this.#finish(entry);
  }

  #finish(entry: RunEntry): void {
    entry.line = this.#finished.get(entry.record.run.status);
    entry.line?.push(entry);
  }

  #hold(entry: RunEntry, redriven: string): void {
    entry.line?.delete(entry);
    entry.line = undefined;
    this.#held.set(redriven, [...(this.#held.get(redriven) ?? []), entry]);
  }

  #release(redriven: string): void {
    const held = this.#held.get(redriven);
    this.#held.delete(redriven);
    for (const entry of held ?? []) this.#finish(entry);
  }

  #forget(entry: RunEntry): void {
    const { run } = entry.record;
    entry.line?.delete(entry);
    this.#pages.delete(entry, run.status);
    this.#byId.delete(run.id);
    if (run.idempotencyKey !== null) this.#byKey.delete(run.idempotencyKey);
  }
}

function isActive(status: RunStatus): boolean {
  return status === "running" || status === "committing";
}

function earlier(found: RunEntry | undefined, entry: RunEntry): RunEntry {
  return found === undefined || endsBefore(entry, found) ? entry : found;
}
