import type { DataType } from "../model/data-type.js";
import type { ParameterValue, QueryTemplate } from "../model/job-definition.js";
import type { TableSchema } from "../model/table-schema.js";
import type { Clock } from "./clock.js";
import type { Connection } from "./connection.js";
import type { Logger } from "./logger.js";
import type { RowStream } from "./row-stream.js";
import type { WantedRows } from "./table-source.js";

/**
 * Plans queries and streams their rows.
 *
 * Promise: a query is exactly one SELECT and reaches nothing but the tables of the connections given to `open`: no other
 * file, network, environment variable, setting or extension (law 13). Values are bound, never spliced (law 6).
 * Rejections are JobErrors: `unsupported_query` for what is not one plain SELECT or yields a column that cannot be moved
 * exactly, `sql_plan_failure` for what cannot be planned, `query_failed`, `stream_incomplete` and
 * `resource_limit_exceeded` for what fails while it runs. Its statements never block the event loop nor fill libuv's
 * thread pool (law 8).
 */
export interface QueryEngine {
  /** Names the SQL dialect, as in {@link EngineRelation.dialect}. */
  readonly dialect: string;
  open(context: EngineContext): Promise<void>;
  /** What the query would give, without running it. */
  describe(query: EngineQuery, signal: AbortSignal): Promise<QueryDescription>;
  /** How the query would be run, without running it. */
  explain(query: EngineQuery, signal: AbortSignal): Promise<QueryExplanation>;
  /**
   * Runs the query. Aborting the signal stops it within 50 ms and makes the iteration throw the signal's reason. `limit`
   * ends the result after so many rows.
   */
  stream(query: EngineQuery, options: StreamOptions): Promise<RowStream>;
  /** Ends what runs and frees everything that `open` took. May be called twice. */
  close(): Promise<void>;
}

export interface StreamOptions {
  readonly signal: AbortSignal;
  /** Default: all rows. */
  readonly limit?: number;
  /** The query starts with the first use of its rows, and not before, so that they have `into` where the engine offers that. */
  readonly unstarted?: boolean;
}

export interface EngineContext {
  /** By the name that queries use, ignoring case. */
  readonly connections: ReadonlyMap<string, Connection>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface EngineQuery {
  readonly template: QueryTemplate;
  /** One for every name in the template. */
  readonly parameters: ReadonlyMap<string, BoundParameter>;
}

export interface BoundParameter {
  /** Null: the engine infers the type where the parameter stands. */
  readonly type: DataType | null;
  readonly value: ParameterValue;
}

export interface QueryExplanation {
  /** The engine's plan as text. */
  readonly plan: string;
  /** What the query needs of tables that the engine does not read by itself, in the order of their names. */
  readonly scans: readonly ExplainedScan[];
}

/** What crosses the wire of one table. */
export interface ExplainedScan extends WantedRows {
  /** As `connection` or `connection.table`. */
  readonly table: string;
  /** What the source says of it: {@link TableSource.explain}. */
  readonly asked?: string;
}

export interface QueryDescription {
  readonly schema: TableSchema;
  /** The type that each parameter has in the plan; null where the engine cannot say. */
  readonly parameters: ReadonlyMap<string, DataType | null>;
  /** The tables read, as `connection` or `connection.table`, in order of their names. */
  readonly tables: readonly string[];
}
