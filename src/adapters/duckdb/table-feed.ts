import { isMainThread } from "node:worker_threads";
import { type DuckDBAppender, DuckDBDataChunk, type DuckDBPreparedStatement } from "@duckdb/node-api";
import type { RecordBatch } from "apache-arrow";
import type { EngineConnection } from "./engine-connection.js";
import type { Feed } from "./fed-batches.js";
import type { OneAtATime } from "./one-at-a-time.js";

/** Rows on their way into one table, part by part. */
export class TableFeed {
  private statement: DuckDBPreparedStatement | undefined;
  /** How many changes of the catalogue the statement knows. */
  private plannedAfter = -1;

  /** @param ddl of all who change the catalogue. */
  constructor(
    private readonly connection: EngineConnection,
    private readonly table: string,
    private readonly feed: Feed,
    private readonly ddl: OneAtATime,
  ) {}

  /**
   * Each call when the one before has settled.
   *
   * @throws JobError, as `Feed.through` does.
   */
  put(batches: readonly RecordBatch[], areFew: boolean): Promise<void> {
    // A worker that is terminated while the driver asks it for rows takes the whole process with it.
    const isHere = areFew || !isMainThread;
    return this.feed.through(batches, (relation) => (isHere ? this.append() : this.insert(relation)));
  }

  close(): void {
    this.forget();
    this.feed.close();
  }

  private forget(): void {
    this.statement?.destroySync();
    this.statement = undefined;
  }

  /**
   * DuckDB plans a statement anew when it starts if the catalogue has changed since it was prepared. It would do so on the event
   * loop's thread, which it asks for the columns of the feed: both would wait for ever. Nor is it planned for each part, for
   * `process.exit()` waits for the thread that plans, and that thread for the event loop.
   */
  private async insert(relation: string): Promise<void> {
    const { done } = await this.ddl.between(async () => {
      if (this.statement === undefined || this.plannedAfter !== this.ddl.changes) {
        this.forget();
        this.statement = await this.connection.prepare(`insert into ${this.table} from ${relation}`);
        this.plannedAfter = this.ddl.changes;
      }
      return { done: this.connection.ended(this.statement.start()) };
    });
    await done;
  }

  /** On this thread. */
  private async append(): Promise<void> {
    const appender = await this.connection.appender(this.table);
    const chunk = DuckDBDataChunk.create(this.feed.types);
    try {
      for (;;) {
        chunk.reset();
        if (!this.feed.write(chunk)) throw new Error("The rows cannot be written.");
        if (chunk.rowCount === 0) break;
        appender.appendDataChunk(chunk);
        appender.flushSync();
        await new Promise(setImmediate);
      }
    } catch (error) {
      discard(appender);
      throw error;
    }
    appender.closeSync();
  }
}

/** Rows that could not be flushed cannot be flushed now, either. */
function discard(appender: DuckDBAppender): void {
  try {
    appender.clear();
    appender.closeSync();
  } catch {
    // The failure that is under way says why.
  }
}
