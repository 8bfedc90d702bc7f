import type { DataType } from "../../model/data-type.js";
import type { JsonValue } from "../../model/json.js";
import type { StorageAnswer } from "../../model/lossless-storage.js";
import type { Column, TableSchema } from "../../model/table-schema.js";
import type { CommitId, CommitReceipt } from "../../model/write-mode.js";
import type { DestinationCapabilities, JobDestination, Settlement, WriteRequest } from "../../ports/job-destination.js";
import type { RowStream } from "../../ports/row-stream.js";
import { lanceStorage } from "./column-storage.js";
import type { LanceFolder } from "./lance-folder.js";
import type { TableWriter } from "./table-writer.js";
import type { Maintenance } from "./maintenance.js";

export interface LanceLimits {
  readonly maxCommitBytes: number;
  readonly lockWaitMs: number;
}

/** One table of a folder, for writing. Arrow and Lance are loaded by the first call that needs them. */
export class LanceDestination implements JobDestination {
  readonly capabilities: DestinationCapabilities;

  constructor(
    private readonly folder: LanceFolder,
    private readonly table: string,
    private readonly limits: LanceLimits,
    private readonly maintenance: Maintenance,
  ) {
    this.capabilities = {
      modes: ["append", "overwrite", "upsert"],
      createsTable: "by_default",
      commitFence: "fenced",
      state: true,
      maxCommitBytes: limits.maxCommitBytes,
    };
  }

  storage(type: DataType, column: Column | null): StorageAnswer {
    return lanceStorage(type, column);
  }

  async schema(signal: AbortSignal): Promise<TableSchema | null> {
    return (await this.writer()).schema(signal);
  }

  async readState(key: string, signal: AbortSignal): Promise<JsonValue> {
    return (await this.writer()).readState(key, signal);
  }

  async write(rows: RowStream, request: WriteRequest): Promise<CommitReceipt> {
    return (await this.writer()).write(rows, request);
  }

  async settleCommit(commitId: CommitId, signal: AbortSignal): Promise<Settlement> {
    return (await this.writer()).settleCommit(commitId, signal);
  }

  private async writer(): Promise<TableWriter> {
    const { TableWriter } = await import("./table-writer.js");
    return new TableWriter(this.folder, this.table, this.limits, this.maintenance);
  }
}
