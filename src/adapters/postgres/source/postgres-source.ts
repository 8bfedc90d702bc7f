import type { RecordBatch } from "apache-arrow";
import { JobError } from "../../../model/job-error.js";
import type { TableSchema } from "../../../model/table-schema.js";
import type { ConnectionSnapshot } from "../../../ports/connection.js";
import type { ScanRequest, TableSource, WantedRows } from "../../../ports/table-source.js";
import { copying, ReadSession, type SourceServices } from "./read-session.js";
import { type ReadableTable, readableTable, schemaOf } from "./readable-table.js";
import { type Ask, asking } from "../statement-answer.js";
import { changedTable } from "./changed-tables.js";
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
  readonly givesBatchesAway = true;

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
    const { services, place, options } = this;
    const snapshot = await PostgresSnapshot.open(services, options, [place], request.signal);
    try {
      yield* snapshot.scan(place.label, request);
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

/** One moment of a database, and tables that nobody changes until it is over. */
export class PostgresSnapshot implements ConnectionSnapshot {
  private constructor(
    private readonly session: ReadSession,
    private readonly options: ReadOptions,
    private readonly places: readonly SourcePlace[],
  ) {}

  static async open(
    services: SourceServices,
    options: ReadOptions,
    places: readonly SourcePlace[],
    signal: AbortSignal,
  ): Promise<PostgresSnapshot> {
    const session = await ReadSession.begin(services, signal);
    for (const place of places) await session.ask(signal, place.label, (ask) => hold(ask, place));
    return new PostgresSnapshot(session, options, places);
  }

  async *scan(table: string, request: ScanRequest): AsyncGenerator<RecordBatch, void, undefined> {
    const { session, options } = this;
    const place = this.places.find(({ label }) => label === table);
    if (place === undefined) throw new TypeError(`the snapshot was not taken for ${table}`);
    const { scanTable } = await import("./scan-table.js");
    const found = await session.ask(request.signal, table, (ask) => readableTable(ask, place.name, options));
    if (found === null) return gone(place);
    yield* scanTable(session, found, table, request);
    const changed = await session.ask(request.signal, table, changedTable);
    if (changed !== undefined) throw changedSince(place, changed);
  }

  close(): Promise<void> {
    return this.session.close();
  }
}

/**
 * Waits for those who change the table or what is read with it: its partitions and children, the tables of a view. From then
 * on nobody changes them, nor takes their rows away, until the transaction ends. Rights to single columns are enough for it.
 */
async function hold(ask: Ask, { name }: SourcePlace): Promise<void> {
  const [found] = await ask("select to_regclass($1) as oid", name);
  if (found?.["oid"] != null) await ask(`select from ${name} limit 0`);
}

function gone({ label }: SourcePlace): never {
  throw new JobError("query_failed", {
    message: `The table ${label} is not there, or gives no rows.`,
    hint: "It may have been dropped since the query was planned.",
    table: label,
  });
}

function changedSince({ label }: SourcePlace, changed: string): JobError<"query_failed"> {
  return new JobError("query_failed", {
    message: `The table or view ${changed} was changed (TRUNCATE, ALTER TABLE, CREATE OR REPLACE VIEW) after the query began to read.`,
    hint: "Run the query again.",
    retryable: true,
    table: label,
  });
}
