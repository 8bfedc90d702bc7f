import { DUCKDB_DIALECT } from "../dialect.js";
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
import type { ConnectionInstance } from "../connection-instance.js";
import { writeWithEngine } from "../writing/write-with-engine.js";
import { readFailure, writeFailure } from "./dataset-failure.js";
import { DatasetWrite } from "./dataset-write.js";
import type { Manifest } from "./manifest.js";
import { parquetStorage } from "./parquet-storage.js";
import { schemaOf, stateIn, type TableLayout } from "./planned-write.js";
import { settleCommit } from "./settle-commit.js";
import { stageRows } from "./staged-files.js";
import type { TableFolder } from "./table-folder.js";

/** One table of a dataset. DuckDB writes the rows, whichever door they come by. */
export class DatasetDestination implements JobDestination {
  readonly capabilities: DestinationCapabilities = {
    modes: ["append", "overwrite"],
    createsTable: "on_request",
    commitFence: "fenced",
    writtenBy: DUCKDB_DIALECT,
    state: true,
  };

  constructor(
    private readonly table: TableFolder,
    private readonly layout: TableLayout,
    private readonly instance: ConnectionInstance,
  ) {}

  async schema(signal: AbortSignal): Promise<TableSchema | null> {
    const columns = (await this.newest(signal))?.columns ?? null;
    return columns && schemaOf(columns);
  }

  async readState(key: string, signal: AbortSignal): Promise<JsonValue | null> {
    return stateIn(await this.newest(signal), key);
  }

  storage(type: DataType, column: Column | null): StorageAnswer {
    return parquetStorage(type, column);
  }

  async write(rows: RowStream, request: WriteRequest): Promise<CommitReceipt> {
    const { table } = this;
    request.signal.throwIfAborted();
    try {
      const write = await DatasetWrite.begin(table, request, this.layout);
      try {
        return await writeWithEngine(rows, request, this.instance, {
          write: (writer, permit) => {
            return write.commit((files) => stageRows(table, writer, files, request.schema), permit);
          },
        });
      } finally {
        await write.end();
      }
    } catch (error) {
      throw writeFailure(error, table.path);
    }
  }

  settleCommit(commitId: CommitId, signal: AbortSignal): Promise<Settlement> {
    return settleCommit(this.table, commitId, signal);
  }

  private async newest(signal: AbortSignal): Promise<Manifest | null> {
    signal.throwIfAborted();
    try {
      return await this.table.log.newest();
    } catch (error) {
      throw readFailure(error, this.table.path);
    }
  }
}
