/** Something that happens at most once, and that few wait for: what an AbortSignal is for, at a fraction of its cost. */
export class Cue<T = void> {
  #fired: { readonly value: T } | null = null;
  /** All who wait, as one: mostly there is one, and an array that grows takes room for seventeen. */
  #hear: ((value: T) => void) | null = null;

  /** Only the first time counts. */
  fire(value: T): void {
    if (this.#fired) return;
    this.#fired = { value };
    this.#hear?.(value);
    this.#hear = null;
  }

  /** Calls `hear` when it happens; at once when it has happened. */
  onFire(hear: (value: T) => void): void {
    if (this.#fired) return hear(this.#fired.value);
    const before = this.#hear;
    this.#hear = before === null ? hear : (value) => (before(value), hear(value));
  }
}
