/**
 * Bounds how many calls sit in libuv's thread pool at once.
 *
 * The pool is shared with the host's file and DNS calls, and a call that waits for DuckDB holds one of its threads for as
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

/** The ways of one engine into the pool. */
export interface EngineLanes {
  /** For calls that are short by nature, so that a submit never waits behind a long run. */
  readonly short: ThreadLanes;
  /** For calls that wait for rows or read files. */
  readonly long: ThreadLanes;
}

/** One lane for short calls, and at least one thread that is always left to the host, where the pool has that many. */
export function engineLanes(poolSize = threadPoolSize()): EngineLanes {
  return { short: new ThreadLanes(1), long: new ThreadLanes(Math.max(1, poolSize - 2)) };
}

/** The size of libuv's pool, by libuv's own rules. */
function threadPoolSize(): number {
  // eslint-disable-next-line no-restricted-properties -- libuv reads this variable and tells nobody what it read
  const asked = Number.parseInt(process.env["UV_THREADPOOL_SIZE"] ?? "4", 10);
  return Math.min(1024, Math.max(1, Number.isNaN(asked) ? 1 : asked));
}
