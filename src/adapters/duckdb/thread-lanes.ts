/**
 * Bounds how many calls sit in libuv's thread pool at once.
 *
 * The pool is shared with the host's file and DNS calls; a call that waits for DuckDB holds one of its threads for as
 * long. Calls start in the order in which they were asked for.
 */
export class ThreadLanes {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  /** @param lanes how many calls may sit in the pool at once. */
  constructor(lanes: number) {
    this.free = lanes;
  }

  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await call();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free += 1;
      else next();
    }
  }
}
