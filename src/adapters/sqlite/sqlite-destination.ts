import type { DataType } from "../../model/data-type.js";
import type { JsonValue } from "../../model/json.js";
import type { StorageAnswer } from "../../model/lossless-storage.js";
import type { Column, TableSchema } from "../../model/table-schema.js";
import type { CommitId, CommitReceipt } from "../../model/write-mode.js";
import type { DestinationCapabilities, JobDestination, Settlement, WriteRequest } from "../../ports/job-destination.js";
import type { RowStream } from "../../ports/row-stream.js";
import { sqliteStorage } from "./destination/column-storage.js";
import { tableDefinition } from "./destination/table-definition.js";
import type { SqliteThread } from "./thread/sqlite-thread.js";
import type { SqliteThreads } from "./thread/sqlite-threads.js";
import type { DatabaseFile } from "./thread/database-file.js";
import { wireBatch } from "./thread/wire-batch.js";

/** Batches on their way to the thread: one being written and one ready keep it busy, and more would only take memory. */
const MOST_IN_FLIGHT = 2;

/**
 * One table of a SQLite file. A write is one transaction, from its own commit row to its last row; it begins with the
 * first batch, so that a query that thinks for long does not hold the lock meanwhile.
 */
export class SqliteDestination implements JobDestination {
  readonly capabilities: DestinationCapabilities = {
    modes: ["append", "overwrite", "upsert", "deleteInsert", "insertOnly"],
    createsTable: "on_request",
    commitFence: "fenced",
    state: true,
  };

  constructor(
    private readonly threads: SqliteThreads,
    private readonly file: DatabaseFile,
    private readonly table: string,
  ) {}

  schema(signal: AbortSignal): Promise<TableSchema | null> {
    return this.threads.use(signal, (thread) => thread.call({ do: "schema", file: this.file, table: this.table }));
  }

  readState(key: string, signal: AbortSignal): Promise<JsonValue | null> {
    const { file, table } = this;
    return this.threads.use(signal, (thread) => thread.call({ do: "state", file, table, key }));
  }

  storage(type: DataType, column: Column | null): StorageAnswer {
    return sqliteStorage(type, column);
  }

  tableDefinition(schema: TableSchema): string {
    return tableDefinition(this.table, schema);
  }

  async write(rows: RowStream, request: WriteRequest): Promise<CommitReceipt> {
    return this.threads.use(request.signal, async (thread, pastStopping) => {
      const rowsStaged = await this.insert(thread, rows, request);
      const rowsWritten = await thread.call({ do: "stage", state: request.state?.() ?? null });
      const permit = await request.permit({ rowsStaged });
      pastStopping();
      await this.commit(thread, request.commitId);
      return permit.committed({ rowsWritten });
    });
  }

  settleCommit(commitId: CommitId, signal: AbortSignal): Promise<Settlement> {
    return this.threads.use(signal, (thread) => thread.call({ do: "settle", file: this.file, commitId }));
  }

  private async insert(thread: SqliteThread, rows: RowStream, request: WriteRequest): Promise<number> {
    const { commitId, mode, schema, createIfMissing } = request;
    const load = { commitId, table: this.table, mode, schema, createIfMissing };
    let begun: Promise<null> | undefined;
    const begin = (): Promise<null> => (begun ??= thread.call({ do: "begin", file: this.file, load }));
    const inFlight: Promise<void>[] = [];
    let rowsTaken = 0;
    let bytesTaken = 0;
    for await (const batch of rows) {
      await begin();
      const bytes = batch.data.byteLength;
      const wire = wireBatch(batch);
      const written = thread.call({ do: "insert", batch: wire.batch }, wire.transfer).then(() => {
        request.onProgress((rowsTaken += wire.batch.rowCount), (bytesTaken += bytes));
      });
      // Its failure is seen below, perhaps only after the next batch; until then nobody waits for it.
      written.catch(() => undefined);
      inFlight.push(written);
      if (inFlight.length >= MOST_IN_FLIGHT) await inFlight.shift();
    }
    await begin();
    await Promise.all(inFlight);
    return rowsTaken;
  }

  /** A thread that dies in the middle of COMMIT leaves its outcome unknown until it is settled. */
  private async commit(thread: SqliteThread, commitId: CommitId): Promise<void> {
    try {
      await thread.call({ do: "commit" });
    } catch (error) {
      await thread.terminate();
      const settled = await this.settleCommit(commitId, new AbortController().signal);
      if (settled.state !== "committed") throw error;
    }
  }
}
