import { JobError } from "../model/job-error.js";
import { isLastEvent, type RunEvent } from "../model/run-event.js";
import type { Clock } from "../ports/clock.js";
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

/**
 * The log of a run, from the ledger, then live until its last event. Each reader pulls at its own pace: one that is slow
 * or gone holds up nobody and costs no memory.
 *
 * @throws JobError `unknown_run`, `aborted`, or `executor_stopped` when the executor stops first.
 */
export async function* runEvents(
  runId: string,
  { after = 0, signal }: EventsOptions,
  { ledger, clock, stopped }: { readonly ledger: RunLedger; readonly clock: Clock; readonly stopped: AbortSignal },
): AsyncGenerator<RunEvent> {
  const bell = new Bell(runId, ledger, clock, [stopped, ...(signal ? [signal] : [])]);
  try {
    for (let position = after; ;) {
      bell.hush();
      refuseToGoOn(signal, stopped);
      const page = await ledger.readEvents(runId, { after: position, limit: PAGE });
      for (const event of page) {
        position = event.seq;
        yield event;
        if (isLastEvent(event)) return;
        refuseToGoOn(signal, stopped);
      }
      if (page.length === PAGE) continue;
      if (page.length === 0 && (await hasEnded(runId, ledger, position))) return;
      await bell.rung();
    }
  } finally {
    bell.close();
  }
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

function refuseToGoOn(signal: AbortSignal | undefined, stopped: AbortSignal): void {
  if (signal?.aborted) {
    throw new JobError("aborted", { message: "The caller's signal was aborted.", hint: "", cause: signal.reason });
  }
  if (stopped.aborted) {
    throw new JobError("executor_stopped", {
      message: "The executor stopped before the run ended.",
      hint: "Read the run again from an executor on the same ledger.",
    });
  }
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

  constructor(
    runId: string,
    ledger: RunLedger,
    private readonly clock: Clock,
    private readonly signals: readonly AbortSignal[],
  ) {
    this.#unsubscribe = ledger.signals.subscribe((changed) => {
      if (changed.runId === runId) this.#ring();
    });
    for (const signal of signals) signal.addEventListener("abort", this.#ring);
  }

  hush(): void {
    this.#rang = this.signals.some(({ aborted }) => aborted);
  }

  async rung(): Promise<void> {
    if (this.#rang) return;
    this.#callOff = this.clock.after(POLL_MS, this.#ring);
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
