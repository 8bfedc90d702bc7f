import type { DuckDBAppender } from "@duckdb/node-api";
import type { RecordBatch } from "apache-arrow";
import { type DataType, formatDataType } from "../../model/data-type.js";
import type { TableSchema } from "../../model/table-schema.js";
import { ArrowChunkWriter } from "./arrow/arrow-chunk-writer.js";
import { dataTypeOfDuckDB, duckDBTypeOf } from "./arrow/duckdb-data-type.js";
import { refuseUnsupportedColumns } from "../arrow/unsupported-columns.js";
import type { Database } from "./database.js";
import type { EngineConnection } from "./engine-connection.js";
import { runError } from "./engine-error.js";
import { WORKING_CATALOG, WORKING_SCHEMA } from "./found-table.js";
import { noticingWaits } from "./noticing-waits.js";
import type { OneAtATime } from "./one-at-a-time.js";
import { quoteIdentifier } from "./quote.js";

/** What goes into DuckDB between two turns of the event loop. */
const ROWS_PER_TURN = 2_048;
const VALUES_PER_TURN = 32_768;
const BYTES_PER_TURN = 1_048_576;
/** What goes into one transaction: while it is open, DuckDB keeps every table that others drop. */
const TURNS_PER_TRANSACTION = 256;

/** Tables of an instance's own, into which Arrow batches are appended. Their names need no quotes. */
export class WorkingTables {
  private count = 0;

  constructor(
    private readonly database: Database,
    private readonly ddl: OneAtATime,
  ) {}

  /** @throws JobError `unsupported_query`, with `columns`, when a column cannot be moved exactly. */
  async create(connection: EngineConnection, schema: TableSchema): Promise<string> {
    refuseUnsupportedColumns(schema);
    this.count += 1;
    const name = `${WORKING_CATALOG}.${WORKING_SCHEMA}.t${this.count}`;
    await this.ddl.run(() => connection.execute(`create table ${name} (${columnList(schema)})`));
    return name;
  }

  /**
   * Appends batches to a table whose columns are those of the batches. The event loop turns in between.
   *
   * Many flushes make one transaction of the connection's: if each were one, they would cost a third more. None is open while
   * the source is waited for.
   *
   * @param onBatch called when all rows of a batch are in.
   */
  async append(
    connection: EngineConnection,
    table: string,
    batches: AsyncIterable<RecordBatch>,
    signal: AbortSignal,
    onBatch?: (batch: RecordBatch) => void,
  ): Promise<void> {
    let appender: DuckDBAppender | undefined;
    let turns = 0;
    const commit = async (): Promise<void> => {
      if (turns > 0) await committed(connection);
      turns = 0;
    };
    try {
      appender = await connection.appender(table);
      let writer: ArrowChunkWriter | undefined;
      for await (const batch of noticingWaits(batches, commit)) {
        writer ??= new ArrowChunkWriter(batch.schema);
        const rows = rowsPerTurn(batch);
        for (let start = 0; start < batch.numRows; start += rows) {
          signal.throwIfAborted();
          if (turns++ === 0) await connection.begin();
          writer.append(appender, batch.slice(start, start + rows));
          // A large flush would hold the event loop; so would all rows of a large batch.
          flush(appender);
          if (turns === TURNS_PER_TRANSACTION) await commit();
          await new Promise(setImmediate);
        }
        onBatch?.(batch);
      }
      signal.throwIfAborted();
      appender.closeSync();
      appender = undefined;
      await commit();
    } catch (error) {
      if (appender) discard(appender);
      await connection.execute("rollback").catch(() => undefined);
      throw error;
    }
  }

  /** A view of a table that lacks some columns of `schema`: they are null. */
  async view(
    connection: EngineConnection,
    table: string,
    schema: TableSchema,
    held: readonly string[],
  ): Promise<string> {
    const columns = keptColumns(schema).map(({ name, type }) => {
      const column = quoteIdentifier(name);
      return held.includes(name) ? column : `cast(null as ${formatDataType(type)}) as ${column}`;
    });
    const name = `${table}v`;
    await this.ddl.run(() => connection.execute(`create view ${name} as select ${columns.join(", ")} from ${table}`));
    return name;
  }

  /** @param view a view of the table, which goes with it. */
  drop(table: string, view?: string): Promise<void> {
    const statements = `${view === undefined ? "" : `drop view ${view};`} drop table ${table}`;
    return this.ddl.run(() => this.database.use((connection) => connection.execute(statements)));
  }
}

/** Columns as `create table` takes them. */
export function columnList(schema: TableSchema): string {
  return keptColumns(schema)
    .map(({ name, type }) => `${quoteIdentifier(name)} ${formatDataType(type)}`)
    .join(", ");
}

/** Columns as DuckDB keeps them, which has instants in microseconds only. */
export function keptColumns({ columns }: TableSchema): readonly { readonly name: string; readonly type: DataType }[] {
  return columns.map(({ name, type }) => {
    const kept = duckDBTypeOf(type);
    return { name, type: kept === undefined ? type : dataTypeOfDuckDB(kept) };
  });
}

/** @throws JobError, such as `resource_limit_exceeded` where the rows do not fit. */
function flush(appender: DuckDBAppender): void {
  try {
    appender.flushSync();
  } catch (error) {
    throw runError(error);
  }
}

/** @throws JobError, as {@link flush}. */
async function committed(connection: EngineConnection): Promise<void> {
  try {
    await connection.commit();
  } catch (error) {
    throw runError(error);
  }
}

/** Rows that could not be flushed cannot be flushed now, either. */
function discard(appender: DuckDBAppender): void {
  try {
    appender.clear();
    appender.closeSync();
  } catch {
    // The failure that is under way says why.
  }
}

function rowsPerTurn({ numRows, numCols, data }: RecordBatch): number {
  const bytesPerRow = Math.max(1, data.byteLength / Math.max(1, numRows));
  const most = Math.min(ROWS_PER_TURN, VALUES_PER_TURN / numCols, BYTES_PER_TURN / bytesPerRow);
  return Math.max(1, Math.floor(most));
}
