import type { RecordBatch } from "apache-arrow";
import { causeChain, isJobError, JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { ConnectionSnapshot } from "../../ports/connection.js";
import type { ExplainedScan } from "../../ports/query-engine.js";
import type { ScanRequest, WantedRows } from "../../ports/table-source.js";
import { checkedBatches } from "./checked-batches.js";
import { collidingColumns } from "./colliding-columns.js";
import type { Database } from "./database.js";
import type { EngineConnection } from "./engine-connection.js";
import { type FoundTable, sourceName } from "./found-table.js";
import { columnList, type WorkingTables } from "./working-tables.js";

/** A table that DuckDB cannot read by itself. */
export interface ScannedTable extends FoundTable {
  readonly schema: TableSchema;
  /** The table of the engine's own that stands for it, in the form that `query_table` takes. Without rows, unless {@link isWhole}. */
  readonly standsFor: string;
  /** All of its rows are there, or will be. */
  readonly isWhole: boolean;
}

/** A table to read, and what of it. */
export interface TableToRead {
  readonly table: ScannedTable;
  readonly wanted: WantedRows;
}

/** Rows of a scanned table. */
export interface LoadedTable {
  readonly table: ScannedTable;
  /** In the form that `query_table` takes. */
  readonly name: string;
  readonly release: () => Promise<void>;
}

/**
 * Copies of tables that are only known as a scan of Arrow batches. Each query reads one content of a table from its
 * beginning to its end: what it wants is copied before it runs, and dropped after it. The whole of an immutable source is
 * copied once, and stays.
 */
export class ScannedTables {
  /** Empty tables, by the columns that they have. */
  private readonly empty = new Map<string, Promise<string>>();
  /** Copies of immutable sources, by the table's name. */
  private readonly kept = new Map<string, Promise<string>>();

  constructor(
    private readonly database: Database,
    private readonly tables: WorkingTables,
  ) {}

  /**
   * The table's columns and, if it can be kept, its rows.
   *
   * @param rows false: the columns are enough.
   */
  async provide(
    connection: EngineConnection,
    table: FoundTable,
    { rows, signal }: { readonly rows: boolean; readonly signal: AbortSignal },
  ): Promise<ScannedTable> {
    const schema = await fromSource(table, table.source.schema(signal));
    if (schema === null) throw missing(table);
    refuseColumns(table, schema);
    const isWhole = table.source.immutable === true;
    const standsFor =
      isWhole && rows
        ? await this.whole(connection, table, schema, signal)
        : await once(this.empty, columnList(schema), () => this.tables.create(connection, schema));
    return { ...table, schema, standsFor, isWhole };
  }

  /**
   * Reads what is wanted of these tables: of one connection at one moment, if it has such; of different ones side by side.
   * When one fails, the others are ended.
   */
  async load(reads: readonly TableToRead[], signals: readonly AbortSignal[]): Promise<readonly LoadedTable[]> {
    const failed = new AbortController();
    const signal = AbortSignal.any([...signals, failed.signal]);
    const loaded: LoadedTable[] = [];
    const connections = new Set(reads.map(({ table }) => table.connection));
    const groups = [...connections].map((name) => reads.filter(({ table }) => table.connection === name));
    await Promise.all(
      groups.map((group) => {
        return this.loadGroup(group, signal, loaded).catch((error: unknown) => failed.abort(error));
      }),
    );
    if (!failed.signal.aborted) return loaded;
    await Promise.allSettled(loaded.map(({ release }) => release()));
    throw failed.signal.reason;
  }

  /** Who waits for a copy that another query makes, and gives up, makes it himself. */
  private async whole(
    connection: EngineConnection,
    table: FoundTable,
    schema: TableSchema,
    signal: AbortSignal,
  ): Promise<string> {
    const batches = (): AsyncIterable<RecordBatch> => scanOf(table, { ...wholeTable(schema), signal });
    for (;;) {
      const isOwn = !this.kept.has(table.name);
      try {
        return await once(this.kept, table.name, () => this.copy(connection, table, schema, batches(), signal));
      } catch (error) {
        if (isOwn || signal.aborted) throw error;
      }
    }
  }

  private async loadGroup(reads: readonly TableToRead[], signal: AbortSignal, loaded: LoadedTable[]): Promise<void> {
    const [first] = reads;
    if (first === undefined) return;
    const { system } = first.table;
    const tables = reads.map(({ table }) => sourceName(table));
    const snapshot = system.snapshot && (await fromSource(first.table, system.snapshot(tables, signal)));
    try {
      for (const { table, wanted } of reads) loaded.push(await this.loadOne(table, wanted, snapshot, signal));
    } finally {
      // All rows are there, or the query fails for what kept them away.
      await snapshot?.close().catch(() => undefined);
    }
  }

  private async loadOne(
    table: ScannedTable,
    wanted: WantedRows,
    snapshot: ConnectionSnapshot | undefined,
    signal: AbortSignal,
  ): Promise<LoadedTable> {
    const columns = table.schema.columns.filter(({ name }) => wanted.columns.includes(name));
    const request = { ...wanted, columns: columns.map(({ name }) => name), signal };
    const batches = snapshot?.scan(sourceName(table), request) ?? scanOf(table, request);
    return this.database.use(async (connection) => {
      const copy = await this.copy(connection, table, { columns }, batches, signal);
      const view =
        columns.length < table.schema.columns.length
          ? await this.tables.view(connection, copy, table.schema, wanted.columns)
          : undefined;
      const release = (): Promise<void> => this.tables.drop(copy, view);
      return { table, name: view ?? copy, release };
    });
  }

  /** @returns the name of a new table with the rows of a scan. */
  private async copy(
    connection: EngineConnection,
    table: FoundTable,
    schema: TableSchema,
    batches: AsyncIterable<RecordBatch>,
    signal: AbortSignal,
  ): Promise<string> {
    const name = await this.tables.create(connection, schema);
    try {
      const checked = checkedBatches(batches, schema, table);
      const areOurs = table.source.givesBatchesAway === true;
      await fromSource(table, this.tables.append(connection, name, checked, signal, { areOurs }));
      return name;
    } catch (error) {
      await this.tables.drop(name).catch(() => undefined);
      throw error;
    }
  }
}

function scanOf({ source, name }: FoundTable, request: ScanRequest): AsyncIterable<RecordBatch> {
  if (source.scan === undefined) throw new Error(`The table ${name} offers neither a scan nor a relation for DuckDB.`);
  return source.scan(request);
}

/** What a scan would read, and what its source says of it. */
export async function explainedScan({ table, wanted }: TableToRead, signal: AbortSignal): Promise<ExplainedScan> {
  const { source } = table;
  const asked = source.explain && (await fromSource(table, source.explain(wanted, signal)));
  return { table: table.name, ...wanted, ...(asked !== undefined && { asked }) };
}

/** All rows of a table. */
export function wholeTable({ columns }: TableSchema): WantedRows {
  return { columns: columns.map(({ name }) => name) };
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

/** DuckDB has no table without columns, and none of which two differ in case only. */
function refuseColumns({ name, connection }: FoundTable, schema: TableSchema): void {
  const colliding = collidingColumns(schema);
  if (colliding.length === 0 && schema.columns.length > 0) return;
  const list = colliding.map((column) => `"${column}"`).join(", ");
  throw new JobError("unsupported_query", {
    message:
      list === ""
        ? `The query reads "${name}", which has no columns.`
        : `The query reads "${name}", of which the columns ${list} differ in case only.`,
    hint: "Read a view of it: one that has columns, each with a name of its own in lower case.",
    connection,
    table: name,
    ...(list !== "" && { columns: colliding }),
  });
}

function missing({ name, connection }: FoundTable): JobError<"sql_plan_failure"> {
  return new JobError("sql_plan_failure", {
    message: `The query reads "${name}", which the connection ${connection} does not have.`,
    hint: "Check the table's name.",
    connection,
  });
}
