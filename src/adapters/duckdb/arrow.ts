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
  const given: unknown = data;
  const held: unknown[] = isTable(given) ? [given] : Array.isArray(given) ? given : [];
  const [first] = held;
  if (!isTable(first) || !held.every(isTable)) {
    throw new JobError("invalid_definition", {
      message: "arrow() was given neither a table nor a batch.",
      hint: "Give a Table, a RecordBatch, or an array of at least one RecordBatch.",
      field: "data",
    });
  }
  const batches = held.flatMap((part) => ("batches" in part ? part.batches : [part]));
  return new HeldTables("arrow", new ArrowTable(first.schema, batches));
}

// Another copy of Arrow may have made it: what it can do counts, and not its class.
function isTable(value: unknown): value is Table | RecordBatch {
  return typeof value === "object" && value !== null && "schema" in value && "numRows" in value;
}

class ArrowTable implements TableSource {
  readonly immutable = true;

  constructor(
    private readonly held: RecordBatch["schema"],
    private readonly batches: readonly RecordBatch[],
  ) {}

  async schema(): Promise<TableSchema> {
    const { tableSchemaOfArrow } = await import("../arrow/arrow-fields.js");
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
