import type { RecordBatch } from "apache-arrow";
import type { DataType } from "../../model/data-type.js";
import type { JsonValue } from "../../model/json.js";
import type { StorageAnswer } from "../../model/lossless-storage.js";
import type { Column, TableSchema } from "../../model/table-schema.js";
import type { CommitId, CommitReceipt, WriteMode } from "../../model/write-mode.js";
import type {
  CommitPermit,
  DestinationCapabilities,
  JobDestination,
  Settlement,
  WriteRequest,
} from "../../ports/job-destination.js";
import type { RowStream } from "../../ports/row-stream.js";

/** The transaction of one write, on a client of its own. */
export interface WriteTransaction {
  /** From here on the signal stops nothing. */
  pastStopping(): void;
  /** When it rejects, nobody knows what became of the transaction. */
  commit(): Promise<void>;
  /** Undoes what is not committed. */
  abandon(): Promise<void>;
}

/** The rows of one write on their way into the table. */
export interface RowLoad {
  /** How many it has taken. */
  readonly rows: number;
  take(batch: RecordBatch): Promise<void>;
  /** Everything but the COMMIT. Resolves to how many rows are in the table for this write. */
  stage(): Promise<number>;
}

/** How a write failed. */
export interface FailedWrite {
  /** Nobody knows without asking whether it has landed. */
  readonly commitWasTried: boolean;
}

/** What one write works with. */
export interface OpenWrite {
  readonly transaction: WriteTransaction;
  readonly load: RowLoad;
  /** What is to be done when the transaction is undone. */
  readonly afterFailure?: (failed: FailedWrite) => Promise<void>;
}

/**
 * One table of a database server. A write is one transaction, from its own commit row to its last row; an answer to its
 * COMMIT that is lost, or none, does not tell what became of it: the server is asked anew.
 */
export abstract class ServerDestination implements JobDestination {
  readonly capabilities: DestinationCapabilities = {
    modes: ["append", "overwrite", "upsert", "deleteInsert", "insertOnly"],
    createsTable: "on_request",
    commitFence: "fenced",
    state: true,
  };

  abstract schema(signal: AbortSignal): Promise<TableSchema | null>;
  abstract readState(key: string, signal: AbortSignal): Promise<JsonValue | null>;
  abstract storage(type: DataType, column: Column | null): StorageAnswer;
  abstract tableDefinition(schema: TableSchema, mode: WriteMode): string;
  protected abstract open(request: WriteRequest): OpenWrite;
  /** Rejects when the server cannot be asked. */
  protected abstract settle(commitId: CommitId, signal: AbortSignal): Promise<Settlement>;

  async write(rows: RowStream, request: WriteRequest): Promise<CommitReceipt> {
    const { transaction, load, afterFailure } = this.open(request);
    let permit: CommitPermit | undefined;
    let rowsWritten: number;
    try {
      let bytes = 0;
      for await (const batch of rows) {
        await load.take(batch);
        request.onProgress(load.rows, (bytes += batch.data.byteLength));
      }
      rowsWritten = await load.stage();
      permit = await request.permit({ rowsStaged: load.rows });
      transaction.pastStopping();
      await this.commit(transaction, request.commitId);
    } catch (error) {
      await transaction.abandon();
      await afterFailure?.({ commitWasTried: permit !== undefined });
      throw error;
    }
    return permit.committed({ rowsWritten });
  }

  async settleCommit(commitId: CommitId, signal: AbortSignal): Promise<Settlement> {
    try {
      return await this.settle(commitId, signal);
    } catch (error) {
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      return { state: "in_doubt", reason: `the server cannot be asked: ${reason}` };
    }
  }

  private async commit(transaction: WriteTransaction, commitId: CommitId): Promise<void> {
    try {
      await transaction.commit();
    } catch (error) {
      const settled = await this.settleCommit(commitId, new AbortController().signal);
      if (settled.state !== "committed") throw error;
    }
  }
}
