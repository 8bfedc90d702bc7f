import type { RecordBatch, Table } from "apache-arrow";
import { JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { Connection } from "../../ports/connection.js";
import type { ScanRequest, TableSource } from "../../ports/table-source.js";
import { HeldTables } from "./held-tables.js";

/**
 * An Arrow table, or batches of one schema, as a table, read only: `points: arrow(table)` is read as `FROM points`. The
 * buffers are taken as they are and not copied: they must not change afterwards.
 *
 * @throws JobError `invalid_definition` for anything else.
 */
export function arrow(data: Table | RecordBatch | readonly RecordBatch[]): Connection {
  const batches = "batches" in data ? data.batches : "schema" in data ? [data] : [...data];
  const [first] = batches;
  const schema = "schema" in data ? data.schema : first?.schema;
  if (schema === undefined || !batches.every((batch) => "numRows" in batch)) {
    throw new JobError("invalid_definition", {
      message: "arrow() was given neither a table nor a batch.",
      hint: "Give a Table, a RecordBatch, or an array of at least one RecordBatch.",
      field: "data",
    });
  }
  return new HeldTables("arrow", new ArrowTable(schema, batches));
}

class ArrowTable implements TableSource {
  readonly immutable = true;

  constructor(
    private readonly held: RecordBatch["schema"],
    private readonly batches: readonly RecordBatch[],
  ) {}

  async schema(): Promise<TableSchema> {
    const { tableSchemaOfArrow } = await import("./arrow/arrow-fields.js");
    return tableSchemaOfArrow(this.held);
  }

  async *scan({ columns, signal }: ScanRequest): AsyncGenerator<RecordBatch, void, undefined> {
    for (const batch of this.batches) {
      signal.throwIfAborted();
      yield batch.select([...columns]);
    }
    signal.throwIfAborted();
  }
}
