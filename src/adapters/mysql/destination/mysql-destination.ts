import type { DataType } from "../../../model/data-type.js";
import { JobError } from "../../../model/job-error.js";
import type { JsonValue } from "../../../model/json.js";
import type { StorageAnswer } from "../../../model/lossless-storage.js";
import type { Column, TableSchema } from "../../../model/table-schema.js";
import type { CommitId, WriteMode } from "../../../model/write-mode.js";
import type { Settlement, WriteRequest } from "../../../ports/job-destination.js";
import { type OpenWrite, ServerDestination } from "../../sql/server-destination.js";
import type { MysqlClient } from "../mysql-client.js";
import type { MysqlClients } from "../mysql-clients.js";
import { readTableShape } from "../table-shape.js";
import { mysqlStorage } from "./column-storage.js";
import { settleCommit } from "./commit-log.js";
import { destinationFailure, type FailedAct } from "./destination-failure.js";
import { readState } from "./job-state.js";
import { dropIfEmpty } from "./made-table.js";
import { makeOwnTables } from "./own-tables.js";
import type { TablePlace } from "./place.js";
import { tableDefinition } from "./table-definition.js";
import { TableLoad } from "./table-load.js";
import { WriteSession } from "./write-session.js";

/** What the destinations of one connection share. */
export interface DestinationServices {
  readonly clients: MysqlClients;
  readonly lockWaitMs: number;
  /** In no message. */
  readonly secrets: readonly string[];
}

/** One table of a MySQL or MariaDB database. */
export class MysqlDestination extends ServerDestination {
  constructor(
    private readonly services: DestinationServices,
    private readonly place: TablePlace,
  ) {
    super();
  }

  schema(signal: AbortSignal): Promise<TableSchema | null> {
    return this.ask(signal, async (client) => {
      const [server] = await client.rows("select @@global.local_infile = 1 as loads");
      if (server?.["loads"] !== "1") throw noLoading();
      return (await readTableShape(client.rows, this.place))?.schema ?? null;
    });
  }

  readState(key: string, signal: AbortSignal): Promise<JsonValue | null> {
    return this.ask(signal, (client) => readState(client, this.place.own, this.place.label, key));
  }

  storage(type: DataType, column: Column | null): StorageAnswer {
    return mysqlStorage(type, column);
  }

  tableDefinition(schema: TableSchema, mode: WriteMode): string {
    return tableDefinition(this.place.name, schema, mode);
  }

  protected open(request: WriteRequest): OpenWrite {
    const { clients, lockWaitMs } = this.services;
    const session = new WriteSession(clients, request.signal, lockWaitMs, (error, when) => {
      return this.failure(error, when === "connecting" ? "connection_unavailable" : "destination_failed");
    });
    const load = new TableLoad(session, this.place, request, () => this.prepare(request));
    return {
      transaction: session,
      load,
      afterFailure: async ({ commitWasTried }) => {
        if (load.hasMadeTable && !commitWasTried) await this.takeBack();
      },
    };
  }

  protected settle(commitId: CommitId, signal: AbortSignal): Promise<Settlement> {
    return this.ask(signal, (client) => settleCommit(client, this.place.own, commitId));
  }

  /** Where that cannot be done, an empty table stays. */
  private async takeBack(): Promise<void> {
    const { signal } = new AbortController();
    await this.services.clients.use(signal, (client) => dropIfEmpty(client, this.place)).catch(() => undefined);
  }

  private prepare({ signal, state }: WriteRequest): Promise<void> {
    const wanted = state === undefined ? (["commits"] as const) : (["commits", "state"] as const);
    return this.ask(signal, (client) => makeOwnTables(client, this.place.own, wanted));
  }

  private async ask<T>(signal: AbortSignal, work: (client: MysqlClient) => Promise<T>): Promise<T> {
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

function noLoading(): JobError {
  return new JobError("connection_unavailable", {
    message: "The server takes no LOAD DATA LOCAL, by which rows go in.",
    hint: "Set global local_infile = 1 at the server.",
    retryable: false,
  });
}
