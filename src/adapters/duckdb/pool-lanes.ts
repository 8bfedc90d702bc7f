/**
 * Bounds how many of the engine's calls sit in libuv's thread pool at once. The pool is shared with the host's file and
 * DNS calls, and a call that waits for DuckDB holds one of its threads for as long.
 *
 * One thread is always left to the host, where the pool has that many, and one more to calls that are short by nature: a
 * submit never waits behind long runs. Calls of each kind start in the order in which they were asked for.
 */
export class PoolLanes {
  private held = 0;
  private heldLong = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly waitingLong: (() => void)[] = [];
  private readonly most: number;
  private readonly mostLong: number;

  /** @param poolSize how many threads libuv's pool has. */
  constructor(poolSize = threadPoolSize()) {
    this.most = Math.max(1, poolSize - 1);
    this.mostLong = Math.max(1, poolSize - 2);
  }

  /** Runs a call that is over at once, unless DuckDB has a great deal to plan. */
  async short<T>(call: () => Promise<T>): Promise<T> {
    if (this.held >= this.most) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.held += 1;
    try {
      return await call();
    } finally {
      this.held -= 1;
      this.admit();
    }
  }

  /** Runs a call that may wait for rows, or read whole files. */
  async long<T>(call: () => Promise<T>): Promise<T> {
    if (this.heldLong >= this.mostLong || this.held >= this.most) {
      await new Promise<void>((resolve) => this.waitingLong.push(resolve));
    } else {
      this.held += 1;
      this.heldLong += 1;
    }
    try {
      return await call();
    } finally {
      this.held -= 1;
      this.heldLong -= 1;
      this.admit();
    }
  }

  private admit(): void {
    if (this.held >= this.most) return;
    const short = this.waiting.shift();
    const long = short === undefined && this.heldLong < this.mostLong ? this.waitingLong.shift() : undefined;
    if (short === undefined && long === undefined) return;
    this.held += 1;
    if (long !== undefined) this.heldLong += 1;
    (short ?? long)?.();
  }
}

/** The size of libuv's pool, by libuv's own rules. */
function threadPoolSize(): number {
  // eslint-disable-next-line no-restricted-properties -- libuv reads this variable and tells nobody what it read
  const asked = Number.parseInt(process.env["UV_THREADPOOL_SIZE"] ?? "4", 10);
  return Math.min(1024, Math.max(1, Number.isNaN(asked) ? 1 : asked));
}
