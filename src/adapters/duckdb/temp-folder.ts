import { existsSync } from "node:fs";
import { lstat, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { FileLock } from "../file-lock/file-lock.js";

const PREFIX = "millrace-duckdb-";
/** Held for as long as the folder is somebody's. */
const LOCK = "lock";

/**
 * A folder for what does not fit in an instance's memory, of its own: an instance that closes deletes what others have in the
 * same folder.
 *
 * It is removed at the end; a process that is killed leaves it to the next that makes one beside it.
 */
export class TempFolder {
  private constructor(
    private readonly folder: string,
    private readonly lock: FileLock | undefined,
    /** Resolves when the folders of the dead are removed. Nobody needs to wait for it: there may be many. */
    readonly swept: Promise<void>,
  ) {}

  /** In `parent`, which must be there; folders in it whose owner is dead are removed, behind the caller's back. */
  static async make(parent: string): Promise<TempFolder> {
    const folder = await mkdtemp(join(parent, PREFIX));
    // Where nothing can be locked nobody can tell whether the owner lives: without the file others leave the folder alone.
    const lock = await locked(folder).catch(() => rm(join(folder, LOCK), { force: true }).then(() => null));
    if (lock === null) return new TempFolder(folder, undefined, Promise.resolve());
    if (lock !== undefined && existsSync(join(folder, LOCK))) return new TempFolder(folder, lock, sweep(parent));
    // Somebody found the lock before it was held, and removes the folder.
    lock?.release();
    return TempFolder.make(parent);
  }

  /** Made by DuckDB when it is first needed. */
  get path(): string {
    return join(this.folder, "spill");
  }

  async remove(): Promise<void> {
    await this.swept;
    this.lock?.release();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Removes the folders of those who are provably dead. What cannot be removed is left: it is in nobody's way. */
async function sweep(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    if (name.startsWith(PREFIX)) await removeIfDead(join(parent, name)).catch(() => undefined);
  }
}

async function removeIfDead(folder: string): Promise<void> {
  // One without a lock is only being made, and one of another user is theirs to remove.
  const { uid } = await lstat(join(folder, LOCK));
  if (uid !== (process.getuid?.() ?? uid)) return;
  const lock = await locked(folder);
  if (lock === undefined) return;
  try {
    // Under the lock: whoever has made the folder, and does not hold it yet, sees that it is gone.
    await rm(folder, { recursive: true, force: true });
  } finally {
    lock.release();
  }
}

/** One look: undefined when somebody holds the lock. */
function locked(folder: string): Promise<FileLock | undefined> {
  return FileLock.acquire(join(folder, LOCK), { signal: AbortSignal.any([]), waitMs: 0 });
}
