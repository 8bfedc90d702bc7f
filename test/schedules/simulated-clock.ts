import type { Clock } from "../../src/ports/clock.js";

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/** A clock that a simulation turns, and that stands still until whatever asks a ledger has its answer. */
export class SimulatedClock implements Clock {
  #timers: Timer[] = [];
  readonly #asked = new Set<Promise<unknown>>();

  /** @param tell brings each new time to a database that has a clock of its own. */
  constructor(
    private time: number,
    private readonly tell: (time: number) => Promise<unknown> = () => Promise.resolve(),
  ) {}

  now(): number {
    return this.time;
  }

  after(delayMs: number, fire: () => void): () => void {
    const timer = { at: this.time + Math.max(0, delayMs), fire };
    const behind = this.#timers.findIndex(({ at }) => at > timer.at);
    this.#timers.splice(behind === -1 ? this.#timers.length : behind, 0, timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  /** The clock waits for this answer. */
  waitFor<T>(answer: Promise<T>): Promise<T> {
    this.#asked.add(answer);
    const done = (): void => void this.#asked.delete(answer);
    answer.then(done, done);
    return answer;
  }

  async advance(byMs: number): Promise<void> {
    const until = this.time + byMs;
    await this.#quiet();
    for (let next = this.#timers[0]; next !== undefined && next.at <= until; next = this.#timers[0]) {
      this.#timers.shift();
      await this.jumpTo(Math.max(this.time, next.at));
      next.fire();
      await this.#quiet();
    }
    await this.jumpTo(until);
  }

  /** Also backwards; fires nothing. */
  async jumpTo(time: number): Promise<void> {
    if (time === this.time) return;
    this.time = time;
    await this.tell(time);
  }

  /** Nothing is asked, and what was answered led to no other question. */
  async #quiet(): Promise<void> {
    for (let turns = 0; turns < 3; turns += 1) {
      if (this.#asked.size > 0) turns = 0;
      await Promise.allSettled(this.#asked);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
