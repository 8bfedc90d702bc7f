import { JobError } from "../model/job-error.js";
import type { Clock } from "../ports/clock.js";
import type { RecoveryReport } from "./recovery.js";
import { manyListeners } from "./waiting.js";

/** What happened to an executor itself, rather than to one run. */
export type ExecutorEventBody =
  /** The ledger does not answer. Attempts go on while their leases can be proven; no run is claimed until it answers again. */
  | { readonly type: "store.unavailable"; readonly since: Date; readonly message: string }
  | { readonly type: "store.available"; readonly unavailableMs: number }
  /** Runs wait that need these connections, which this executor lacks: they are left to others. Told once for each set. */
  | { readonly type: "connections.missing"; readonly connections: readonly string[] }
  /** An attempt was given up, since its lease could not be renewed in time or another worker had taken the run over. */
  | { readonly type: "run.lease_lost"; readonly runId: string; readonly epoch: number }
  /** What became of runs whose owner had died. Not told of none. */
  | ({ readonly type: "runs.recovered" } & RecoveryReport)
  /** Finished runs were deleted, because their time was up. Not told of none. */
  | { readonly type: "runs.pruned"; readonly count: number }
  /** So many events were passed over here, because this reader was too slow. */
  | { readonly type: "events.dropped"; readonly count: number };

export type ExecutorEvent = ExecutorEventBody & {
  /** By the executor's clock. */
  readonly at: Date;
};

/** A reader that is further behind loses the oldest. */
const LARGEST_BACKLOG = 1_000;

/** Hands what happens to everybody who follows it, each at its own pace. */
export class ExecutorEvents {
  readonly #readers = new Set<Reader>();
  #closed = false;

  constructor(private readonly clock: Clock) {}

  emit(body: ExecutorEventBody): void {
    if (this.#readers.size === 0) return;
    const event = { ...body, at: new Date(this.clock.now()) };
    for (const reader of this.#readers) reader.push(event);
  }

  /** From now on. @param signal ends the iteration by throwing `aborted`. */
  follow(signal?: AbortSignal): AsyncIterableIterator<ExecutorEvent> {
    const reader = new Reader(this.clock, () => void this.#readers.delete(reader), signal);
    this.#readers.add(reader);
    if (this.#closed) reader.close();
    return reader;
  }

  /** Readers end once they have read what there is. */
  close(): void {
    this.#closed = true;
    for (const reader of this.#readers) reader.close();
  }
}

class Reader implements AsyncIterableIterator<ExecutorEvent> {
  readonly #backlog: ExecutorEvent[] = [];
  #dropped = 0;
  #closed = false;
  #wake: () => void = () => undefined;
  /** Calls of `next` that overlap are answered in their order. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly clock: Clock,
    private readonly leave: () => void,
    private readonly signal: AbortSignal | undefined,
  ) {
    if (signal) manyListeners(signal).addEventListener("abort", this.#ring);
  }

  push(event: ExecutorEvent): void {
    this.#backlog.push(event);
    if (this.#backlog.length > LARGEST_BACKLOG) {
      this.#backlog.shift();
      this.#dropped += 1;
    }
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  next(): Promise<IteratorResult<ExecutorEvent, undefined>> {
    const result = this.#turn.then(() => this.#next());
    this.#turn = result.catch(() => undefined);
    return result;
  }

  return(): Promise<IteratorResult<ExecutorEvent, undefined>> {
    this.#backlog.length = 0;
    this.#dropped = 0;
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #next(): Promise<IteratorResult<ExecutorEvent, undefined>> {
    for (;;) {
      if (this.signal?.aborted) {
        this.#end();
        throw aborted(this.signal);
      }
      const value = this.#take();
      if (value) return { done: false, value };
      if (this.#closed) {
        this.#end();
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(): ExecutorEvent | undefined {
    if (this.#dropped === 0) return this.#backlog.shift();
    const count = this.#dropped;
    this.#dropped = 0;
    return { type: "events.dropped", count, at: new Date(this.clock.now()) };
  }

  #end(): void {
    this.leave();
    this.signal?.removeEventListener("abort", this.#ring);
    this.close();
  }

  readonly #ring = (): void => this.#wake();
}

function aborted(signal: AbortSignal): JobError {
  return new JobError("aborted", {
    message: "The caller's signal was aborted.",
    hint: "The executor goes on; follow it again with events().",
    cause: signal.reason,
  });
}
