import { type DuckDBPreparedStatement, DuckDBTypeId } from "@duckdb/node-api";
import type { DataType } from "../../model/data-type.js";
import type { EngineQuery } from "../../ports/query-engine.js";
import { dataTypeOfDuckDB } from "./arrow/duckdb-data-type.js";
import { refuseUnsupportedColumns } from "../arrow/unsupported-columns.js";
import type { EngineConnection } from "./engine-connection.js";
import { planError } from "./engine-error.js";
import { plannedColumns } from "./planned-columns.js";
import { PlannedQuery, type QueryPlan } from "./planned-query.js";
import { refuseCollidingColumns } from "./colliding-columns.js";
import { renderQuery } from "./render-query.js";

/**
 * Prepares a query with its values bound and finds the types of what it gives, without running it.
 *
 * @throws JobError `sql_plan_failure`, or `unsupported_query` for columns that cannot be moved.
 */
export async function planQuery(connection: EngineConnection, query: EngineQuery): Promise<QueryPlan> {
  let statement: DuckDBPreparedStatement | undefined;
  try {
    const parameters = await inferTypes(connection, query);
    const types = new Map<string, DataType>();
    const bare = new Set<string>();
    for (const [name, { value }] of query.parameters) {
      const type = parameters.get(name) ?? null;
      if (type !== null) types.set(name, type);
      // Where DuckDB cannot say, a null is a null of no type, and a text is a text.
      else if (value === null) bare.add(name);
      else types.set(name, { kind: "text" });
    }
    const planned = new PlannedQuery(query, types, bare);
    statement = await planned.prepare(connection);
    const schema = await plannedColumns(connection, planned, statement);
    refuseCollidingColumns(schema);
    refuseUnsupportedColumns(schema);
    return { query: planned, statement, schema, parameters };
  } catch (error) {
    statement?.destroySync();
    throw planError(error);
  }
}

/**
 * The type of each parameter: as declared, otherwise as DuckDB infers it where the parameter stands bare.
 *
 * DuckDB stops inferring at the first parameter that it cannot place, so each is asked for by itself, while the others
 * stand aside as NULL.
 */
async function inferTypes(
  connection: EngineConnection,
  query: EngineQuery,
): Promise<ReadonlyMap<string, DataType | null>> {
  const types = new Map([...query.parameters].map(([name, { type }]) => [name, type]));
  const open = [...types].filter(([, type]) => type === null).map(([name]) => name);
  const inferred = new Map(types);
  for (const name of open) {
    const others = new Set(open.filter((other) => other !== name));
    const { sql, slots } = renderQuery(query.template, types, others);
    const statement = await connection.prepare(sql);
    const index = statement.parameterIndex(slots.get(name) ?? name);
    const isKnown = statement.parameterTypeId(index) !== DuckDBTypeId.INVALID;
    inferred.set(name, isKnown ? dataTypeOfDuckDB(statement.parameterType(index)) : null);
    statement.destroySync();
  }
  return inferred;
}

/** The plan of a query whose tables have other rows by now, but the same columns. */
export async function planAgain(connection: EngineConnection, plan: QueryPlan): Promise<QueryPlan> {
  try {
    return { ...plan, statement: await plan.query.prepare(connection) };
  } catch (error) {
    throw planError(error);
  }
}
