/** A system that keeps jobs and does them, as the benches use it. Made anew for each measurement. */
export interface JobQueue extends AsyncDisposable {
  /** Begins to work. `onStart` is called when the work of a job begins. */
  work(onStart: () => void): Promise<void>;
  /** Stores so many no-op jobs: one by the call for one, more by the call for many. Resolves when they are stored. */
  submit(count: number): Promise<void>;
  /** Resolves when so many jobs are done. */
  done(count: number): Promise<void>;
  /** How many jobs are done, as the system's own storage says. */
  counted(): Promise<number>;
}

/** How a queue is set up: the same numbers for every system. */
export interface QueueShape {
  /** Jobs at work at once. */
  readonly slots: number;
  /** Connections of the database's pool, for submitting and for working together. */
  readonly poolSize: number;
  /** Jobs per submit. Above 1, jobs are also fetched and completed in batches where the system can. */
  readonly batch: number;
  /** Submits under way at once, each awaited before the next. */
  readonly callers: number;
}
