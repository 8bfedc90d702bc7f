import type { RecordBatch } from "apache-arrow";
import { type DataType, formatDataType } from "../../model/data-type.js";
import type { TableSchema } from "../../model/table-schema.js";
import { dataTypeOfDuckDB, duckDBTypeOf } from "./arrow/duckdb-data-type.js";
import { refuseUnsupportedColumns } from "../arrow/unsupported-columns.js";
import type { Database } from "./database.js";
import type { EngineConnection } from "./engine-connection.js";
import { WORKING_CATALOG, WORKING_SCHEMA } from "./found-table.js";
import type { OneAtATime } from "./one-at-a-time.js";
import { quoteIdentifier } from "./quote.js";
import { TableFeed } from "./table-feed.js";

/** A row group of DuckDB's, which it then takes as it is. */
const ROWS_PER_PART = 122_880;
const BYTES_PER_PART = 16_777_216;
const SMALL_ROWS = 4_096;
const SMALL_BYTES = 1_048_576;

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
   * Appends batches to a table whose columns are those of the batches: many at a time, while the next ones are fetched. Each
   * such part is a transaction of its own. While one is open, DuckDB keeps every table that others drop.
   *
   * @param options.areOurs nobody else reads the batches: their memory is freed once they are in.
   * @param options.onBatch called when a batch was taken.
   */
  async append(
    connection: EngineConnection,
    table: string,
    batches: AsyncIterable<RecordBatch>,
    signal: AbortSignal,
    { areOurs, onBatch }: { readonly areOurs: boolean; readonly onBatch?: (batch: RecordBatch) => void },
  ): Promise<void> {
    let rows: TableFeed | undefined;
    let inserting: Promise<void> | undefined;
    let part = new Part();
    const insert = async (): Promise<void> => {
      await inserting;
      signal.throwIfAborted();
      const taken = part;
      part = new Part();
      inserting = rows?.put(taken.batches, taken.isSmall);
      // Whoever waits for it next hears of the failure.
      inserting?.catch(() => undefined);
    };
    try {
      for await (const batch of batches) {
        signal.throwIfAborted();
        rows ??= new TableFeed(connection, table, this.database.fed.open(batch.schema, areOurs), this.ddl);
        part.take(batch);
        if (part.isFull) await insert();
        onBatch?.(batch);
        await new Promise(setImmediate);
      }
      await insert();
      await inserting;
      signal.throwIfAborted();
    } finally {
      // Nothing may read the table, or the feed, that is gone.
      await inserting?.catch(() => undefined);
      rows?.close();
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

/** Batches that go into a table at once. */
class Part {
  readonly batches: RecordBatch[] = [];
  private rows = 0;
  private bytes = 0;

  take(batch: RecordBatch): void {
    this.batches.push(batch);
    this.rows += batch.numRows;
    this.bytes += batch.data.byteLength;
  }

  /** Storing it takes hardly longer than to begin a statement. */
  get isSmall(): boolean {
    return this.rows <= SMALL_ROWS && this.bytes <= SMALL_BYTES;
  }

  get isFull(): boolean {
    return this.rows >= ROWS_PER_PART || this.bytes >= BYTES_PER_PART;
  }
}
