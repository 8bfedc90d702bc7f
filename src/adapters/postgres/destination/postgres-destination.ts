import type { DataType } from "../../../model/data-type.js";
import type { JsonValue } from "../../../model/json.js";
import type { StorageAnswer } from "../../../model/lossless-storage.js";
import type { Column, TableSchema } from "../../../model/table-schema.js";
import type { CommitId, WriteMode } from "../../../model/write-mode.js";
import type { Settlement, WriteRequest } from "../../../ports/job-destination.js";
import { type OpenWrite, ServerDestination } from "../../sql/server-destination.js";
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

/** One table of a Postgres database. */
export class PostgresDestination extends ServerDestination {
  constructor(
    private readonly services: DestinationServices,
    private readonly place: TablePlace,
  ) {
    super();
  }

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

  protected open(request: WriteRequest): OpenWrite {
    const { clients, lockWaitMs } = this.services;
    const session = new WriteSession(clients, request.signal, lockWaitMs, (error, when) => {
      return this.failure(error, when === "connecting" ? "connection_unavailable" : "destination_failed");
    });
    return { transaction: session, load: new TableLoad(session, this.place, request, () => this.prepare(request)) };
  }

  protected settle(commitId: CommitId, signal: AbortSignal): Promise<Settlement> {
    return this.ask(signal, (client) => settleCommit(client, this.place.own, commitId));
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
