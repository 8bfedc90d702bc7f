import type { RecordBatch } from "apache-arrow";
import type { DataType } from "../../model/data-type.js";
import type { StorageAnswer } from "../../model/lossless-storage.js";
import type { JsonValue } from "../../model/json.js";
import type { Column, TableSchema } from "../../model/table-schema.js";
import { type CommitId, type CommitReceipt, isKeyed } from "../../model/write-mode.js";
import type { DestinationCapabilities, JobDestination, Settlement, WriteRequest } from "../../ports/job-destination.js";
import type { RowStream } from "../../ports/row-stream.js";
import { memoryStorage } from "./memory-storage.js";
import type { MemoryTables, StagedRows, TableContent, TablePart } from "./memory-tables.js";
import { KeyedRows } from "./keyed-rows.js";

/** One table of a `memory()`: the smallest destination that keeps every promise of the port. */
export class MemoryDestination implements JobDestination {
  readonly capabilities: DestinationCapabilities = {
    modes: ["append", "overwrite", "upsert", "deleteInsert", "insertOnly"],
    createsTable: "by_default",
    commitFence: "fenced",
    state: true,
  };

  constructor(
    private readonly tables: MemoryTables,
    private readonly table: string,
  ) {}

  async schema(): Promise<TableSchema | null> {
    return this.tables.version(this.table)?.schema ?? null;
  }

  async readState(key: string): Promise<JsonValue | null> {
    return this.tables.state(this.table, key);
  }

  storage(type: DataType, column: Column | null): StorageAnswer {
    return memoryStorage(type, column);
  }

  async write(rows: RowStream, request: WriteRequest): Promise<CommitReceipt> {
    const { commitId, mode, schema, createIfMissing, signal } = request;
    const target = { commitId, table: this.table, schema, createIfMissing };
    this.tables.check(target);
    const { tables, table } = this;
    const staged = isKeyed(mode) ? new KeyedRows(table, mode, schema) : new WholeRows(mode.kind, schema);
    let rowCount = 0;
    let bytes = 0;
    for await (const batch of rows) {
      signal.throwIfAborted();
      staged.take(batch);
      request.onProgress((rowCount += batch.numRows), (bytes += batch.data.byteLength));
    }
    if (staged instanceof KeyedRows) await staged.compare(tables.version(table)?.parts ?? [], signal);
    const commit = { ...target, staged, state: request.state?.() ?? null };
    this.tables.check(commit);
    const permit = await request.permit({ rowsStaged: rowCount });
    return permit.committed({ rowsWritten: this.tables.commit(commit) });
  }

  async settleCommit(commitId: CommitId): Promise<Settlement> {
    const settled = this.tables.settle(commitId);
    return settled === "never" ? { state: "never" } : { state: "committed", receipt: settled };
  }
}

/** The rows of an append or an overwrite. */
class WholeRows implements StagedRows {
  readonly #parts: TablePart[] = [];
  #rowCount = 0;

  constructor(
    private readonly mode: "append" | "overwrite",
    private readonly schema: TableSchema,
  ) {}

  take(batch: RecordBatch): void {
    this.#parts.push({ batch, schema: this.schema });
    this.#rowCount += batch.numRows;
  }

  onto(before: readonly TablePart[]): TableContent {
    return { parts: [...(this.mode === "append" ? before : []), ...this.#parts], rowsWritten: this.#rowCount };
  }
}
