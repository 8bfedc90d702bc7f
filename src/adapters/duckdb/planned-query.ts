import type { DuckDBPreparedStatement } from "@duckdb/node-api";
import { type DataType, formatDataType } from "../../model/data-type.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { EngineQuery } from "../../ports/query-engine.js";
import { bindParameter } from "./bind-parameters.js";
import type { EngineConnection } from "./engine-connection.js";
import { quoteIdentifier, quoteText } from "./quote.js";
import { renderQuery } from "./render-query.js";

/** A query whose types are all known, ready to be prepared with its values bound. */
export class PlannedQuery {
  readonly sql: string;
  private readonly slots: ReadonlyMap<string, string>;

  /** @param asNull parameters that stand as a NULL of no type. */
  constructor(
    private readonly query: EngineQuery,
    private readonly types: ReadonlyMap<string, DataType>,
    private readonly asNull: ReadonlySet<string>,
  ) {
    const { sql, slots } = renderQuery(query.template, types, asNull);
    this.sql = sql;
    this.slots = slots;
  }

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
    return this.prepared(connection, inside(this.sql, before, after));
  }

  /**
   * Calls `act` with the query as a text without parameters, in which variables of the connection stand for them.
   *
   * @param limit ends the query's result after so many rows.
   */
  async withVariables<T>(
    connection: EngineConnection,
    limit: number | undefined,
    act: (sql: string) => Promise<T>,
  ): Promise<T> {
    const { template } = this.query;
    const { sql } = renderQuery(template, this.types, this.asNull, (slot) => `getvariable(${quoteText(slot)})`);
    try {
      for (const [name, slot] of this.slots) {
        const statement = await connection.prepare(
          `set variable ${quoteIdentifier(slot)} = cast($value as ${formatDataType(this.typeOf(name))})`,
        );
        try {
          this.bind(statement, "value", name);
          await connection.result(statement);
        } finally {
          statement.destroySync();
        }
      }
      return await act(limit === undefined ? sql : inside(sql, "select * from", `as q limit ${limit}`));
    } finally {
      // They may be secrets, and large.
      for (const slot of this.slots.values()) await connection.execute(`reset variable ${quoteIdentifier(slot)}`);
    }
  }

  private async prepared(connection: EngineConnection, sql: string): Promise<DuckDBPreparedStatement> {
    const statement = await connection.prepare(sql);
    try {
      for (const [name, slot] of this.slots) this.bind(statement, slot, name);
      return statement;
    } catch (error) {
      statement.destroySync();
      throw error;
    }
  }

  private bind(statement: DuckDBPreparedStatement, slot: string, name: string): void {
    bindParameter(statement, slot, this.typeOf(name), this.query.parameters.get(name)?.value ?? null);
  }

  private typeOf(name: string): DataType {
    const type = this.types.get(name);
    if (type === undefined) throw new Error(`The parameter ${name} has no type.`);
    return type;
  }
}

function inside(sql: string, before: string, after: string): string {
  return `${before} (\n${sql.replace(/[\s;]+$/, "")}\n) ${after}`;
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
