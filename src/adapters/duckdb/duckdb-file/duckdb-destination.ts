import { DUCKDB_DIALECT } from "../dialect.js";
import { isJobError, causeChain } from "../../../model/job-error.js";
import type { DataType } from "../../../model/data-type.js";
import type { JsonValue } from "../../../model/json.js";
import type { StorageAnswer } from "../../../model/lossless-storage.js";
import type { Column, TableSchema } from "../../../model/table-schema.js";
import type { CommitId, CommitReceipt } from "../../../model/write-mode.js";
import type {
  DestinationCapabilities,
  JobDestination,
  Settlement,
  WriteRequest,
} from "../../../ports/job-destination.js";
import type { RowStream } from "../../../ports/row-stream.js";
import { duckDBStorage } from "./column-storage.js";
import { findOrFence, makeCommitTable } from "./commit-log.js";
import { hasStateTable, readJobState } from "./job-state.js";
import type { SharedFile } from "./shared-file.js";
import type { TableName } from "./table-name.js";

/** A writer that lives holds the file for as long as its rows take; asking again later is the caller's business. */
const SETTLE_WAIT_MS = 500;

/** One table of a DuckDB file. A write is one transaction, from its own commit row to its last row. */
export class DuckDBDestination implements JobDestination {
  readonly capabilities: DestinationCapabilities = {
    modes: ["append", "overwrite", "upsert", "deleteInsert", "insertOnly"],
    createsTable: "on_request",
    commitFence: "fenced",
    writtenBy: DUCKDB_DIALECT,
    state: true,
  };

  constructor(
    private readonly file: SharedFile,
    private readonly table: TableName,
  ) {}

  schema(signal: AbortSignal): Promise<TableSchema | null> {
    return this.file.schema(this.table, signal);
  }

  storage(type: DataType, column: Column | null): StorageAnswer {
    return duckDBStorage(type, column);
  }

  async tableDefinition(schema: TableSchema): Promise<string> {
    const { tableDefinition } = await import("./table-definition.js");
    return tableDefinition(this.table, schema);
  }

  async readState(key: string, signal: AbortSignal): Promise<JsonValue | null> {
    // A file that is not there has no state; that its folder is, the schema tells.
    if (!this.file.isThere) return null;
    return this.file.use(signal, async (connection, catalog) => {
      const run = (sql: string) => connection.work(sql);
      // A reader changes nothing: the table of states is made by the first write that has one.
      return (await hasStateTable(run, catalog)) ? readJobState(run, catalog, this.table, key) : null;
    });
  }

  async write(rows: RowStream, request: WriteRequest): Promise<CommitReceipt> {
    const { writeTable } = await import("./write-table.js");
    return writeTable(this.file, this.table, rows, request);
  }

  async settleCommit(commitId: CommitId, signal: AbortSignal): Promise<Settlement> {
    if (!this.file.isThere) {
      return { state: "in_doubt", reason: `there is no file "${this.file.path}" to look in` };
    }
    try {
      const { state, rowsWritten } = await this.file.use(
        signal,
        async (connection, catalog) => {
          await this.file.prepared(() => connection.work(makeCommitTable(catalog)));
          return findOrFence((sql) => connection.work(sql), catalog, commitId);
        },
        SETTLE_WAIT_MS,
      );
      return state === "never" ? { state } : { state, receipt: { commitId, rowsWritten, snapshotId: null } };
    } catch (error) {
      signal.throwIfAborted();
      const held = isJobError(error, "connection_unavailable") && error.retryable;
      const reason = held
        ? "another process holds the file, perhaps the writer of this very commit"
        : `the file cannot be asked: ${causeChain(error)}`;
      return { state: "in_doubt", reason };
    }
  }
}
