import type { RecordBatch } from "apache-arrow";
import type { TableSchema } from "../../model/table-schema.js";
import type { ScanRequest, TableSource } from "../../ports/table-source.js";
import type { LanceFolder } from "./lance-folder.js";

/** One table of a folder, for reading. Arrow and Lance are loaded by the first call that needs them. */
export class LanceSource implements TableSource {
  constructor(
    private readonly folder: LanceFolder,
    private readonly table: string,
  ) {}

  async schema(signal: AbortSignal): Promise<TableSchema | null> {
    const { readSchema } = await import("./scan-table.js");
    return readSchema(this.folder, this.table, signal);
  }

  async *scan(request: ScanRequest): AsyncGenerator<RecordBatch, void, undefined> {
    const { scanTable } = await import("./scan-table.js");
    yield* scanTable(this.folder, this.table, request);
  }
}
