import type { DuckDBPreparedStatement } from "@duckdb/node-api";
import { causeChain, JobError } from "../../../model/job-error.js";
import type { EngineWriter, WrittenRows } from "../../../ports/engine-target.js";
import type { EngineConnection } from "../engine-connection.js";
import { runError } from "../engine-error.js";

/** Rows that a statement can be made of. */
export interface InsertableQuery {
  /** Prepares `before (<the query, on a line of its own>) after`. */
  prepareInside(connection: EngineConnection, before: string, after: string): Promise<DuckDBPreparedStatement>;
}

type Rows = readonly Readonly<Record<string, unknown>>[];

/** Runs a target's statements, one after the other, on DuckDB's own threads. */
export class StatementWriter implements EngineWriter {
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly catalog: string,
    readonly readsTarget: boolean,
    private readonly parts: {
      readonly connection: EngineConnection;
      readonly query: InsertableQuery;
      readonly signals: readonly AbortSignal[];
      readonly explain: (error: JobError) => Promise<JobError>;
    },
  ) {}

  async execute(sql: string): Promise<void> {
    await this.read(sql);
  }

  read(sql: string): Promise<Rows> {
    return this.inTurn(() => this.parts.connection.work(sql), writeError);
  }

  writeRows(before: string, after: string): Promise<WrittenRows> {
    const { connection, query, explain } = this.parts;
    const write = async (): Promise<WrittenRows> => {
      const result = await connection.worked(await query.prepareInside(connection, before, after));
      return { rows: countIn(result), result };
    };
    return this.inTurn(write, async (thrown) => {
      const error = writeError(thrown, before.split("\n").length);
      await connection.execute("rollback").catch(() => undefined);
      return error.code === "query_failed" ? explain(error) : error;
    });
  }

  private inTurn<T>(act: () => Promise<T>, failure: (thrown: unknown) => JobError | Promise<JobError>): Promise<T> {
    const { connection, signals } = this.parts;
    const turn = this.last.then(async () => {
      try {
        return await connection.interruptible(signals, act);
      } catch (error) {
        for (const signal of signals) signal.throwIfAborted();
        throw await failure(error);
      }
    });
    this.last = turn.catch(() => undefined);
    return turn;
  }
}

/** How many rows a statement wrote: DuckDB gives it for INSERT, CREATE TABLE AS and COPY; one with statistics for each file. */
function countIn(rows: Rows): number {
  const count = rows.reduce((sum, row) => sum + Number(row["Count"] ?? row["count"]), 0);
  if (Number.isSafeInteger(count)) return count;
  throw new JobError("internal_error", {
    message: "A statement that should write a query's rows did not say how many it wrote.",
    hint: "Report this as a defect of the DuckDB adapter.",
  });
}

/** What DuckDB threw while it wrote: of its tables and files it is the destination's, otherwise the query's. */
function writeError(thrown: unknown, linesBefore = 0): JobError {
  const error = runError(thrown, linesBefore);
  if (error.code !== "query_failed") return error;
  const kind = FAILURES.find(({ pattern }) => pattern.test(causeChain(thrown)));
  if (kind === undefined) return error;
  const { hint, retryable } = kind;
  return new JobError("destination_failed", { message: error.message, hint, retryable, cause: thrown });
}

const FAILURES = [
  {
    pattern: /No space left|could not fsync|Could not (write|truncate)|Failed to write/i,
    hint: "Free some disk space. Nothing was committed.",
    retryable: true,
  },
  {
    pattern: /Constraint Error|constraint violation/i,
    hint: "Make the query's rows meet the table's constraints. Nothing was committed.",
    retryable: false,
  },
  {
    pattern: /has been invalidated/i,
    hint: "The file is opened anew for the next run. Nothing was committed.",
    retryable: true,
  },
  {
    pattern: /TransactionContext Error: (?!Current transaction is aborted)/i,
    hint: "Something else changed the same rows at the same time. Nothing was committed.",
    retryable: true,
  },
] as const;
