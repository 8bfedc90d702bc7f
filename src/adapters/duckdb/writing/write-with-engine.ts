import type { RecordBatch } from "apache-arrow";
import type { CommitReceipt } from "../../../model/write-mode.js";
import type { EngineWriter } from "../../../ports/engine-target.js";
import type { WriteRequest } from "../../../ports/job-destination.js";
import type { RowStream } from "../../../ports/row-stream.js";
import type { ConnectionInstance } from "../connection-instance.js";
import { DUCKDB_DIALECT } from "../dialect.js";
import type { EngineHost } from "../engine-host.js";
import { writeTarget } from "./write-target.js";

/** A table that DuckDB writes by itself, whichever door its rows come by. */
export interface WriteTarget {
  readonly attach?: { readonly path: string };
  /** Writes all rows, asks for the permit, commits. What it leaves open is rolled back. */
  write(writer: EngineWriter, permit: WriteRequest["permit"]): Promise<CommitReceipt>;
}

/**
 * Writes rows by the statements of one target. A query of the engine that the connection belongs to is written by the engine
 * itself; other rows are first laid into a working table, which then is the query.
 */
export async function writeWithEngine(
  rows: RowStream,
  request: WriteRequest,
  instance: ConnectionInstance,
  target: WriteTarget,
): Promise<CommitReceipt> {
  const { attach } = target;
  if (rows.dialect === DUCKDB_DIALECT && rows.into !== undefined && instance.isJoined) {
    const write = (writer: EngineWriter): Promise<CommitReceipt> => {
      return target.write(reporting(writer, request), request.permit);
    };
    return rows.into({ dialect: DUCKDB_DIALECT, ...(attach && { attach }), write });
  }
  const interruption = new Interruption(request);
  try {
    return await instance.useToTheEnd((host) => writeBatches(rows, request, host, target, interruption));
  } finally {
    interruption.end();
  }
}

async function writeBatches(
  rows: RowStream,
  request: WriteRequest,
  { database, files, tables }: EngineHost,
  target: WriteTarget,
  interruption: Interruption,
): Promise<CommitReceipt> {
  const { signal } = interruption;
  signal.throwIfAborted();
  const connection = await database.connect();
  try {
    const table = await tables.create(connection, rows.schema);
    try {
      let rowsTaken = 0;
      let bytesTaken = 0;
      const onBatch = (batch: RecordBatch): void =>
        request.onProgress((rowsTaken += batch.numRows), (bytesTaken += batch.data.byteLength));
      await tables.append(connection, table, rows, signal, { areOurs: true, onBatch });
      const query = {
        prepareInside: (own: typeof connection, before: string, after: string) => {
          return own.prepare(`${before} (\nfrom ${table}\n) ${after}`);
        },
      };
      const explain = (error: Error): never => {
        throw error;
      };
      const parts = { connection, files, query, signals: [signal], explain };
      const { attach } = target;
      const write = (writer: EngineWriter): Promise<CommitReceipt> => target.write(writer, interruption.permit);
      return await writeTarget({ dialect: DUCKDB_DIALECT, ...(attach && { attach }), write }, parts);
    } finally {
      await tables.drop(table);
    }
  } finally {
    database.release(connection);
  }
}

/** A writer whose rows are reported: in one number, since they never pass here. */
function reporting(writer: EngineWriter, request: WriteRequest): EngineWriter {
  return {
    catalog: writer.catalog,
    readsTarget: writer.readsTarget,
    execute: (sql) => writer.execute(sql),
    read: (sql) => writer.read(sql),
    writeRows: async (before, after) => {
      const written = await writer.writeRows(before, after);
      request.onProgress(written.rows);
      return written;
    },
  };
}

/** A request's signal until its permit is granted. An abort that comes later comes too late. */
class Interruption {
  private readonly controller = new AbortController();
  readonly signal = this.controller.signal;

  constructor(private readonly request: WriteRequest) {
    request.signal.addEventListener("abort", this.abort, { once: true });
    if (request.signal.aborted) this.abort();
  }

  readonly permit: WriteRequest["permit"] = async (staged) => {
    const permit = await this.request.permit(staged);
    this.end();
    return permit;
  };

  end(): void {
    this.request.signal.removeEventListener("abort", this.abort);
  }

  private readonly abort = (): void => this.controller.abort(this.request.signal.reason);
}
