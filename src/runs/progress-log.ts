import type { RunServices } from "./run-services.js";

/** Progress is thinned to this before it is numbered, so that a fast destination does not flood the ledger. */
const PROGRESS_INTERVAL_MS = 250;

interface Progress {
  readonly rows: number;
  readonly bytes: number | null;
}

/** Takes progress as often as it is reported and logs the newest, a few times a second. */
export interface ProgressLog {
  readonly report: (rows: number, bytes?: number) => void;
  /** Writes nothing more; resolves when nothing is being written. */
  stop(): Promise<void>;
}

export function progressLog(
  runId: string,
  epoch: number,
  { ledger, clock, logger }: RunServices,
  signal: AbortSignal,
): ProgressLog {
  let newest: Progress | null = null;
  let waiting = false;
  let stopped = false;
  let callOff: () => void = () => undefined;
  let writing: Promise<unknown> = Promise.resolve();

  const write = (): void => {
    waiting = false;
    if (stopped || newest === null) return;
    const progress = newest;
    newest = null;
    writing = ledger
      .append(runId, epoch, [{ type: "run.progress", ...progress }])
      // Progress is news, not truth: the next transition reports a ledger that is out of reach.
      .catch(() => logger.debug("Progress could not be logged.", { runId }));
  };

  signal.addEventListener("abort", () => callOff(), { once: true });

  return {
    report: (rows, bytes) => {
      newest = { rows, bytes: bytes ?? null };
      if (stopped || waiting || signal.aborted) return;
      waiting = true;
      callOff = clock.after(PROGRESS_INTERVAL_MS, () => void writing.then(write));
    },
    stop: async () => {
      stopped = true;
      callOff();
      await writing;
    },
  };
}
