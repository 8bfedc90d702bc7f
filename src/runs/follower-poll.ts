import type { Clock } from "../ports/clock.js";
import type { RunSignals } from "./run-signals.js";

/** Other processes may not ring here. */
const POLL_MS = 500;

/** Rings all who follow a run now and then, for what other processes did: one timer for all of them. */
export class FollowerPoll {
  #callOff: (() => void) | null = null;
  #stopped = false;

  constructor(
    private readonly signals: RunSignals,
    private readonly clock: Clock,
  ) {}

  /** Somebody waits. */
  start(): void {
    if (this.#stopped || this.#callOff) return;
    this.#callOff = this.clock.after(POLL_MS, () => {
      this.#callOff = null;
      // Who still waits after it has looked asks for the next ring.
      this.signals.emitToFollowers("unknown");
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#callOff?.();
  }
}
