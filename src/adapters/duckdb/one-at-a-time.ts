/** Runs acts one after the other, in the order in which they were asked for. DDL that meets other DDL fails in DuckDB. */
export class OneAtATime {
  private last: Promise<unknown> = Promise.resolve();

  run<T>(act: () => Promise<T>): Promise<T> {
    const next = this.last.then(act);
    this.last = next.catch(() => undefined);
    return next;
  }
}
