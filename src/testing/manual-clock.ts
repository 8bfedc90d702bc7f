import type { Clock } from "../ports/clock.js";

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

/** A clock that stands still until a test moves it. Timers fire in order of their time, then of their making. */
export class ManualClock implements Clock {
  #now: number;
  #made = 0;
  readonly #timers = new Set<Timer>();

  /** @param start where the clock stands, in milliseconds since 1970 UTC. Default: 2026-01-01T00:00:00Z. */
  constructor(start: number | Date = Date.UTC(2026, 0, 1)) {
    this.#now = Number(start);
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, fire: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delayMs), order: this.#made++, fire };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /**
   * Moves the clock on and fires what falls due, timers that a fired one sets included. Before, between and after the
   * firings promises get to run.
   */
  async advance(byMs: number): Promise<void> {
    const until = this.#now + byMs;
    await settle();
    for (let due = this.#due(until); due; due = this.#due(until)) {
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.fire();
      await settle();
    }
    this.#now = until;
    await settle();
  }

  /** Sets the clock to a time, also backwards, without firing anything: what a jumping system clock does. */
  jumpTo(time: number | Date): void {
    this.#now = Number(time);
  }

  #due(until: number): Timer | undefined {
    const due = [...this.#timers].filter(({ at }) => at <= until);
    return due.sort((left, right) => left.at - right.at || left.order - right.order)[0];
  }
}

// One turn of the event loop: enough for every promise that is already resolvable.
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
