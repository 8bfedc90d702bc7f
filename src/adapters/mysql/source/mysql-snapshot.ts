import type { RecordBatch } from "apache-arrow";
import type { ConnectionSnapshot } from "../../../ports/connection.js";
import type { ScanRequest } from "../../../ports/table-source.js";
import { Arrivals } from "../../sql/arrivals.js";
import type { TablePlace } from "../destination/place.js";
import { changedColumns, goneTable, warned } from "./read-failure.js";
import { ReadSession, type SourceServices } from "./read-session.js";
import { readTable } from "./read-table.js";
import { scanStatement } from "./scan-statement.js";

/** Batches that wait here: with more of them the server waits. */
const MOST_WAITING = 2;

/**
 * One moment of a server, and tables that nobody changes until it is over. The moment is that of the first row that is read,
 * behind the locks: after it, a partition could be dropped with its rows, and nobody would be told.
 */
export class MysqlSnapshot implements ConnectionSnapshot {
  private constructor(
    private readonly services: SourceServices,
    private readonly session: ReadSession,
    private readonly places: readonly TablePlace[],
  ) {}

  static async open(
    services: SourceServices,
    places: readonly TablePlace[],
    signal: AbortSignal,
  ): Promise<MysqlSnapshot> {
    const session = await ReadSession.open(services, signal);
    try {
      for (const { name } of places) await session.keep(name);
    } catch (error) {
      session.end();
      throw error;
    }
    return new MysqlSnapshot(services, session, places);
  }

  async *scan(table: string, request: ScanRequest): AsyncGenerator<RecordBatch, void, undefined> {
    const place = this.places.find(({ label }) => label === table);
    if (place === undefined) throw new TypeError(`the snapshot was not taken for ${table}`);
    const { session } = this;
    const signal = AbortSignal.any([session.signal, request.signal]);
    signal.throwIfAborted();
    const onAbort = (): void => session.end();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      yield* this.rows(place, request, signal);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  close(): Promise<void> {
    return this.session.close();
  }

  private async *rows(
    place: TablePlace,
    { columns: names, filters, limit }: ScanRequest,
    signal: AbortSignal,
  ): AsyncGenerator<RecordBatch, void, undefined> {
    const { session } = this;
    const { BatchTaker } = await import("./batch-taker.js");
    const table = await readTable(session.query, place, this.services.reading);
    if (table === null) throw goneTable(place);
    const found = names.map((name) => table.columns.find((column) => column.name === name) ?? name);
    const lost = found.filter((column) => typeof column === "string");
    if (lost.length > 0) throw changedColumns(place, lost);
    const columns = found.filter((column) => typeof column !== "string");
    const wanted = { columns: names, ...(filters && { filters }), ...(limit !== undefined && { limit }) };
    const { text, values } = scanStatement(place, table, wanted);

    const arrivals = new Arrivals<RecordBatch>();
    const onAbort = (): void => arrivals.fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    let waiting = 0;
    let isLeft = false;
    const taker = new BatchTaker(place, columns, (batch) => {
      if (isLeft) return;
      waiting += 1;
      if (waiting > MOST_WAITING) session.hold();
      arrivals.push(batch);
    });
    const answered = session.takeRows(text, values, taker).then((warnings) => {
      if (warnings > 0) throw warned(place, warnings);
      taker.finish();
    });
    answered.then(
      () => arrivals.end(),
      (error: unknown) => arrivals.fail(error),
    );
    try {
      for (let batch = await arrivals.next(); batch; batch = await arrivals.next()) {
        waiting -= 1;
        if (waiting === MOST_WAITING) session.goOn();
        yield batch;
      }
    } finally {
      isLeft = true;
      signal.removeEventListener("abort", onAbort);
      if (!arrivals.isComplete && !session.isBroken) await session.endQuery(answered);
    }
  }
}
