/** Something that happens at most once, and that few wait for: what an AbortSignal is for, at a fraction of its cost. */
export class Cue<T = void> {
  #fired: { readonly value: T } | null = null;
  #waiting: ((value: T) => void)[] = [];

  /** Only the first time counts. */
  fire(value: T): void {
    if (this.#fired) return;
    this.#fired = { value };
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const hear of waiting) hear(value);
  }

  /** Calls `hear` when it happens; at once when it has happened. */
  onFire(hear: (value: T) => void): void {
    if (this.#fired) hear(this.#fired.value);
    else this.#waiting.push(hear);
  }
}
