import type { FileHandle } from "node:fs/promises";

/**
 * Brings SQLite's write-ahead log to the disk. `synchronous = full` would do it inside the commit and stop the event loop
 * for as long as the disk takes; a sync of the same file after the commit keeps as much, from a thread of Node's pool.
 */
export class WalSync {
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** @param wal the log's file; undefined for a ledger in memory, which no sync makes durable. */
  constructor(private readonly wal: FileHandle | undefined) {}

  /**
   * Resolves when all that was committed before this call is on the disk. All who ask while one sync runs share the next.
   * After one failure every sync fails: the system may have dropped what it could not write, and would report success.
   */
  sync(): Promise<void> {
    this.#next ??= this.#syncAfter(this.#running);
    return this.#next;
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#running, this.#next]);
    await this.wal?.close();
  }

  async #syncAfter(running: Promise<void> | undefined): Promise<void> {
    await running;
    this.#running = this.#next;
    this.#next = undefined;
    await this.wal?.datasync();
  }
}
