import type { DataType } from "../../../model/data-type.js";
import type { JsonValue } from "../../../model/json.js";
import type { StorageAnswer } from "../../../model/lossless-storage.js";
import type { Column, TableSchema } from "../../../model/table-schema.js";
import type { CommitId, CommitReceipt, WriteMode } from "../../../model/write-mode.js";
import type {
  CommitPermit,
  DestinationCapabilities,
  JobDestination,
  Settlement,
  WriteRequest,
} from "../../../ports/job-destination.js";
import type { RowStream } from "../../../ports/row-stream.js";
import type { PostgresClients } from "../clients.js";
import type { PooledPostgresClient } from "../driver.js";
import { asking } from "../statement-answer.js";
import { readTableShape } from "../table-shape.js";
import { postgresStorage } from "./column-storage.js";
import { settleCommit } from "./commit-log.js";
import { destinationFailure, type FailedAct } from "./destination-failure.js";
import { readState } from "./job-state.js";
import { makeOwnTables } from "./own-tables.js";
import type { TablePlace } from "./place.js";
import { tableDefinition } from "./table-definition.js";
import { TableLoad } from "./table-load.js";
import { WriteSession } from "./write-session.js";

/** What the destinations of one connection share. */
export interface DestinationServices {
  readonly clients: PostgresClients;
  readonly lockWaitMs: number;
  /** In no message. */
  readonly secrets: readonly string[];
}

/** One table of a Postgres database. A write is one transaction, from its own commit row to its last row. */
export class PostgresDestination implements JobDestination {
  readonly capabilities: DestinationCapabilities = {
    modes: ["append", "overwrite", "upsert", "deleteInsert", "insertOnly"],
    createsTable: "on_request",
    commitFence: "fenced",
    state: true,
  };

  constructor(
    private readonly services: DestinationServices,
    private readonly place: TablePlace,
  ) {}

  schema(signal: AbortSignal): Promise<TableSchema | null> {
    return this.ask(signal, async (client) => (await readTableShape(asking(client), this.place.name))?.schema ?? null);
  }

  readState(key: string, signal: AbortSignal): Promise<JsonValue | null> {
    return this.ask(signal, (client) => readState(asking(client), this.place.own, this.place.label, key));
  }

  storage(type: DataType, column: Column | null): StorageAnswer {
    return postgresStorage(type, column);
  }

  tableDefinition(schema: TableSchema, mode: WriteMode): string {
    return tableDefinition(this.place.name, schema, mode);
  }

  async write(rows: RowStream, request: WriteRequest): Promise<CommitReceipt> {
    const { clients, lockWaitMs } = this.services;
    const session = new WriteSession(clients, request.signal, lockWaitMs, (error, when) => {
      return this.failure(error, when === "connecting" ? "connection_unavailable" : "destination_failed");
    });
    const load = new TableLoad(session, this.place, request, () => this.prepare(request));
    let permit: CommitPermit;
    let rowsWritten: number;
    try {
      let bytes = 0;
      for await (const batch of rows) {
        await load.take(batch);
        request.onProgress(load.rows, (bytes += batch.data.byteLength));
      }
      rowsWritten = await load.stage();
      permit = await request.permit({ rowsStaged: load.rows });
      session.pastStopping();
      await this.commit(session, request.commitId);
    } catch (error) {
      await session.abandon();
      throw error;
    }
    return permit.committed({ rowsWritten });
  }

  async settleCommit(commitId: CommitId, signal: AbortSignal): Promise<Settlement> {
    try {
      return await this.ask(signal, (client) => settleCommit(client, this.place.own, commitId));
    } catch (error) {
      signal.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      return { state: "in_doubt", reason: `the server cannot be asked: ${reason}` };
    }
  }

  /** An answer that is lost, or none, does not tell what became of the commit: the server is asked anew. */
  private async commit(session: WriteSession, commitId: CommitId): Promise<void> {
    try {
      await session.commit();
    } catch (error) {
      const settled = await this.settleCommit(commitId, new AbortController().signal);
      if (settled.state !== "committed") throw error;
    }
  }

  private prepare({ signal, state }: WriteRequest): Promise<void> {
    const wanted = state === undefined ? (["commits"] as const) : (["commits", "state"] as const);
    return this.ask(signal, (client) => makeOwnTables(client, this.place.own, wanted));
  }

  private async ask<T>(signal: AbortSignal, work: (client: PooledPostgresClient) => Promise<T>): Promise<T> {
    try {
      return await this.services.clients.use(signal, work);
    } catch (error) {
      signal.throwIfAborted();
      throw this.failure(error, "connection_unavailable");
    }
  }

  private failure(error: unknown, code: FailedAct["code"]): unknown {
    return destinationFailure(error, { code, table: this.place.label }, this.services.secrets);
  }
}
