import type { RecordBatch } from "apache-arrow";
import type { TableSchema } from "../model/table-schema.js";
import type { Connection } from "../ports/connection.js";
import type { ScanRequest, TableSource } from "../ports/table-source.js";
import { type FixtureRow, inferSchema, sampleValue } from "./rows/infer-schema.js";
import { recordBatch, type SampleRow } from "./rows/record-batch.js";

/** Rows, from which the columns' types are read; or the columns, and rows of values as {@link SampleValue} has them. */
export type FixtureTable =
  readonly FixtureRow[] | { readonly schema: TableSchema; readonly rows: readonly SampleRow[] };

/**
 * A connection that holds these tables, in place of whatever a job reads in production: `fixture({ orders: [{ id: 1 }] })`
 * is read as `orders` of the connection. A fixture is only read; `memory()` is for what a test writes.
 *
 * @throws JobError `invalid_definition` when a column's type cannot be read from its values.
 */
export function fixture(tables: Readonly<Record<string, FixtureTable>>): Connection {
  const sources = new Map(Object.entries(tables).map(([name, table]) => [name, new FixtureSource(name, table)]));
  return {
    capabilities: {
      kind: "fixture",
      read: true,
      write: "none",
      writeHint: "A fixture is only read. Let the job write to memory().",
      tables: "named",
    },
    source: (table) => sources.get(table),
    listTables: async (signal) => {
      signal.throwIfAborted();
      return [...sources.keys()].map((name) => ({ name, kind: "table" }));
    },
    check: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** Small enough that a test with some thousand rows sees more than one batch. */
const ROWS_PER_BATCH = 1_024;

class FixtureSource implements TableSource {
  readonly immutable = true;
  private readonly table: TableSchema;
  private readonly rows: readonly SampleRow[];

  constructor(name: string, given: FixtureTable) {
    if ("schema" in given) {
      this.table = given.schema;
      this.rows = [...given.rows];
    } else {
      this.table = inferSchema(name, given);
      this.rows = given.map((row) => {
        return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, sampleValue(value)]));
      });
    }
  }

  async schema(): Promise<TableSchema> {
    return this.table;
  }

  async *scan({ columns, signal }: ScanRequest): AsyncGenerator<RecordBatch> {
    const wanted = columns.flatMap((name) => this.table.columns.filter((column) => column.name === name));
    for (let first = 0; first < this.rows.length; first += ROWS_PER_BATCH) {
      signal.throwIfAborted();
      yield recordBatch({ columns: wanted }, this.rows.slice(first, first + ROWS_PER_BATCH));
    }
  }
}
