import { isOverdue, isWaiting } from "../../model/apply-claim.js";
import { by, startsBefore, type RunEntry } from "./run-entry.js";
import { RunGates } from "./run-gates.js";
import { RunHeap } from "./run-heap.js";

/** So many runs are looked at in one go, so that a million that wait for one gate do not hold up the event loop. */
const IN_ONE_GO = 2_000;

interface ReadyLine {
  readonly connections: readonly string[];
  readonly runs: RunHeap;
}

/**
 * The pending runs: some wait for their time, some are ready, in one line for each set of connections, and some are parked
 * before a gate that a claim found full, so that no claim has to pass over them again before somebody leaves the gate.
 */
export class PendingRuns {
  readonly #waiting = new RunHeap(by(({ record }) => record.run.runAt));
  readonly #deadlines = new RunHeap(
    by(({ record }) => record.run.startDeadline),
    "inDeadlines",
  );
  readonly #ready = new Map<string, ReadyLine>();
  readonly #gates = new RunGates();

  add(entry: RunEntry, now: number): void {
    const { run } = entry.record;
    if (run.startDeadline !== null && run.startedAt === null) this.#deadlines.push(entry);
    if (isWaiting(run, now)) this.#standIn(this.#waiting, entry);
    else this.#makeReady(entry);
  }

  delete(entry: RunEntry): void {
    this.#deadlines.delete(entry);
    entry.line?.delete(entry);
    entry.line = undefined;
  }

  /** A run passes its gates. */
  enter(entry: RunEntry): void {
    this.#gates.enter(entry);
  }

  /** A run is no longer behind its gates. */
  leave(entry: RunEntry): void {
    this.#gates.leave(entry);
  }

  /** To be called when a run moved: others may take the room at its gates that it had, or that it was called for. */
  wake(entry: RunEntry): void {
    for (const woken of this.#gates.wake(entry)) this.#makeReady(woken);
  }

  /** Makes ready what waited long enough. False: there is more. */
  ripen(now: number): boolean {
    for (let count = 0; count < IN_ONE_GO; count += 1) {
      const first = this.#waiting.peek();
      if (!first || isWaiting(first.record.run, now)) return true;
      this.#waiting.delete(first);
      this.#makeReady(first);
    }
    return false;
  }

  /** The first run that may no longer start. */
  overdue(now: number): RunEntry | undefined {
    const first = this.#deadlines.peek();
    return first && isOverdue(first.record.run, now) ? first : undefined;
  }

  /**
   * The run that starts next with these connections (undefined: all), once all that are due have ripened. `later`: so many
   * in front of it were stopped by their gates that the rest is left for another go.
   */
  next(connections: ReadonlySet<string> | undefined): RunEntry | "later" | undefined {
    for (let count = 0; count < IN_ONE_GO; count += 1) {
      const first = this.#first(connections);
      const gate = first && this.#gates.full(first);
      if (!first || !gate) return first;
      first.line?.delete(first);
      this.#gates.park(first, gate);
      this.wake(first);
    }
    return "later";
  }

  /** When the next run comes due. */
  nextDueAt(): Date | undefined {
    const { runAt = null } = this.#waiting.peek()?.record.run ?? {};
    const { startDeadline = null } = this.#deadlines.peek()?.record.run ?? {};
    if (runAt === null || startDeadline === null) return runAt ?? startDeadline ?? undefined;
    return startDeadline < runAt ? startDeadline : runAt;
  }

  /** The connections that runs need which could start. */
  needed(): readonly string[] {
    return [...this.#ready.values()].filter(({ runs }) => runs.size > 0).flatMap((line) => line.connections);
  }

  #first(connections: ReadonlySet<string> | undefined): RunEntry | undefined {
    let first: RunEntry | undefined;
    for (const [key, line] of this.#ready) {
      const top = line.runs.peek();
      if (top === undefined) this.#ready.delete(key);
      else if (connections && !line.connections.every((name) => connections.has(name))) continue;
      else if (first === undefined || startsBefore(top, first)) first = top;
    }
    return first;
  }

  #makeReady(entry: RunEntry): void {
    const { connections } = entry.record.run;
    const key = connections.length === 0 ? "" : JSON.stringify(connections);
    const line = this.#ready.get(key) ?? { connections, runs: new RunHeap(startsBefore) };
    this.#ready.set(key, line);
    this.#standIn(line.runs, entry);
  }

  #standIn(line: RunHeap, entry: RunEntry): void {
    entry.line = line;
    line.push(entry);
  }
}
