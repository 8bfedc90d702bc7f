import { AttachedFiles, type AttachableFile } from "./attached-files.js";
import type { Database } from "./database.js";
import { OneAtATime } from "./one-at-a-time.js";
import { WorkingTables } from "./working-tables.js";

/** One DuckDB instance, and what all who work in it share: the order of DDL, attached files, working tables. */
export class EngineHost {
  /** What others than queries have under way in the instance: it is closed after them. */
  readonly busy = new Set<Promise<unknown>>();
  readonly ddl = new OneAtATime();
  readonly files: AttachedFiles;
  readonly tables: WorkingTables;

  /** @param files those that have a name of their own in this instance. */
  constructor(
    readonly database: Database,
    files: readonly AttachableFile[],
  ) {
    this.files = new AttachedFiles(database, this.ddl, files);
    this.tables = new WorkingTables(database, this.ddl);
  }

  /** Waits for what is under way, and closes the instance. */
  async close(): Promise<void> {
    await Promise.allSettled(this.busy);
    // Nothing is being made or given back any more.
    await this.ddl.run(() => Promise.resolve());
    await this.database.close();
  }
}
