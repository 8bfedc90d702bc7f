// eslint-disable-next-line no-restricted-imports -- only a pause between two looks: a clock that stands still must not stop it
import { setTimeout as delay } from "node:timers/promises";
import type Sqlite from "better-sqlite3";

export interface LockWait {
  /** Ends the waiting; its reason is thrown. */
  readonly signal: AbortSignal;
  /** How long to wait for whoever holds the lock, in milliseconds. */
  readonly waitMs: number;
}

/**
 * A lock on a file, held by this process until it is released or the process dies, however it dies. A process that is
 * merely stopped keeps it: nobody can take it over.
 *
 * It is SQLite's own lock on an otherwise empty database, which the system frees at death, and which also tells two holders
 * in one process apart. The file stays when the lock is released: to delete it is to let two holders lock two files of one
 * name. On a network file system it is as good as that system's locks are.
 */
export class FileLock {
  readonly #database: Sqlite.Database;

  private constructor(database: Sqlite.Database) {
    this.#database = database;
  }

  /**
   * Waits for the lock on `path`, whose folder must be there.
   *
   * @returns undefined when somebody else held it for all of `waitMs`.
   */
  static async acquire(path: string, { signal, waitMs }: LockWait): Promise<FileLock | undefined> {
    const { default: Driver } = await import("better-sqlite3");
    for (let waited = 0, pause = FIRST_PAUSE_MS; ; waited += pause, pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      signal.throwIfAborted();
      const database = lockNow(Driver, path);
      if (database !== undefined) return new FileLock(database);
      if (waited >= waitMs) return undefined;
      await delay(Math.min(pause, waitMs - waited), undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  /** May be called twice. */
  release(): void {
    this.#database.close();
  }
}

const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;

function lockNow(Driver: typeof Sqlite, path: string): Sqlite.Database | undefined {
  const database = new Driver(path, { timeout: 0 });
  try {
    // Without this SQLite would put a journal beside the file.
    database.pragma("journal_mode = memory");
    database.exec("begin exclusive");
    return database;
  } catch (error) {
    database.close();
    if (isHeld(error)) return undefined;
    throw error;
  }
}

function isHeld(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY");
}
