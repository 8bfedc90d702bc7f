import { JobError } from "../../model/job-error.js";
import type { EngineContext, EngineQuery, QueryDescription } from "../../ports/query-engine.js";
import type { RowStream } from "../../ports/row-stream.js";
import { abortable } from "./abortable.js";
import { Database } from "./database.js";
import type { DuckDBEngineOptions } from "./engine-options.js";
import { planQuery } from "./plan-query.js";
import { QueryStream } from "./query-stream.js";
import { type RenderedQuery, renderQuery } from "./render-query.js";
import { RunningQuery } from "./running-query.js";
import { SelectCheck } from "./select-check.js";
import { SourceCatalog } from "./source-catalog.js";
import { TableFinder } from "./found-table.js";

/** An open engine: what {@link DuckDBEngine} does once the driver is loaded. */
export class EngineSession {
  private readonly check: SelectCheck;
  private readonly running = new Set<RunningQuery>();
  private readonly busy = new Set<Promise<unknown>>();
  /** Ends what waits for a source that does not end by itself. */
  private readonly closing = new AbortController();

  private constructor(
    private readonly database: Database,
    private readonly catalog: SourceCatalog,
  ) {
    this.check = new SelectCheck(database);
  }

  static async open(options: DuckDBEngineOptions, context: EngineContext): Promise<EngineSession> {
    const finder = new TableFinder(context.connections);
    const database = await Database.open(options, reachablePaths(context));
    return new EngineSession(database, new SourceCatalog(database, finder));
  }

  describe(query: EngineQuery, signal: AbortSignal): Promise<QueryDescription> {
    return this.abortable(signal, () => this.describeNow(query, signal));
  }

  explain(query: EngineQuery, signal: AbortSignal): Promise<string> {
    return this.abortable(signal, () => this.explainNow(query, signal));
  }

  stream(query: EngineQuery, signal: AbortSignal, limit: number | undefined): Promise<RowStream> {
    return this.abortable(
      signal,
      () => this.streamNow(query, signal, limit),
      (late) => late.close(),
    );
  }

  /** Ends what runs, waits for it, and closes the database. */
  async close(): Promise<void> {
    this.closing.abort(closed());
    await Promise.all([...this.running].map((query) => query.end()));
    await Promise.allSettled(this.busy);
    // What was only about to start has started meanwhile.
    await Promise.all([...this.running].map((query) => query.end()));
    await this.catalog.settled();
    await this.database.close();
  }

  private async describeNow(query: EngineQuery, signal: AbortSignal): Promise<QueryDescription> {
    const references = await this.check.tables(rendered(query));
    return this.database.use(async (connection) => {
      const sources = await this.catalog.provide(connection, references, {
        rows: false,
        signals: [signal, this.closing.signal],
      });
      try {
        const { statement, schema, parameters } = await planQuery(connection, query);
        statement.destroySync();
        return { schema, parameters, tables: sources.tables };
      } finally {
        await sources.release();
      }
    });
  }

  private async explainNow(query: EngineQuery, signal: AbortSignal): Promise<string> {
    const references = await this.check.tables(rendered(query));
    return this.database.use(async (connection) => {
      const sources = await this.catalog.provide(connection, references, {
        rows: false,
        signals: [signal, this.closing.signal],
      });
      try {
        const plan = await planQuery(connection, query);
        plan.statement.destroySync();
        const statement = await plan.query.prepare(connection, "explain ");
        const rows = await (await connection.result(statement)).getRows();
        statement.destroySync();
        return rows.map((row) => String(row[1])).join("\n");
      } finally {
        await sources.release();
      }
    });
  }

  private async streamNow(query: EngineQuery, signal: AbortSignal, limit: number | undefined): Promise<RowStream> {
    const references = await this.check.tables(rendered(query));
    const connection = await this.database.connect();
    let release = (): Promise<void> => Promise.resolve();
    try {
      const sources = await this.catalog.provide(connection, references, {
        rows: true,
        signals: [signal, this.closing.signal],
      });
      release = sources.release;
      const plan = await planQuery(connection, query);
      const running: RunningQuery = await RunningQuery.start({
        connection,
        lanes: this.database.lanes,
        plan,
        explain: sources.explain,
        onEnd: async (reusable) => {
          this.database.release(connection, reusable);
          await release();
          this.running.delete(running);
        },
      });
      this.running.add(running);
      return new QueryStream(plan.schema, running, signal, limit);
    } catch (error) {
      this.database.release(connection);
      await release();
      throw error;
    }
  }

  private abortable<T>(signal: AbortSignal, act: () => Promise<T>, discard?: (late: T) => Promise<void>): Promise<T> {
    return abortable([signal, this.closing.signal], act, this.busy, discard);
  }
}

function closed(): JobError {
  return new JobError("query_failed", {
    message: "The engine was closed.",
    hint: "Open it again, or run the query on another.",
  });
}

/** The query with every value in its place as a parameter: what is checked is what is run, but for casts. */
function rendered({ template, parameters }: EngineQuery): RenderedQuery {
  const types = new Map([...parameters].flatMap(([name, { type }]) => (type === null ? [] : [[name, type] as const])));
  return renderQuery(template, types);
}

function reachablePaths({ connections }: EngineContext): readonly string[] {
  return [...connections.values()].flatMap((connection) => connection.paths ?? []);
}
