/** A point at which a test lets code wait, and goes on when the test says so. */
export class Gate<T = void> {
  #open!: (value: T) => void;
  #arrive!: () => void;
  readonly #opened = new Promise<T>((resolve) => {
    this.#open = resolve;
  });
  /** Resolves when something waits at the gate. */
  readonly reached = new Promise<void>((resolve) => {
    this.#arrive = resolve;
  });

  /** Waits until the gate is opened, or the signal is aborted. */
  async pass(signal?: AbortSignal): Promise<T> {
    this.#arrive();
    if (!signal) return this.#opened;
    signal.throwIfAborted();
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
    return Promise.race([this.#opened, aborted]);
  }

  open(value: T): void {
    this.#open(value);
  }
}
