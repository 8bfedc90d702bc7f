import { setMaxListeners } from "node:events";
import { createHash } from "node:crypto";
import { JobError } from "../../model/job-error.js";
import type {
  EngineContext,
  EngineQuery,
  QueryDescription,
  ExplainedScan,
  QueryExplanation,
  StreamOptions,
} from "../../ports/query-engine.js";
import type { RowStream } from "../../ports/row-stream.js";
import { abortable } from "./abortable.js";
import { type ConnectionInstance, guestsOf } from "./connection-instance.js";
import { Database } from "./database.js";
import type { EngineConnection } from "./engine-connection.js";
import { EngineHost } from "./engine-host.js";
import type { DuckDBEngineOptions } from "./engine-options.js";
import { planAgain, planQuery } from "./plan-query.js";
import type { QueryPlan } from "./planned-query.js";
import { type PlanOptions, ScanPlanner } from "./pushdown/scan-planner.js";
import { QueryStream } from "./query-stream.js";
import { Recent } from "./recent.js";
import { type RenderedQuery, renderQuery } from "./render-query.js";
import { RunningQuery } from "./running-query.js";
import { explainedScan, type TableToRead, wholeTable } from "./scanned-tables.js";
import { SelectCheck } from "./select-check.js";
import { type ProvidedTables, SourceCatalog } from "./source-catalog.js";
import { TableFinder } from "./found-table.js";

/** Texts of which something is remembered. */
const KEPT = 256;

/** An open engine: what {@link DuckDBEngine} does once the driver is loaded. */
export class EngineSession {
  private readonly check: SelectCheck;
  private readonly running = new Set<RunningQuery>();
  /** Of queries that read nothing but tables whose columns the key has in it. */
  private readonly descriptions = new Recent<QueryDescription>(KEPT);
  /** Whether a text's last query was over at once. */
  private readonly tiny = new Recent<boolean>(KEPT);
  private readonly busy = new Set<Promise<unknown>>();
  /** Ends what waits for a source that does not end by itself. */
  private readonly closing = new AbortController();

  private readonly database: Database;
  private readonly planner: ScanPlanner;

  private constructor(
    private readonly host: EngineHost,
    private readonly catalog: SourceCatalog,
    private readonly guests: readonly ConnectionInstance[],
  ) {
    this.database = host.database;
    this.check = new SelectCheck(host.database);
    this.planner = new ScanPlanner(host.database.lanes);
    // Every query that is under way listens to it.
    setMaxListeners(0, this.closing.signal);
  }

  static async open(options: DuckDBEngineOptions, context: EngineContext): Promise<EngineSession> {
    const finder = new TableFinder(context.connections);
    const database = await Database.open(options, reachablePaths(context));
    const guests = guestsOf(context);
    const host = new EngineHost(
      database,
      [...guests].flatMap(([name, { file }]) => (file ? [{ ...file, name }] : [])),
    );
    for (const guest of guests.values()) guest.join(host);
    return new EngineSession(host, new SourceCatalog(host, finder), [...guests.values()]);
  }

  describe(query: EngineQuery, signal: AbortSignal): Promise<QueryDescription> {
    return this.abortable(signal, () => this.describeNow(query, signal));
  }

  explain(query: EngineQuery, signal: AbortSignal): Promise<QueryExplanation> {
    return this.abortable(signal, () => this.explainNow(query, signal));
  }

  stream(query: EngineQuery, options: StreamOptions): Promise<RowStream> {
    return this.abortable(
      options.signal,
      () => this.streamNow(query, options),
      (late) => late.close(),
    );
  }

  /** Ends what runs, waits for it, and closes the database. */
  async close(): Promise<void> {
    this.closing.abort(closed());
    for (const guest of this.guests) guest.leave(this.host);
    await Promise.all([...this.running].map((query) => query.ended()));
    await Promise.allSettled(this.busy);
    // What was only about to start has started meanwhile.
    await Promise.all([...this.running].map((query) => query.ended()));
    await this.planner.close();
    await this.host.close();
  }

  private async describeNow(query: EngineQuery, signal: AbortSignal): Promise<QueryDescription> {
    const signals = [signal, this.closing.signal];
    const references = await this.check.tables(rendered(query));
    return this.database.use(async (connection) => {
      const sources = await this.catalog.provide(connection, references, { rows: false, signals });
      try {
        const key = sources.columns === undefined ? undefined : keyOf(query, sources.columns);
        const known = key === undefined ? undefined : this.descriptions.get(key);
        if (known !== undefined) return known;
        const plan = await connection.interruptible(signals, () => planQuery(connection, query));
        plan.statement.destroySync();
        const description = { schema: plan.schema, parameters: plan.parameters, tables: sources.tables };
        if (key !== undefined) this.descriptions.set(key, description);
        return description;
      } finally {
        await sources.release();
      }
    });
  }

