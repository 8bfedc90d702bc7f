/** Runs acts one after the other, in the order in which they were asked for. DDL that meets other DDL fails in DuckDB. */
export class OneAtATime {
  private last: Promise<unknown> = Promise.resolve();
  #changes = 0;

  /** How many acts there were that changed something. */
  get changes(): number {
    return this.#changes;
  }

  run<T>(act: () => Promise<T>): Promise<T> {
    return this.between(() => {
      this.#changes += 1;
      return act();
    });
  }

  /** Runs an act that changes nothing, while nobody else does. */
  between<T>(act: () => Promise<T>): Promise<T> {
    const next = this.last.then(act);
    this.last = next.catch(() => undefined);
    return next;
  }
}
