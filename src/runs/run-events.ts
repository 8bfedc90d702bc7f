import { JobError } from "../model/job-error.js";
import { isLastEvent, type RunEvent } from "../model/run-event.js";
import type { Clock } from "../ports/clock.js";
import { checkedEventsOptions } from "./checked-arguments.js";
import type { RunLedger } from "./run-ledger.js";

const PAGE = 256;

/** Other processes do not ring here. */
const POLL_MS = 500;

export interface EventsOptions {
  /** Start behind this sequence number. Default 0: from the first event. */
  readonly after?: number;
  /** Ends the iteration by throwing `aborted`. */
  readonly signal?: AbortSignal;
}

/** What following a run stands on. */
export interface EventSource {
  readonly ledger: RunLedger;
  readonly clock: Clock;
  /** Aborted when the executor has stopped. */
  readonly stopped: AbortSignal;
  /** Throws when the ledger may not be asked. */
  readonly mayRead: () => void;
}

/**
 * The log of a run, from the ledger, then live until its last event. Each reader pulls at its own pace: one that is slow
 * or gone holds up nobody and costs no memory.
 *
 * @throws JobError `unknown_run`, `aborted`, `not_started`, or `executor_stopped` when the executor stops first.
 */
export function runEvents(runId: string, options: EventsOptions, source: EventSource): AsyncIterableIterator<RunEvent> {
  const left = new AbortController();
  const events = follow(runId, options, source, left.signal);
  const iterator: AsyncIterableIterator<RunEvent> = {
    next: () => events.next(),
    // Wakes a reader that waits for the next event; the generator alone would first wait for it, too.
    return: () => {
      left.abort();
      return events.return(undefined);
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

async function* follow(
  runId: string,
  options: EventsOptions,
  { ledger, clock, stopped, mayRead }: EventSource,
  left: AbortSignal,
): AsyncGenerator<RunEvent> {
  const { after = 0, signal } = checkedEventsOptions(options);
  mayRead();
  const pollMs = ledger.store.capabilities.shared ? POLL_MS : null;
  const bell = new Bell(runId, ledger, clock, pollMs, signal ? [stopped, left, signal] : [stopped, left]);
  try {
    for (let position = after; ;) {
      bell.hush();
      refuseAborted(signal);
      const page = await readPage(runId, ledger, position, stopped);
      for (const event of page) {
        position = event.seq;
        yield event;
        if (isLastEvent(event)) return;
        refuseAborted(signal);
      }
      if (left.aborted) return;
      if (page.length > 0) continue;
      if (await hasEnded(runId, ledger, position)) return;
      if (stopped.aborted) throw executorStopped();
      await bell.rung();
    }
  } finally {
    bell.close();
  }
}

async function readPage(
  runId: string,
  ledger: RunLedger,
  after: number,
  stopped: AbortSignal,
): Promise<readonly RunEvent[]> {
  return ledger.readEvents(runId, { after, limit: PAGE }).catch((error: unknown) => {
    throw stopped.aborted ? executorStopped() : error;
  });
}

// Also true for a reader that starts behind the last event.
async function hasEnded(runId: string, ledger: RunLedger, position: number): Promise<boolean> {
  const run = await ledger.get(runId);
  if (!run) {
    throw new JobError("unknown_run", {
      message: `There is no run "${runId}".`,
      hint: "Check the id; a run that was pruned is gone.",
      runId,
    });
  }
  return run.finishedAt !== null && run.lastEventSeq <= position;
}

function refuseAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new JobError("aborted", {
    message: "The caller's signal was aborted.",
    hint: "The run goes on; follow it again with handle(id).",
    cause: signal.reason,
  });
}

function executorStopped(): JobError {
  return new JobError("executor_stopped", {
    message: "The executor stopped before the run ended.",
    hint: "Read the run again from an executor on the same ledger.",
  });
}

/** Rings when the run may have changed: never lost between `hush` and `rung`. */
class Bell {
  #rang = false;
  #wake: () => void = () => undefined;
  #callOff: () => void = () => undefined;
  readonly #unsubscribe: () => void;
  readonly #ring = (): void => {
    this.#rang = true;
    this.#wake();
  };

  /** @param pollMs how often to ring for changes that other processes make; null: there are none. */
  constructor(
    runId: string,
    ledger: RunLedger,
    private readonly clock: Clock,
    private readonly pollMs: number | null,
    private readonly signals: readonly AbortSignal[],
  ) {
    this.#unsubscribe = ledger.signals.subscribeTo(runId, this.#ring);
    for (const signal of signals) signal.addEventListener("abort", this.#ring);
  }

  hush(): void {
    this.#rang = this.signals.some(({ aborted }) => aborted);
  }

  async rung(): Promise<void> {
    if (this.#rang) return;
    if (this.pollMs !== null) this.#callOff = this.clock.after(this.pollMs, this.#ring);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#callOff();
  }

  close(): void {
    this.#callOff();
    this.#unsubscribe();
    for (const signal of this.signals) signal.removeEventListener("abort", this.#ring);
  }
}
