import { JobError } from "../../model/job-error.js";
import type {
  EngineContext,
  EngineQuery,
  QueryDescription,
  QueryExplanation,
  QueryEngine,
  StreamOptions,
} from "../../ports/query-engine.js";
import type { RowStream } from "../../ports/row-stream.js";
import { DUCKDB_DIALECT } from "./dialect.js";
import { checkEngineOptions, type DuckDBEngineOptions } from "./engine-options.js";
import type { EngineSession } from "./engine-session.js";

/**
 * Runs queries in DuckDB, inside this process. The driver is loaded when the engine is opened.
 *
 * @throws JobError `invalid_definition`, with `field`, when an option is not what it should be.
 */
export class DuckDBEngine implements QueryEngine {
  readonly dialect = DUCKDB_DIALECT;
  readonly #options: DuckDBEngineOptions;
  #session: Promise<EngineSession> | undefined;

  constructor(options: DuckDBEngineOptions = {}) {
    this.#options = checkEngineOptions(options);
  }

  /** Rejects with `invalid_definition` for a connection whose name DuckDB keeps for itself. */
  async open(context: EngineContext): Promise<void> {
    if (this.#session !== undefined) throw misused("is open already");
    this.#session = openSession(this.#options, context);
    try {
      await this.#session;
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }

  async describe(query: EngineQuery, signal: AbortSignal): Promise<QueryDescription> {
    return (await this.#opened()).describe(query, signal);
  }

  async explain(query: EngineQuery, signal: AbortSignal): Promise<QueryExplanation> {
    return (await this.#opened()).explain(query, signal);
  }

  async stream(query: EngineQuery, options: StreamOptions): Promise<RowStream> {
    return (await this.#opened()).stream(query, options);
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await (await session)?.close();
  }

  async #opened(): Promise<EngineSession> {
    if (this.#session === undefined) throw misused("is not open");
    return this.#session;
  }
}

async function openSession(options: DuckDBEngineOptions, context: EngineContext): Promise<EngineSession> {
  const { EngineSession } = await import("./engine-session.js");
  return EngineSession.open(options, context);
}

function misused(state: string): JobError<"internal_error"> {
  return new JobError("internal_error", {
    message: `The engine ${state}.`,
    hint: "An engine belongs to one executor, which opens and closes it.",
  });
}
