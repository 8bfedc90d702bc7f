import type { DuckDBPreparedStatement } from "@duckdb/node-api";
import type { DataType } from "../../model/data-type.js";
import { JobError } from "../../model/job-error.js";
import type { Column, TableSchema } from "../../model/table-schema.js";
import type { EngineQuery } from "../../ports/query-engine.js";
import { dataTypeOfDuckDB } from "./arrow/duckdb-data-type.js";
import { refuseUnsupportedColumns } from "./arrow/unsupported-columns.js";
import { bindParameter } from "./bind-parameters.js";
import { planError } from "./engine-error.js";
import { renderQuery } from "./render-query.js";
import type { EngineConnection, Prepared } from "./engine-connection.js";

/** A prepared query with its values bound. The owner destroys the statement. */
export interface PlannedQuery {
  readonly statement: Prepared;
  readonly schema: TableSchema;
  /** The type of each parameter in the plan; null where DuckDB cannot say. */
  readonly parameters: ReadonlyMap<string, DataType | null>;
}

const TEXT: DataType = { kind: "text" };

/** Prepares a query, finds the types of what it gives, and binds its values. */
export async function planQuery(
  connection: EngineConnection,
  query: EngineQuery,
): Promise<PlannedQuery> {
  try {
    const declared = new Map([...query.parameters].map(([name, { type }]) => [name, type]));
    const { parameters, placed } = await inferTypes(connection, query, declared);
    const untypedNulls = [...query.parameters].filter(([name, { value }]) => value === null && !placed.get(name));
    const nulls = new Set(untypedNulls.map(([name]) => name));
    const { sql, slots } = renderQuery(query.template, placed, nulls);
    const statement = await connection.prepare(sql);
    for (const [name, slot] of slots) {
      bindParameter(statement.api, slot, placed.get(name) ?? TEXT, query.parameters.get(name)?.value ?? null);
    }
    const schema = schemaOf(statement.api) ?? (await schemaOfResult(connection, query, sql, slots, placed));
    refuseCollidingNames(schema);
    refuseUnsupportedColumns(schema);
    return { statement, schema, parameters };
  } catch (error) {
    throw planError(error);
  }
}

interface ParameterTypes {
  readonly parameters: ReadonlyMap<string, DataType | null>;
  /** The types to cast to: text stands in where DuckDB cannot say; only a null may be without. */
  readonly placed: ReadonlyMap<string, DataType | null>;
}

/** Asks DuckDB for the types that were not declared, by preparing the query with the parameter bare in its place. */
async function inferTypes(
  connection: EngineConnection,
  query: EngineQuery,
  declared: ReadonlyMap<string, DataType | null>,
): Promise<ParameterTypes> {
  const parameters = new Map(declared);
  const placed = new Map(declared);
  for (const [name, type] of declared) {
    if (type !== null) continue;
    // DuckDB stops inferring at the first parameter that it cannot place: the others stand aside as NULL.
    const others = new Set([...declared.keys()].filter((other) => other !== name && declared.get(other) === null));
    const { sql, slots } = renderQuery(query.template, declared, others);
    const statement = await connection.prepare(sql);
    const inferred = parameterType(statement.api, slots.get(name) ?? "");
    statement.api.destroySync();
    parameters.set(name, inferred);
    placed.set(name, inferred ?? (query.parameters.get(name)?.value === null ? null : TEXT));
  }
  return { parameters, placed };
}

function parameterType(statement: DuckDBPreparedStatement, slot: string): DataType | null {
  const index = statement.parameterIndex(slot);
  return Number(statement.parameterTypeId(index)) === 0 ? null : dataTypeOfDuckDB(statement.parameterType(index));
}

/** Undefined while a type depends on a value. */
function schemaOf(statement: DuckDBPreparedStatement): TableSchema | undefined {
  const columns: Column[] = [];
  for (let index = 0; index < statement.columnCount; index += 1) {
    if (Number(statement.columnTypeId(index)) === 0) return undefined;
    columns.push(column(statement.columnName(index), dataTypeOfDuckDB(statement.columnType(index))));
  }
  return columns.length === 0 ? undefined : { columns };
}

/** For queries whose types depend on a value: runs them for no rows. */
async function schemaOfResult(
  connection: EngineConnection,
  query: EngineQuery,
  sql: string,
  slots: ReadonlyMap<string, string>,
  placed: ReadonlyMap<string, DataType | null>,
): Promise<TableSchema> {
  const statement = await connection.prepare(`select * from (${sql.replace(/[\s;]+$/, "")}\n) limit 0`);
  try {
    for (const [name, slot] of slots) {
      bindParameter(statement.api, slot, placed.get(name) ?? TEXT, query.parameters.get(name)?.value ?? null);
    }
    const result = await connection.executePrepared(statement);
    return { columns: result.columnTypes().map((type, index) => column(result.columnName(index), dataTypeOfDuckDB(type))) };
  } finally {
    statement.api.destroySync();
  }
}

function column(name: string, type: DataType): Column {
  return { name, type, nullable: true };
}

function refuseCollidingNames({ columns }: TableSchema): void {
  const seen = new Map<string, string>();
  const colliding = new Set<string>();
  for (const { name } of columns) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) colliding.add(other).add(name);
    seen.set(name.toLowerCase(), name);
  }
  if (colliding.size === 0) return;
  throw new JobError("unsupported_query", {
    message: `Several columns have the same name: ${[...colliding].map((name) => `"${name}"`).join(", ")}.`,
    hint: "Give each a name of its own with AS; upper and lower case make no difference.",
    columns: [...colliding],
  });
}
