import { DuckDBInstance } from "@duckdb/node-api";
import { JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import { dataTypeOfDuckDB } from "./arrow/duckdb-data-type.js";
import type { DuckDBRelation } from "./duckdb-relation.js";
import { runError } from "./engine-error.js";
import { quoteList } from "./quote.js";

function lockDown(paths: readonly string[]): string {
  return `set allowed_directories = ${quoteList(paths.filter((path) => path.endsWith("/")))};
    set allowed_paths = ${quoteList(paths.filter((path) => !path.endsWith("/")))};
    set enable_external_access = false;
    set lock_configuration = true`;
}

/** The columns of a relation over files, found without an engine: in an instance that lives for this one question. */
export async function describeAlone(relation: DuckDBRelation, signal: AbortSignal): Promise<TableSchema> {
  signal.throwIfAborted();
  const instance = await DuckDBInstance.fromCache(":memory:", {
    threads: "1",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  try {
    const connection = await instance.connect();
    await connection.run(lockDown(relation.paths));
    const look = async (sql: string) => (await connection.run(sql)).getRowObjectsJson();
    const from = (await relation.pin?.(look)) ?? relation.from;
    signal.throwIfAborted();
    const statement = await connection.prepare(`from ${from}`);
    const columns = Array.from({ length: statement.columnCount }, (_, index) => {
      return { name: statement.columnName(index), type: dataTypeOfDuckDB(statement.columnType(index)), nullable: true };
    });
    statement.destroySync();
    connection.disconnectSync();
    return { columns };
  } catch (error) {
    signal.throwIfAborted();
    const cause = runError(error);
    if (cause.code === "connection_unavailable") throw cause;
    throw new JobError("connection_unavailable", {
      message: cause.message,
      hint: "Check the path, and that the file is what the connection says it is.",
      cause,
    });
  } finally {
    instance.closeSync();
  }
}
