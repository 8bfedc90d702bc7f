import type { AttemptControl } from "./attempt-control.js";
import type { RunServices } from "./run-services.js";

/** Progress is thinned to this before it is numbered, so that a fast destination does not flood the ledger. */
const PROGRESS_INTERVAL_MS = 250;

interface Progress {
  readonly rows: number;
  readonly bytes: number | null;
}

/** Takes progress as often as it is reported and logs the newest, a few times a second, while nothing interrupts the attempt. */
export class ProgressLog {
  #newest: Progress | null = null;
  #waiting = false;
  #stopped = false;
  #callOff: (() => void) | null = null;
  #writing: Promise<unknown> | null = null;

  constructor(
    private readonly runId: string,
    private readonly epoch: number,
    private readonly services: RunServices,
    private readonly control: AttemptControl,
  ) {}

  report(rows: number, bytes?: number): void {
    this.#newest = { rows, bytes: bytes ?? null };
    // Many attempts report nothing, and need not listen.
    if (this.#callOff === null) this.control.interrupted.onFire(() => this.#end());
    if (this.#stopped || this.#waiting) return;
    this.#waiting = true;
    this.#callOff = this.services.clock.after(PROGRESS_INTERVAL_MS, () => void this.#whenWritten());
  }

  /** Writes nothing more; resolves when nothing is being written. */
  stop(): Promise<unknown> | null {
    this.#end();
    return this.#writing;
  }

  #end(): void {
    this.#stopped = true;
    this.#callOff?.();
  }

  async #whenWritten(): Promise<void> {
    await this.#writing;
    this.#waiting = false;
    if (this.#stopped || this.#newest === null) return;
    const event = { type: "run.progress", ...this.#newest } as const;
    this.#newest = null;
    const { ledger, logger } = this.services;
    // Progress is news, not truth: the next transition reports a ledger that is out of reach.
    const failed = (): void => logger.debug("Progress could not be logged.", { runId: this.runId });
    this.#writing = ledger.append(this.runId, this.epoch, [event]).catch(failed);
  }
}
