import type { DuckDBPreparedStatement } from "@duckdb/node-api";
import type { DataType } from "../../model/data-type.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { EngineQuery } from "../../ports/query-engine.js";
import { bindParameter } from "./bind-parameters.js";
import type { EngineConnection } from "./engine-connection.js";

/** A query whose types are all known, ready to be prepared with its values bound. */
export class PlannedQuery {
  constructor(
    readonly sql: string,
    private readonly slots: ReadonlyMap<string, string>,
    private readonly types: ReadonlyMap<string, DataType>,
    private readonly query: EngineQuery,
  ) {}

  /** Prepares the query as it stands, behind a prefix such as `explain`. The caller destroys the statement. */
  async prepare(connection: EngineConnection, prefix = ""): Promise<DuckDBPreparedStatement> {
    return this.prepared(connection, prefix + this.sql);
  }

  /**
   * Prepares a query over this one. The text of this one starts on the second line.
   *
   * A comment behind the query's own semicolon is more than can be cut off here: DuckDB then refuses the text.
   */
  async prepareInside(connection: EngineConnection, before: string, after: string): Promise<DuckDBPreparedStatement> {
    return this.prepared(connection, `${before} (\n${this.sql.replace(/[\s;]+$/, "")}\n) ${after}`);
  }

  private async prepared(connection: EngineConnection, sql: string): Promise<DuckDBPreparedStatement> {
    const statement = await connection.prepare(sql);
    try {
      for (const [name, slot] of this.slots) {
        const type = this.types.get(name);
        if (type === undefined) throw new Error(`The parameter ${name} has no type.`);
        bindParameter(statement, slot, type, this.query.parameters.get(name)?.value ?? null);
      }
      return statement;
    } catch (error) {
      statement.destroySync();
      throw error;
    }
  }
}

/** What planning a query tells. */
export interface QueryPlan {
  readonly query: PlannedQuery;
  /** The query prepared, with its values bound. Its owner destroys it. */
  readonly statement: DuckDBPreparedStatement;
  readonly schema: TableSchema;
  /** The type of each parameter in the plan; null where DuckDB cannot say. */
  readonly parameters: ReadonlyMap<string, DataType | null>;
}
