import { type DataType, formatDataType } from "../../model/data-type.js";
import { JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { Connection } from "../../ports/connection.js";
import type { ScanRequest, TableSource } from "../../ports/table-source.js";
import { checkColumns, type DeclaredColumns } from "./declared-columns.js";
import { HeldTables } from "./held-tables.js";
import { isPlainObject, RowProblem } from "./row-problem.js";
import { isWhole, joinedType, namedType, typeOfValue } from "./row-types.js";
import { type StoredValue, storedValue } from "./row-values.js";

/** A row: its columns by name. A column that a row lacks is null in it. */
export type Row = Readonly<Record<string, unknown>>;

/** Options of {@link rows}. */
export interface RowsOptions {
  /**
   * Types as DuckDB spells them, for columns whose values would show another: integers, `DECIMAL(p,s)`, `DATE`,
   * `TIMESTAMP`, `UUID`, `JSON`, … and lists of them.
   */
  readonly columns?: DeclaredColumns;
}

/**
 * Plain objects as a table, read only and copied here and now: `people: rows([{ id: 1, name: "Ada" }])` is read as
 * `FROM people`. A record of several is read by their names: `crm: rows({ orders: […], people: […] })`, `FROM crm.orders`.
 *
 * Whole numbers and bigints are BIGINT (HUGEINT beyond 64 bits), other numbers DOUBLE and then all of their column,
 * strings VARCHAR, Dates TIMESTAMP WITH TIME ZONE, Uint8Arrays BLOB, arrays lists, plain objects structs.
 *
 * @throws JobError `invalid_definition`, with `field`, for a value that its column cannot hold, or a column whose type
 * neither its values nor `columns` tell.
 */
export function rows(
  data: readonly Row[] | Readonly<Record<string, readonly Row[]>>,
  options: RowsOptions = {},
): Connection {
  if (options.columns !== undefined) checkColumns("rows", options.columns);
  const declared = declaredTypes(options.columns ?? {});
  if (isList(data)) return new HeldTables("rows", new RowTable("rows", data, declared));
  if (!isPlainObject(data) || Object.keys(data).length === 0)
    throw refused("data", "rows() was given no array of plain objects");
  const tables = Object.entries(data).map(([name, table]) => [name, new RowTable(name, table, declared)] as const);
  return new HeldTables("rows", new Map(tables));
}

/** Small enough that building one does not hold the event loop. */
const ROWS_PER_BATCH = 4_096;

class RowTable implements TableSource {
  readonly immutable = true;
  private readonly held: TableSchema;
  private readonly columns: readonly (readonly StoredValue[])[];
  private readonly length: number;

  constructor(name: string, data: readonly Row[], declared: ReadonlyMap<string, DataType>) {
    if (!isList(data) || !data.every(isPlainObject)) {
      throw refused(name, `${name} is no array of plain objects`);
    }
    const names = [...new Set([...declared.keys(), ...data.flatMap((row) => Object.keys(row))])];
    if (names.length === 0) throw refused(name, `${name} has no columns`);
    const types = names.map((column) => declared.get(column) ?? inferred(name, column, data));
    this.length = data.length;
    this.held = { columns: names.map((column, index) => ({ name: column, type: types[index]!, nullable: true })) };
    this.columns = names.map((column, index) => {
      return data.map((row, at) => inPlace(name, column, at, () => storedValue(types[index]!, row[column])));
    });
  }

  async schema(): Promise<TableSchema> {
    return this.held;
  }

  async *scan({ columns, signal }: ScanRequest): ReturnType<NonNullable<TableSource["scan"]>> {
    const { rowBatch } = await import("./row-batch.js");
    const wanted = columns.map((name) => this.held.columns.findIndex((column) => column.name === name));
    const schema = { columns: wanted.map((index) => this.held.columns[index]!) };
    for (let start = 0; start < this.length; start += ROWS_PER_BATCH) {
      signal.throwIfAborted();
      const end = Math.min(start + ROWS_PER_BATCH, this.length);
      yield rowBatch(
        schema,
        wanted.map((index) => this.columns[index]!.slice(start, end)),
        end - start,
      );
    }
    signal.throwIfAborted();
  }
}

function declaredTypes(columns: DeclaredColumns): ReadonlyMap<string, DataType> {
  return new Map(
    Object.entries(columns).map(([name, text]) => {
      const type = namedType(text);
      if (type === undefined) throw refused(`columns.${name}`, `rows() has no columns of type ${text}`);
      return [name, type];
    }),
  );
}

function inferred(table: string, column: string, data: readonly Row[]): DataType {
  let type: DataType = { kind: "null" };
  data.forEach((row, at) => {
    type = inPlace(table, column, at, () => joinedType(type, typeOfValue(row[column])));
  });
  if (isWhole(type)) return type;
  const shown = type.kind === "null" ? "only nulls" : `${formatDataType(type)}, of which a part is only nulls`;
  throw refused(column, `The column "${column}" of ${table} shows no type: it holds ${shown}`);
}

function inPlace<T>(table: string, column: string, at: number, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof RowProblem)) throw error;
    throw refused(column, `The value of "${column}" in row ${at} of ${table} ${error.message}`, [column]);
  }
}

function isList(data: unknown): data is readonly Row[] {
  return Array.isArray(data);
}

function refused(field: string, message: string, columns?: readonly string[]): JobError<"invalid_definition"> {
  return new JobError("invalid_definition", {
    message: `${message}.`,
    hint: 'Declare what the values do not tell: rows(data, { columns: { price: "DECIMAL(18,2)" } }).',
    field,
    ...(columns && { columns }),
  });
}
