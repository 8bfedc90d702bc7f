import { JobError } from "../../model/job-error.js";
import type { EngineContext, EngineQuery, QueryDescription, QueryEngine } from "../../ports/query-engine.js";
import type { RowStream } from "../../ports/row-stream.js";
import { checkEngineOptions, type DuckDBEngineOptions } from "./engine-options.js";
import { DUCKDB_DIALECT } from "./dialect.js";
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

  async open(context: EngineContext): Promise<void> {
    if (this.#session !== undefined) throw notOpen("is open already");
    this.#session = openSession(this.#options, context, this.dialect);
    await this.#session;
  }

  async describe(query: EngineQuery, signal: AbortSignal): Promise<QueryDescription> {
    return (await this.#opened()).describe(query, signal);
  }

  async explain(_query: EngineQuery, _signal: AbortSignal): Promise<string> {
    throw new Error("not yet");
  }

  async stream(
    query: EngineQuery,
    options: { readonly signal: AbortSignal; readonly limit?: number },
  ): Promise<RowStream> {
    return (await this.#opened()).stream(query, options);
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    session?.close();
  }

  async #opened(): Promise<EngineSession> {
    if (this.#session === undefined) throw notOpen("is not open");
    return this.#session;
  }
}

async function openSession(options: DuckDBEngineOptions, context: EngineContext, dialect: string): Promise<EngineSession> {
  const { EngineSession } = await import("./engine-session.js");
  return EngineSession.open(options, context, dialect);
}

function notOpen(state: string): JobError<"internal_error"> {
  return new JobError("internal_error", {
    message: `The engine ${state}.`,
    hint: "An engine belongs to one executor, which opens and closes it.",
  });
}
