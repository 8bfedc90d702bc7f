import { DuckDBInstance } from "@duckdb/node-api";
import { JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import { dataTypeOfDuckDB } from "./arrow/duckdb-data-type.js";
import type { DuckDBRelation } from "./duckdb-relation.js";
import { runError } from "./engine-error.js";
import { quoteIdentifier, quoteText } from "./quote.js";

/** The columns of a relation, found without an engine: in an instance that lives for this one question. */
export async function describeAlone(relation: DuckDBRelation, signal: AbortSignal): Promise<TableSchema> {
  signal.throwIfAborted();
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  try {
    const connection = await instance.connect();
    const statement = await connection.prepare(`from ${relation.from}`);
    const columns = Array.from({ length: statement.columnCount }, (_, index) => {
      return { name: statement.columnName(index), type: dataTypeOfDuckDB(statement.columnType(index)), nullable: true };
    });
    connection.closeSync();
    return { columns };
  } catch (error) {
    const cause = runError(error);
    throw new JobError("connection_unavailable", { message: cause.message, hint: "Check the path.", cause });
  } finally {
    instance.closeSync();
  }
}
void quoteIdentifier;
void quoteText;