  private async explainNow(query: EngineQuery, signal: AbortSignal): Promise<QueryExplanation> {
    const signals = [signal, this.closing.signal];
    const references = await this.check.tables(rendered(query));
    return this.database.use(async (connection) => {
      const sources = await this.catalog.provide(connection, references, { rows: false, signals });
      try {
        const planned = await connection.interruptible(signals, () => planQuery(connection, query));
        planned.statement.destroySync();
        const plan = await connection.interruptible(signals, () => explained(connection, planned));
        const scans: ExplainedScan[] = [];
        for (const read of await this.reads(planned, sources, { signals, limit: undefined })) {
          scans.push(await explainedScan(read, signal));
        }
        return { plan, scans };
      } finally {
        await sources.release();
      }
    });
  }

  private async streamNow(query: EngineQuery, { signal, limit, unstarted = false }: StreamOptions): Promise<RowStream> {
    const signals = [signal, this.closing.signal];
    const references = await this.check.tables(rendered(query));
    const connection = await this.database.connect();
    let release = (): Promise<void> => Promise.resolve();
    try {
      const sources = await this.catalog.provide(connection, references, { rows: true, signals });
      release = sources.release;
      const plan = await this.loadedPlan(connection, query, sources, { signals, limit });
      const running: RunningQuery = new RunningQuery({
        connection,
        lanes: this.database.lanes,
        files: this.host.files,
        closing: this.closing.signal,
        plan,
        reads: sources.files,
        isTiny: this.tiny.get(plan.query.sql) === true,
        onProven: (isTiny) => this.tiny.set(plan.query.sql, isTiny),
        explain: sources.explain,
        holdsSources: sources.isHeld(),
        onEnd: async (reusable) => {
          this.database.release(connection, reusable);
          await release();
          this.running.delete(running);
        },
      });
      if (!unstarted) await running.begin();
      this.running.add(running);
      return new QueryStream(plan.schema, running, signal, { limit, hasInto: unstarted });
    } catch (error) {
      this.database.release(connection);
      await release();
      throw error;
    }
  }

  /** The plan of a query whose tables have the rows that it needs. */
  private async loadedPlan(
    connection: EngineConnection,
    query: EngineQuery,
    sources: ProvidedTables,
    options: PlanOptions,
  ): Promise<QueryPlan> {
    const { signals } = options;
    const plan = await connection.interruptible(signals, () => planQuery(connection, query));
    if (sources.scanned.every(({ isWhole }) => isWhole)) return plan;
    plan.statement.destroySync();
    const reads = await this.reads(plan, sources, options);
    await sources.load(reads.filter(({ table, wanted }) => !table.isWhole && wanted.limit !== 0));
    return connection.interruptible(signals, () => planAgain(connection, plan));
  }

  /** What the query needs of each table that DuckDB cannot read by itself. */
  private async reads(
    { query }: QueryPlan,
    { scanned, standIns }: ProvidedTables,
    options: PlanOptions,
  ): Promise<readonly TableToRead[]> {
    const needs = scanned.every(({ isWhole }) => isWhole)
      ? undefined
      : await this.planner.needs(query, await standIns(), options);
    return scanned.map((table) => {
      const wanted = table.isWhole ? undefined : needs?.get(table.name);
      return { table, wanted: wanted ?? wholeTable(table.schema) };
    });
  }

  private abortable<T>(signal: AbortSignal, act: () => Promise<T>, discard?: (late: T) => Promise<void>): Promise<T> {
    return abortable([signal, this.closing.signal], act, this.busy, discard);
  }
}

/** Values may be secrets, and large: neither is kept. */
function keyOf({ template, parameters }: EngineQuery, columns: string): string {
  return createHash("sha256")
    .update(JSON.stringify([template, [...parameters], columns]))
    .digest("base64");
}

async function explained(connection: EngineConnection, { query }: QueryPlan): Promise<string> {
  const statement = await query.prepare(connection, "explain ");
  const rows = await (await connection.result(statement)).getRows();
  statement.destroySync();
  return rows.map((row) => String(row[1])).join("\n");
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
