import { type DuckDBPreparedStatement, type DuckDBResult, DuckDBTypeId } from "@duckdb/node-api";
import { sameDataType } from "../../model/data-type.js";
import { JobError } from "../../model/job-error.js";
import type { Column, TableSchema } from "../../model/table-schema.js";
import { dataTypeOfDuckDB } from "./arrow/duckdb-data-type.js";
import type { EngineConnection } from "./engine-connection.js";
import type { PlannedQuery, QueryPlan } from "./planned-query.js";

/** What a query gives for the values that are bound, by its own prepared statement. */
export async function plannedColumns(
  connection: EngineConnection,
  query: PlannedQuery,
  statement: DuckDBPreparedStatement,
): Promise<TableSchema> {
  return columnsOf(statement) ?? (await columnsForValues(connection, query));
}

export function resultColumns(result: DuckDBResult): TableSchema {
  const columns = result.columnNames().map((name, index) => {
    return { name, type: dataTypeOfDuckDB(result.columnType(index)), nullable: true };
  });
  return { columns };
}

/**
 * Prepares a statement over a planned query, of which DuckDB takes the columns by their place and casts them as it likes.
 *
 * @throws JobError `query_failed` when the query gives other columns by now.
 */
export async function prepareAround(
  { query, schema }: QueryPlan,
  connection: EngineConnection,
  before: string,
  after: string,
): Promise<DuckDBPreparedStatement> {
  const statement = await query.prepareInside(connection, before, after);
  try {
    // Afterwards: a change between the two is then seen, too.
    const alone = await query.prepare(connection);
    try {
      refuseOtherColumns(await plannedColumns(connection, query, alone), schema);
    } finally {
      alone.destroySync();
    }
    return statement;
  } catch (error) {
    statement.destroySync();
    throw error;
  }
}

/** DuckDB plans anew what was planned for a file or view that was replaced meanwhile: its rows would be read as other types. */
export function refuseOtherColumns({ columns: found }: TableSchema, { columns }: TableSchema): void {
  const isSame =
    found.length === columns.length &&
    columns.every(({ name, type }, index) => {
      const other = found[index];
      return other?.name === name && sameDataType(other.type, type);
    });
  if (isSame) return;
  throw new JobError("query_failed", {
    message: "A file or table that the query reads was replaced by one with other columns while the query started.",
    hint: "Run it again.",
  });
}

/** Undefined while a type depends on a value, as with `json_transform(j, {shape})`. */
function columnsOf(statement: DuckDBPreparedStatement): TableSchema | undefined {
  const columns: Column[] = [];
  for (let index = 0; index < statement.columnCount; index += 1) {
    if (statement.columnTypeId(index) === DuckDBTypeId.INVALID) return undefined;
    const type = dataTypeOfDuckDB(statement.columnType(index));
    columns.push({ name: statement.columnName(index), type, nullable: true });
  }
  return { columns };
}

/** The query is run for no rows. */
async function columnsForValues(connection: EngineConnection, query: PlannedQuery): Promise<TableSchema> {
  const statement = await query.prepareInside(connection, "select * from", "limit 0");
  try {
    return resultColumns(await connection.result(statement));
  } finally {
    statement.destroySync();
  }
}
