/** Promises that were given out and have not settled. */
export class PendingPromises {
  readonly #pending = new Set<Promise<unknown>>();

  add<T>(promise: Promise<T>): Promise<T> {
    const settled = promise.then(
      () => void this.#pending.delete(settled),
      () => void this.#pending.delete(settled),
    );
    this.#pending.add(settled);
    return promise;
  }

  /** Resolves when all that are pending now have settled. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }
}
