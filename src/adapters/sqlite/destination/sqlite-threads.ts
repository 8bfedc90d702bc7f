import { SqliteThread } from "./sqlite-thread.js";

/** A thread takes 15 to 20 ms to start, so some are kept warm. */
const MOST_IDLE = 2;

/** What a task is given: a thread for itself, and a way to say that it may not be stopped any more. */
export type ThreadTask<R> = (thread: SqliteThread, pastStopping: () => void) => Promise<R>;

/**
 * The threads of one connection; SQLite's own locks decide between tasks. After a failure or an abort the thread is
 * thrown away with whatever it had open, which is the surest rollback there is.
 */
export class SqliteThreads {
  private readonly idle: SqliteThread[] = [];
  private readonly working = new Set<Promise<unknown>>();

  /** Rejects with the signal's reason when that stopped the task, and only after the thread's locks are free. */
  async use<R>(signal: AbortSignal, task: ThreadTask<R>): Promise<R> {
    signal.throwIfAborted();
    const work = this.run(signal, task);
    this.working.add(work);
    try {
      return await work;
    } finally {
      this.working.delete(work);
    }
  }

  /** Lets tasks end by themselves, then ends the threads. */
  async close(): Promise<void> {
    await Promise.allSettled(this.working);
    await Promise.all(this.idle.splice(0).map((thread) => thread.terminate()));
  }

  private async run<R>(signal: AbortSignal, task: ThreadTask<R>): Promise<R> {
    const thread = this.idle.pop() ?? new SqliteThread();
    let stopped = false;
    const stop = (): void => {
      stopped = true;
      void thread.terminate();
    };
    const pastStopping = (): void => signal.removeEventListener("abort", stop);
    signal.addEventListener("abort", stop, { once: true });
    let keep = false;
    try {
      const result = await task(thread, pastStopping);
      keep = !stopped && this.idle.length < MOST_IDLE;
      return result;
    } catch (error) {
      throw stopped ? signal.reason : error;
    } finally {
      pastStopping();
      if (keep) this.idle.push(thread);
      else await thread.terminate();
    }
  }
}
