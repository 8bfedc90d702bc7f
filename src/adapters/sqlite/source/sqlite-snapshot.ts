import type { RecordBatch } from "apache-arrow";
import type { ConnectionSnapshot } from "../../../ports/connection.js";
import type { ScanRequest, WantedRows } from "../../../ports/table-source.js";
import type { DatabaseFile } from "../thread/database-file.js";
import type { SqliteThread } from "../thread/sqlite-thread.js";
import type { SqliteThreads } from "../thread/sqlite-threads.js";
import type { WireBatch } from "../thread/wire-batch.js";
import { Arrivals } from "../../sql/arrivals.js";
import { lostRows } from "./read-failures.js";

/** Batches on their way: enough to keep the thread busy, and more would only take memory. */
const MOST_ON_THE_WAY = 3;

/** One read transaction on a file, in a thread that it has for itself until it is closed. */
export class SqliteSnapshot implements ConnectionSnapshot {
  /** Settles when the last scan has let go of the thread. */
  private last: Promise<void> = Promise.resolve();
  /** A statement that SQLite works on for long is not waited for by who has no use for it any more. */
  private wasAborted = false;

  private constructor(
    private readonly thread: SqliteThread,
    private readonly signal: AbortSignal,
    private readonly end: () => Promise<void>,
  ) {}

  static open(threads: SqliteThreads, file: DatabaseFile, signal: AbortSignal): Promise<SqliteSnapshot> {
    return new Promise((resolve, reject) => {
      const lease: Promise<void> = threads.use(signal, async (thread) => {
        await thread.call({ do: "look", file });
        await new Promise<void>((close) => {
          const end = (): Promise<void> => {
            close();
            return lease;
          };
          resolve(new SqliteSnapshot(thread, signal, end));
        });
      });
      lease.catch(reject);
    });
  }

  async *scan(table: string, { signal: own, ...wanted }: ScanRequest): AsyncGenerator<RecordBatch, void, undefined> {
    const signal = AbortSignal.any([this.signal, own]);
    signal.throwIfAborted();
    try {
      yield* this.rows(table, wanted, signal);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  }

  async close(): Promise<void> {
    const ended = this.end();
    if (!this.wasAborted) await ended;
  }

  private async *rows(
    table: string,
    wanted: WantedRows,
    signal: AbortSignal,
  ): AsyncGenerator<RecordBatch, void, undefined> {
    const { thread } = this;
    await this.last;
    const { batchesOfBuffers } = await import("../../arrow/batch-of-buffers.js");
    const batchOf = batchesOfBuffers(await thread.call({ do: "plan", table, wanted }));
    signal.throwIfAborted();
    const arrivals = new Arrivals<WireBatch>();
    const onAbort = (): void => arrivals.fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    thread.credit.reset(MOST_ON_THE_WAY);
    const counted = thread.call({ do: "scan" }, [], (rows) => arrivals.push(rows));
    this.last = counted.then(
      () => arrivals.end(),
      (error: unknown) => arrivals.fail(error),
    );
    let rows = 0;
    try {
      for (let wire = await arrivals.next(); wire; wire = await arrivals.next()) {
        thread.credit.grant();
        rows += wire.rowCount;
        yield batchOf(wire.rowCount, wire.columns);
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      if (!arrivals.isComplete) this.stopScan();
      this.wasAborted = signal.aborted;
      if (!this.wasAborted) await this.last;
    }
    const all = await counted;
    if (rows !== all) throw lostRows(table, all, rows);
  }

  private stopScan(): void {
    const { thread } = this;
    thread.stop.raise();
    this.last = this.last.then(() => thread.stop.lower());
  }
}
