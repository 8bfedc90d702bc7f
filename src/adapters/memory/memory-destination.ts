import type { RecordBatch } from "apache-arrow";
import type { DataType } from "../../model/data-type.js";
import type { StorageAnswer } from "../../model/lossless-storage.js";
import type { Column, TableSchema } from "../../model/table-schema.js";
import type { CommitId, CommitReceipt } from "../../model/write-mode.js";
import type { DestinationCapabilities, JobDestination, Settlement, WriteRequest } from "../../ports/job-destination.js";
import type { RowStream } from "../../ports/row-stream.js";
import { memoryStorage } from "./memory-storage.js";
import type { MemoryTables } from "./memory-tables.js";

/** One table of a `memory()`: the smallest destination that keeps every promise of the port. */
export class MemoryDestination implements JobDestination {
  readonly capabilities: DestinationCapabilities = {
    modes: ["append", "overwrite"],
    createsTable: "by_default",
    commitFence: "fenced",
  };

  constructor(
    private readonly tables: MemoryTables,
    private readonly table: string,
  ) {}

  async schema(): Promise<TableSchema | null> {
    return this.tables.version(this.table)?.schema ?? null;
  }

  storage(type: DataType, column: Column | null): StorageAnswer {
    return memoryStorage(type, column);
  }

  async write(rows: RowStream, request: WriteRequest): Promise<CommitReceipt> {
    const { commitId, mode, schema, createIfMissing, signal } = request;
    const target = { commitId, table: this.table, mode: mode.kind, schema, createIfMissing };
    this.tables.check(target);
    const batches: RecordBatch[] = [];
    let rowCount = 0;
    let bytes = 0;
    for await (const batch of rows) {
      signal.throwIfAborted();
      batches.push(batch);
      request.onProgress((rowCount += batch.numRows), (bytes += batch.data.byteLength));
    }
    const permit = await request.permit({ rowsStaged: rowCount });
    this.tables.commit({ ...target, batches, rowCount });
    return permit.committed();
  }

  async settleCommit(commitId: CommitId): Promise<Settlement> {
    const settled = this.tables.settle(commitId);
    return settled === "never" ? { state: "never" } : { state: "committed", receipt: settled };
  }
}
