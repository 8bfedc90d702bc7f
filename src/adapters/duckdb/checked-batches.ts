import type { RecordBatch, Schema } from "apache-arrow";
import { formatDataType } from "../../model/data-type.js";
import { JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import { tableSchemaOfArrow } from "../arrow/arrow-fields.js";
import type { FoundTable } from "./found-table.js";
import { keptColumns } from "./working-tables.js";

/**
 * The batches of a scan, which have the columns that were asked for, in their order and of the types that the source had
 * promised.
 *
 * @throws JobError `query_failed`, retryable, when they do not: the table may have been changed meanwhile.
 */
export async function* checkedBatches(
  batches: AsyncIterable<RecordBatch>,
  promised: TableSchema,
  { name, connection }: FoundTable,
): AsyncGenerator<RecordBatch> {
  const expected = shown(promised);
  let checked: Schema | undefined;
  for await (const batch of batches) {
    if (batch.schema !== checked) {
      const found = shown(tableSchemaOfArrow(batch.schema));
      const at = expected.findIndex((column, index) => column !== found[index]);
      if (at !== -1 || found.length !== expected.length) {
        const place = at === -1 ? expected.length : at;
        throw new JobError("query_failed", {
          message: `Reading ${name} gave ${found[place] ?? "no column"} where ${expected[place] ?? "no column"} was expected.`,
          hint: "Run it again, if the table was changed meanwhile. Otherwise its connection does not keep to the columns that it tells.",
          retryable: true,
          table: name,
          connection,
        });
      }
      checked = batch.schema;
    }
    yield batch;
  }
}

function shown(schema: TableSchema): readonly string[] {
  return keptColumns(schema).map((column) => `"${column.name}" ${formatDataType(column.type)}`);
}
