import type { RecordBatch } from "apache-arrow";
import { type DataType, formatDataType } from "../../model/data-type.js";
import { causeChain, isJobError, JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import { ArrowChunkWriter } from "./arrow/arrow-chunk-writer.js";
import { dataTypeOfDuckDB, duckDBTypeOf } from "./arrow/duckdb-data-type.js";
import { refuseUnsupportedColumns } from "./arrow/unsupported-columns.js";
import type { Database } from "./database.js";
import type { EngineConnection } from "./engine-connection.js";
import { type FoundTable, WORKING_CATALOG, WORKING_SCHEMA } from "./found-table.js";
import type { OneAtATime } from "./one-at-a-time.js";
import { quoteIdentifier } from "./quote.js";

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

/** What goes into DuckDB between two turns of the event loop. */
const ROWS_PER_TURN = 8_192;
const BYTES_PER_TURN = 1_048_576;

/**
 * Copies of tables that are only known as a scan of Arrow batches. Each query reads one content of a table from its
 * beginning to its end: a copy is made before the query is planned, and dropped after it, unless the source is immutable.
 */
export class ScannedTables {
  private count = 0;
  /** Empty tables, by the columns that they have. */
  private readonly empty = new Map<string, Promise<string>>();
  /** Copies of immutable sources, by the table's name. */
  private readonly kept = new Map<string, Promise<string>>();

  constructor(
    private readonly database: Database,
    private readonly ddl: OneAtATime,
  ) {}

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
    return { name, release: () => this.drop(name) };
  }

  private emptyTable(connection: EngineConnection, schema: TableSchema): Promise<string> {
    return once(this.empty, columnList(schema), () => this.create(connection, schema));
  }

  private async load(
    connection: EngineConnection,
    table: FoundTable,
    schema: TableSchema,
    signal: AbortSignal,
  ): Promise<string> {
    const name = await this.create(connection, schema);
    try {
      await fromSource(table, this.append(connection, table, schema, name, signal));
      return name;
    } catch (error) {
      await this.drop(name);
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
    const appender = await connection.appender(table);
    try {
      let writer: ArrowChunkWriter | undefined;
      for await (const batch of source.scan({ columns: columns.map((column) => column.name), signal })) {
        writer ??= new ArrowChunkWriter(batch.schema);
        const rows = rowsPerTurn(batch);
        for (let start = 0; start < batch.numRows; start += rows) {
          signal.throwIfAborted();
          writer.append(appender, batch.slice(start, start + rows));
          // A large flush would hold the event loop; so would all rows of a large batch.
          appender.flushSync();
          await new Promise(setImmediate);
        }
      }
      signal.throwIfAborted();
    } finally {
      appender.closeSync();
    }
  }

  private async create(connection: EngineConnection, schema: TableSchema): Promise<string> {
    refuseUnsupportedColumns(schema);
    this.count += 1;
    const name = `${WORKING_CATALOG}.${WORKING_SCHEMA}.t${this.count}`;
    await this.ddl.run(() => connection.execute(`create table ${name} (${columnList(schema)})`));
    return name;
  }

  private drop(name: string): Promise<void> {
    return this.ddl.run(() => this.database.use((connection) => connection.execute(`drop table ${name}`)));
  }
}

function rowsPerTurn({ numRows, data }: RecordBatch): number {
  const bytesPerRow = Math.max(1, data.byteLength / Math.max(1, numRows));
  return Math.max(1, Math.min(ROWS_PER_TURN, Math.floor(BYTES_PER_TURN / bytesPerRow)));
}

function columnList({ columns }: TableSchema): string {
  return columns.map(({ name, type }) => `${quoteIdentifier(name)} ${storedAs(type)}`).join(", ");
}

/** As DuckDB keeps the type, which has instants in microseconds only. */
function storedAs(type: DataType): string {
  const kept = duckDBTypeOf(type);
  return formatDataType(kept === undefined ? type : dataTypeOfDuckDB(kept));
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
