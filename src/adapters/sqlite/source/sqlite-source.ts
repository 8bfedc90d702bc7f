import type { RecordBatch } from "apache-arrow";
import type { TableSchema } from "../../../model/table-schema.js";
import type { ScanRequest, TableSource, WantedRows } from "../../../ports/table-source.js";
import type { DatabaseFile } from "../thread/database-file.js";
import type { SqliteThreads } from "../thread/sqlite-threads.js";
import { SqliteSnapshot } from "./sqlite-snapshot.js";

/** One table or view of a SQLite file, for reading. */
export class SqliteSource implements TableSource {
  readonly givesBatchesAway = true;

  constructor(
    private readonly threads: SqliteThreads,
    private readonly file: DatabaseFile,
    private readonly table: string,
  ) {}

  schema(signal: AbortSignal): Promise<TableSchema | null> {
    const { file, table } = this;
    return this.threads.use(signal, (thread) => thread.call({ do: "columns", file, table }));
  }

  explain({ columns, filters, limit }: WantedRows, signal: AbortSignal): Promise<string> {
    const { file, table } = this;
    const wanted = { columns, ...(filters && { filters }), ...(limit !== undefined && { limit }) };
    return this.threads.use(signal, (thread) => thread.call({ do: "explain", file, table, wanted }));
  }

  async *scan(request: ScanRequest): AsyncGenerator<RecordBatch, void, undefined> {
    const snapshot = await SqliteSnapshot.open(this.threads, this.file, request.signal);
    try {
      yield* snapshot.scan(this.table, request);
    } finally {
      await snapshot.close();
    }
  }
}
