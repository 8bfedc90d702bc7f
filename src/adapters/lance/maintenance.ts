import type { TableJournal } from "./journal/table-journal.js";
import type { LanceFolder } from "./lance-folder.js";

export interface MaintenanceOptions {
  /**
   * After so many versions of a table Lance joins its small files, takes new rows into its indices, and deletes the
   * versions that are older than `keepVersionsMs`. Default: never.
   */
  readonly optimizeEvery?: number;
  /** Default 7 days. */
  readonly keepVersionsMs?: number;
  /** Hears of maintenance that failed. Default: nobody does, and the next one tries again. */
  readonly onError?: (error: unknown, table: string) => void;
}

const WEEK_MS = 7 * 24 * 60 * 60 * 1_000;

/**
 * Work that makes tables fast again. It comes after a commit, under the same lock, and never decides over the commit: the
 * run does not wait for it, and does not hear of its failure. The next writer of the table waits.
 */
export class Maintenance {
  readonly #running = new Set<Promise<void>>();

  constructor(
    private readonly folder: LanceFolder,
    private readonly options: MaintenanceOptions,
  ) {}

  /** Begins what is due. @returns whether it did, and now releases the lock itself. */
  after(base: number, version: number, table: string, journal: TableJournal): boolean {
    const { optimizeEvery } = this.options;
    // Counted in versions, not in commits of this process: many short-lived ones may write a table.
    if (optimizeEvery === undefined || Math.floor(base / optimizeEvery) === Math.floor(version / optimizeEvery))
      return false;
    const work = this.#optimize(table, journal).finally(() => this.#running.delete(work));
    this.#running.add(work);
    return true;
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #optimize(name: string, journal: TableJournal): Promise<void> {
    try {
      const table = await this.folder.open(name);
      await table?.optimize(this.options.keepVersionsMs ?? WEEK_MS);
    } catch (error) {
      this.#tell(error, name);
    } finally {
      journal.release();
    }
  }

  #tell(error: unknown, table: string): void {
    try {
      this.options.onError?.(error, table);
    } catch {
      // What the host does with it is not part of the run either.
    }
  }
}
