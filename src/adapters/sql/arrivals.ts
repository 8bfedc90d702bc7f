/** Things that come from elsewhere, in their order, until they end or fail. A failure overtakes what has not been taken. */
export class Arrivals<T> {
  readonly #waiting: T[] = [];
  #state: "coming" | "complete" | { readonly reason: unknown } = "coming";
  #wake: () => void = () => undefined;

  /** Whether they have ended, and not failed. */
  get isComplete(): boolean {
    return this.#state === "complete";
  }

  push(thing: T): void {
    this.#waiting.push(thing);
    this.#wake();
  }

  end(): void {
    if (this.#state === "coming") this.#state = "complete";
    this.#wake();
  }

  fail(reason: unknown): void {
    if (this.#state === "coming") this.#state = { reason };
    this.#wake();
  }

  /** Undefined at their end. */
  async next(): Promise<T | undefined> {
    while (this.#waiting.length === 0 && this.#state === "coming") {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (typeof this.#state === "object") throw this.#state.reason;
    return this.#waiting.shift();
  }
}
