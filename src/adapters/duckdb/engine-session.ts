import type { EngineContext, EngineQuery, QueryDescription } from "../../ports/query-engine.js";
import type { RowStream } from "../../ports/row-stream.js";
import { Database } from "./database.js";
import type { DuckDBEngineOptions } from "./engine-options.js";
import { planQuery } from "./plan-query.js";
import { SelectCheck } from "./select-check.js";
import { QueryStream } from "./query-stream.js";
import { renderQuery } from "./render-query.js";
import { beginProbed, RunningQuery } from "./running-query.js";
import { SourceCatalog } from "./source-catalog.js";

/** An open engine: everything behind {@link DuckDBEngine} that needs the driver. */
export class EngineSession {
  private constructor(
    private readonly database: Database,
    private readonly check: SelectCheck,
    private readonly catalog: SourceCatalog,
  ) {}

  static async open(options: DuckDBEngineOptions, context: EngineContext, dialect: string): Promise<EngineSession> {
    const database = await Database.open(options);
    return new EngineSession(
      database,
      new SelectCheck(database),
      new SourceCatalog(database, dialect, context.connections),
    );
  }

  async describe(query: EngineQuery, signal: AbortSignal): Promise<QueryDescription> {
    signal.throwIfAborted();
    const tables = await this.tablesOf(query);
    return this.database.use(async (connection) => {
      const { statement, schema, parameters } = await planQuery(connection, query);
      statement.api.destroySync();
      return { schema, parameters, tables };
    });
  }

  async stream(query: EngineQuery, options: { readonly signal: AbortSignal; readonly limit?: number }): Promise<RowStream> {
    options.signal.throwIfAborted();
    await this.tablesOf(query);
    const connection = await this.database.connect();
    try {
      await beginProbed(connection);
      const { statement, schema } = await planQuery(connection, query);
      return new QueryStream(schema, RunningQuery.start(this.database, connection, statement), options.signal, options.limit);
    } catch (error) {
      await connection.execute("rollback").catch(() => undefined);
      this.database.release(connection);
      throw error;
    }
  }

  close(): void {
    this.database.close();
  }

  private async tablesOf(query: EngineQuery): Promise<readonly string[]> {
    const types = new Map([...query.parameters].map(([name, { type }]) => [name, type]));
    return this.catalog.provide(await this.check.tables(renderQuery(query.template, types).sql));
  }
}
