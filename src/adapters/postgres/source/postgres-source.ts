import type { RecordBatch } from "apache-arrow";
import { JobError } from "../../../model/job-error.js";
import type { TableSchema } from "../../../model/table-schema.js";
import type { ConnectionSnapshot } from "../../../ports/connection.js";
import type { ScanRequest, TableSource, WantedRows } from "../../../ports/table-source.js";
import { copying, ReadSession, type SourceServices } from "./read-session.js";
import { type ReadableTable, readableTable, schemaOf } from "./readable-table.js";
import { asking } from "../statement-answer.js";
import { selectRows } from "./select-rows.js";
import { sourceFailure } from "./source-failure.js";
import type { ReadOptions } from "./wire-column.js";

/** A table by the name that a query gives it. */
export interface SourcePlace {
  readonly label: string;
  /** Quoted, with its schema where one was given, as SQL text. */
  readonly name: string;
}

/** One table or view, for reading. Arrow is loaded by the first scan. */
export class PostgresSource implements TableSource {
  constructor(
    private readonly services: SourceServices,
    private readonly place: SourcePlace,
    private readonly options: ReadOptions,
  ) {}

  async schema(signal: AbortSignal): Promise<TableSchema | null> {
    const table = await this.#look(signal);
    return table && schemaOf(table);
  }

  async *scan(request: ScanRequest): AsyncGenerator<RecordBatch, void, undefined> {
    const snapshot = await PostgresSnapshot.open(this.services, this.options, request.signal);
    try {
      yield* snapshot.scanPlace(this.place, request);
    } finally {
      await snapshot.close();
    }
  }

  async explain(wanted: WantedRows, signal: AbortSignal): Promise<string> {
    const table = (await this.#look(signal)) ?? gone(this.place);
    return copying(selectRows(table, wanted, this.place.label).text);
  }

  async #look(signal: AbortSignal): Promise<ReadableTable | null> {
    const { services, place, options } = this;
    try {
      return await services.clients.use(signal, (client) => readableTable(asking(client), place.name, options));
    } catch (error) {
      signal.throwIfAborted();
      throw sourceFailure(error, "connecting", place.label, services.secrets);
    }
  }
}

/** One moment of a database. */
export class PostgresSnapshot implements ConnectionSnapshot {
  private constructor(
    private readonly session: ReadSession,
    private readonly options: ReadOptions,
    private readonly find: (table: string) => SourcePlace | undefined,
  ) {}

  static async open(
    services: SourceServices,
    options: ReadOptions,
    signal: AbortSignal,
    find: (table: string) => SourcePlace | undefined = () => undefined,
  ): Promise<PostgresSnapshot> {
    return new PostgresSnapshot(await ReadSession.begin(services, signal), options, find);
  }

  scan(table: string, request: ScanRequest): AsyncIterable<RecordBatch> {
    const place = this.find(table);
    if (place === undefined) throw new TypeError(`${table} is no name of a table`);
    return this.scanPlace(place, request);
  }

  async *scanPlace(place: SourcePlace, request: ScanRequest): AsyncGenerator<RecordBatch, void, undefined> {
    const { session, options } = this;
    const { scanTable } = await import("./scan-table.js");
    const table = await session.ask(request.signal, place.label, async (ask) => {
      // From here on nobody changes the table, nor takes its rows away, until the transaction ends.
      if ((await ask("select to_regclass($1) as oid", place.name))[0]?.["oid"] != null) {
        await ask(`select from ${place.name} limit 0`);
      }
      return readableTable(ask, place.name, options);
    });
    if (table === null) return gone(place);
    if (table.isReplaced) throw replaced(place);
    yield* scanTable(session, table, place.label, request);
  }

  close(): Promise<void> {
    return this.session.close();
  }
}

function gone({ label }: SourcePlace): never {
  throw new JobError("query_failed", {
    message: `The table ${label} is not there, or gives no rows.`,
    hint: "It may have been dropped since the query was planned.",
    table: label,
  });
}

function replaced({ label }: SourcePlace): JobError {
  return new JobError("query_failed", {
    message: `The rows of ${label} were taken away or rewritten (TRUNCATE, ALTER TABLE) after the query began to read.`,
    hint: "Run the query again.",
    retryable: true,
    table: label,
  });
}
