import { SqliteThread } from "./sqlite-thread.js";

/** A thread takes 15 to 20 ms to start, so some are kept warm. */
const MOST_IDLE = 2;

/** What a task is given: a thread for itself, and a way to say that it may not be stopped any more. */
export type ThreadTask<R> = (thread: SqliteThread, pastStopping: () => void) => Promise<R>;

/** The threads of one connection. A task has one for itself; SQLite's own locks decide between tasks. */
export class SqliteThreads {
  private readonly idle: SqliteThread[] = [];
  private readonly working = new Set<Promise<unknown>>();

  /**
   * Rejects with the signal's reason when that stopped the task. Whatever the task left open is rolled back, and its
   * locks are free, before this settles.
   */
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
    const thread = this.take();
    let stopped = false;
    const stop = (): void => {
      stopped = true;
      thread.stop.raise();
      // Now, and not when the task has come to its end: that may wait for rows which never come.
      void abandon(thread);
    };
    const pastStopping = (): void => signal.removeEventListener("abort", stop);
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await task(thread, pastStopping);
    } catch (error) {
      throw stopped ? signal.reason : error;
    } finally {
      pastStopping();
      await abandon(thread);
      await this.giveBack(thread);
    }
  }

  private take(): SqliteThread {
    for (let thread = this.idle.pop(); thread; thread = this.idle.pop()) if (!thread.hasEnded) return thread;
    return new SqliteThread();
  }

  private async giveBack(thread: SqliteThread): Promise<void> {
    thread.stop.lower();
    if (this.idle.length < MOST_IDLE && !thread.hasEnded) this.idle.push(thread);
    else await thread.terminate();
  }
}

/** A thread that has ended has rolled back already. */
async function abandon(thread: SqliteThread): Promise<void> {
  await thread.call({ do: "abandon" }).catch(() => undefined);
}
