import type { RecordBatch } from "apache-arrow";
import type { TableSchema } from "../../../model/table-schema.js";
import type { ScanRequest, TableSource, WantedRows } from "../../../ports/table-source.js";
import type { TablePlace } from "../destination/place.js";
import { MysqlSnapshot } from "./mysql-snapshot.js";
import { goneTable, readFailure } from "./read-failure.js";
import type { SourceServices } from "./read-session.js";
import { readTable, type ReadTable, schemaOf } from "./read-table.js";
import { explainScan } from "./scan-statement.js";

/** One table or view, for reading. */
export class MysqlSource implements TableSource {
  readonly givesBatchesAway = true;

  constructor(
    private readonly services: SourceServices,
    private readonly place: TablePlace,
  ) {}

  async schema(signal: AbortSignal): Promise<TableSchema | null> {
    const table = await this.look(signal);
    return table && schemaOf(table);
  }

  async explain(wanted: WantedRows, signal: AbortSignal): Promise<string> {
    const table = await this.look(signal);
    if (table === null) throw goneTable(this.place);
    return explainScan(this.place, table, wanted);
  }

  async *scan(request: ScanRequest): AsyncGenerator<RecordBatch, void, undefined> {
    const { services, place } = this;
    const snapshot = await MysqlSnapshot.open(services, [place], request.signal);
    try {
      yield* snapshot.scan(place.label, request);
    } finally {
      await snapshot.close();
    }
  }

  private async look(signal: AbortSignal): Promise<ReadTable | null> {
    const { clients, secrets, reading } = this.services;
    try {
      return await clients.use(signal, (client) => readTable(client.rows, this.place, reading));
    } catch (error) {
      throw signal.aborted ? signal.reason : readFailure(error, "connection_unavailable", secrets);
    }
  }
}
