import type { DuckDBConnection, DuckDBResult } from "@duckdb/node-api";
import type { RecordBatch, Schema } from "apache-arrow";
import { ArrowChunkWriter } from "../../../../src/adapters/duckdb/arrow/arrow-chunk-writer.js";
import { BatchBuilder, type BatchLimits } from "../../../../src/adapters/duckdb/arrow/batch-builder.js";
import { dataTypeOfDuckDB } from "../../../../src/adapters/duckdb/arrow/duckdb-data-type.js";
import type { TableSchema } from "../../../../src/model/table-schema.js";

export interface ArrowRows {
  readonly table: TableSchema;
  readonly schema: Schema;
  readonly batches: readonly RecordBatch[];
}

export function tableSchemaOf(result: DuckDBResult): TableSchema {
  const names = result.columnNames();
  const columns = result.columnTypes().map((type, index) => ({
    name: names[index] ?? "",
    type: dataTypeOfDuckDB(type),
    nullable: true,
  }));
  return { columns };
}

/** Everything a query yields, as Arrow batches. */
export async function arrowRows(connection: DuckDBConnection, sql: string, limits?: BatchLimits): Promise<ArrowRows> {
  const result = await connection.stream(sql);
  const table = tableSchemaOf(result);
  const builder = new BatchBuilder(table, limits);
  const batches: RecordBatch[] = [];
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    batches.push(...builder.add(chunk));
  }
  const rest = builder.finish();
  if (rest !== null) batches.push(rest);
  return { table, schema: builder.schema, batches };
}

/** Writes batches into an empty table. */
export async function writeBatches(
  connection: DuckDBConnection,
  table: string,
  { schema, batches }: Pick<ArrowRows, "schema" | "batches">,
): Promise<void> {
  const appender = await connection.createAppender(table);
  const writer = new ArrowChunkWriter(schema);
  try {
    for (const batch of batches) writer.append(appender, batch);
  } finally {
    // One that is left to the garbage collector is flushed at some time, and cuts a stream short that is open then.
    appender.closeSync();
  }
}

/**
 * Sends a query's rows through Arrow and back, and returns the columns of which some value came back as another one.
 *
 * The text of a value is compared too: to `is distinct from`, one month is thirty days and -0.0 is 0.0.
 *
 * @param cut makes several batches, with the same rows, of each one on its way back.
 */
export async function changedColumns(
  connection: DuckDBConnection,
  sql: string,
  { limits, cut }: { limits?: BatchLimits; cut?: (batch: RecordBatch) => RecordBatch[] } = {},
): Promise<string[]> {
  await connection.run(`create or replace temp table sent as ${sql}`);
  await connection.run("create or replace temp table returned as from sent limit 0");
  // The query itself, not the table made of it: a result's vectors can lie in other ways than a table's.
  const rows = await arrowRows(connection, sql, limits);
  const batches = cut === undefined ? rows.batches : rows.batches.flatMap(cut);
  await writeBatches(connection, "returned", { schema: rows.schema, batches });
  const changed: string[] = [];
  for (const { name } of rows.table.columns) {
    const column = `"${name.replaceAll('"', '""')}"`;
    const reader = await connection.runAndReadAll(
      `select count(*) filter (s.${column} is distinct from r.${column}
                               or s.${column}::varchar is distinct from r.${column}::varchar),
              (select count(*) from sent) - (select count(*) from returned)
       from sent s positional join returned r`,
    );
    const [different, missing] = reader.getRows()[0]!;
    if (missing !== 0n) throw new Error(`${String(missing)} rows did not come back.`);
    if (different !== 0n) changed.push(name);
  }
  return changed;
}
