import { causeChain, isJobError, JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { EngineConnection } from "./engine-connection.js";
import type { FoundTable } from "./found-table.js";
import { columnList, type WorkingTables } from "./working-tables.js";

/** What a query wants of a table that DuckDB cannot read by itself. */
export interface WantedRows {
  /** False: the columns are enough, as for a description. */
  readonly rows: boolean;
  /** Each of them ends the reading. */
  readonly signals: readonly AbortSignal[];
}

/** A table of the engine's own that stands for a scanned one. */
export interface LoadedTable {
  /** In the form that `query_table` takes. */
  readonly name: string;
  /** Undefined when the table stays. */
  readonly release: (() => Promise<void>) | undefined;
}

/**
 * Copies of tables that are only known as a scan of Arrow batches. Each query reads one content of a table from its
 * beginning to its end: a copy is made before the query is planned, and dropped after it, unless the source is immutable.
 */
export class ScannedTables {
  /** Empty tables, by the columns that they have. */
  private readonly empty = new Map<string, Promise<string>>();
  /** Copies of immutable sources, by the table's name. */
  private readonly kept = new Map<string, Promise<string>>();

  constructor(private readonly tables: WorkingTables) {}

  async provide(connection: EngineConnection, table: FoundTable, { rows, signals }: WantedRows): Promise<LoadedTable> {
    const { source } = table;
    const signal = AbortSignal.any([...signals]);
    const schema = await fromSource(table, source.schema(signal));
    if (schema === null) throw missing(table);
    if (!rows) return { name: await this.emptyTable(connection, schema), release: undefined };
    if (source.immutable === true) {
      return {
        name: await once(this.kept, table.name, () => this.load(connection, table, schema, signal)),
        release: undefined,
      };
    }
    const name = await this.load(connection, table, schema, signal);
    return { name, release: () => this.tables.drop(name) };
  }

  private emptyTable(connection: EngineConnection, schema: TableSchema): Promise<string> {
    return once(this.empty, columnList(schema), () => this.tables.create(connection, schema));
  }

  private async load(
    connection: EngineConnection,
    table: FoundTable,
    schema: TableSchema,
    signal: AbortSignal,
  ): Promise<string> {
    const name = await this.tables.create(connection, schema);
    try {
      await fromSource(table, this.append(connection, table, schema, name, signal));
      return name;
    } catch (error) {
      await this.tables.drop(name);
      throw error;
    }
  }

  private async append(
    connection: EngineConnection,
    { source, name }: FoundTable,
    { columns }: TableSchema,
    table: string,
    signal: AbortSignal,
  ): Promise<void> {
    if (source.scan === undefined)
      throw new Error(`The table ${name} offers neither a scan nor a relation for DuckDB.`);
    const batches = source.scan({ columns: columns.map((column) => column.name), signal });
    await this.tables.append(connection, table, batches, signal);
  }
}

/** Makes a thing once for each key; a failure is forgotten. */
function once(made: Map<string, Promise<string>>, key: string, make: () => Promise<string>): Promise<string> {
  let promise = made.get(key);
  if (promise === undefined) {
    promise = make();
    made.set(key, promise);
    promise.catch(() => made.delete(key));
  }
  return promise;
}

/** An error of a source is told as its own, whatever it threw. */
async function fromSource<T>(table: FoundTable, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isJobError(error)) throw error;
    throw new JobError("query_failed", {
      message: `Reading ${table.name} failed: ${causeChain(error)}`,
      hint: `The error is that of the connection ${table.connection}.`,
      connection: table.connection,
      cause: error,
    });
  }
}

function missing({ name, connection }: FoundTable): JobError<"sql_plan_failure"> {
  return new JobError("sql_plan_failure", {
    message: `The query reads "${name}", which the connection ${connection} does not have.`,
    hint: "Check the table's name.",
    connection,
  });
}
