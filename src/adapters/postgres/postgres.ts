import type { Connection, ConnectionCapabilities, ConnectionSnapshot, TableListing } from "../../ports/connection.js";
import type { JobDestination } from "../../ports/job-destination.js";
import type { TableSource } from "../../ports/table-source.js";
import { clientSource, configOf, type PostgresServer } from "./client-source.js";
import { PostgresClients } from "./clients.js";
import { destinationFailure } from "./destination/destination-failure.js";
import { tablePlace } from "./destination/place.js";
import { type DestinationServices, PostgresDestination } from "./destination/postgres-destination.js";
import { invalid, secretsOf, urlOf } from "./job-store-options.js";
import { type Ask, asking } from "./statement-answer.js";
import { canBeName } from "./quoted-name.js";
import { listTables } from "./source/list-tables.js";
import { PostgresSnapshot, PostgresSource } from "./source/postgres-source.js";
import type { ReadOptions } from "./source/wire-column.js";

export interface PostgresOptions {
  /** Default `read_only`. */
  readonly access?: "read_only" | "read_write";
  /** Where tables are whose name comes without a schema, and Millrace's own. Default: what the search path finds. */
  readonly schema?: string;
  /**
   * How long a write or a scan waits for a lock that another transaction holds, in milliseconds; 0: without end. Default
   * 60,000.
   */
  readonly lockWaitMs?: number;
  /**
   * What a `numeric` of no precision, or of more than 38 digits, is read as: a value that does not fit fails the query, by
   * the column's name. Default: text with all digits.
   */
  readonly unboundedNumeric?: { readonly precision: number; readonly scale: number };
}

const LOCK_WAIT_MS = 60_000;

/**
 * The tables of a Postgres database, version 14 or later.
 *
 * Rows come by binary COPY, all tables of a query from one moment, and only what the query needs of them. Rows go in by
 * binary COPY inside one transaction. Proof of each commit is kept in a table `_millrace_commits`, a job's
 * state in `_millrace_state`.
 *
 * @param server a url as `postgres://user:password@host:port/database`; a configuration as `pg` takes it; or the host's own
 * pool, which is never ended.
 */
export function postgres(server: PostgresServer, options: PostgresOptions = {}): Connection {
  const { access = "read_only", schema, lockWaitMs = LOCK_WAIT_MS, unboundedNumeric } = options;
  if (access !== "read_only" && access !== "read_write") {
    throw invalid("access", `${JSON.stringify(access)} is no access.`, 'Give "read_only" or "read_write".');
  }
  if (schema !== undefined && !canBeName(schema)) {
    throw invalid(
      "schema",
      `${JSON.stringify(schema)} is not the name of a schema.`,
      "Leave it out to take the search path's.",
    );
  }
  if (!Number.isSafeInteger(lockWaitMs) || lockWaitMs < 0 || lockWaitMs > 0x7fff_ffff) {
    throw invalid(
      "lockWaitMs",
      `${lockWaitMs} is not a number of milliseconds.`,
      "Give a whole number, or 0 for no end.",
    );
  }
  if (unboundedNumeric !== undefined && !isDecimal(unboundedNumeric)) {
    throw invalid(
      "unboundedNumeric",
      "unboundedNumeric is no precision and scale.",
      "Give { precision, scale }: at most 38 digits, of which scale are behind the point.",
    );
  }
  const config = configOf(server);
  const secrets = secretsOf(urlOf(config.connectionString), config);
  const clients = new PostgresClients(() => clientSource(server));
  return new PostgresConnection({ clients, lockWaitMs, secrets }, access, schema, {
    ...(unboundedNumeric !== undefined && { unboundedNumeric }),
  });
}

function isDecimal({ precision, scale }: NonNullable<ReadOptions["unboundedNumeric"]>): boolean {
  if (!Number.isInteger(precision) || !Number.isInteger(scale)) return false;
  return precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision;
}

class PostgresConnection implements Connection {
  readonly capabilities: ConnectionCapabilities;

  constructor(
    private readonly services: DestinationServices,
    access: NonNullable<PostgresOptions["access"]>,
    private readonly schema: string | undefined,
    private readonly options: ReadOptions,
  ) {
    this.capabilities = {
      kind: "postgres",
      read: true,
      tables: "qualified",
      ...(access === "read_only"
        ? { write: "read_only", writeHint: 'Open it with postgres(url, { access: "read_write" }).' }
        : { write: "transactional" }),
    };
  }

  get secrets(): readonly string[] {
    return this.services.secrets;
  }

  /** As {@link destination}; a view, or a foreign table, is read likewise. */
  source(table: string): TableSource | undefined {
    const place = tablePlace(table, this.schema);
    return place && new PostgresSource(this.services, place, this.options);
  }

  snapshot(tables: readonly string[], signal: AbortSignal): Promise<ConnectionSnapshot> {
    const places = tables.flatMap((table) => tablePlace(table, this.schema) ?? []);
    return PostgresSnapshot.open(this.services, this.options, places, signal);
  }

  /** A table's name, with its schema before a dot where it has one: `orders`, `sales.orders`. */
  destination(table: string): JobDestination | undefined {
    const place = tablePlace(table, this.schema);
    return place && new PostgresDestination(this.services, place);
  }

  /**
   * What this user may read: tables, views, foreign tables. Partitions are not listed beside the table they are part of. A
   * name comes without its schema where that is the connection's, or where the search path finds it.
   */
  listTables(signal: AbortSignal): Promise<readonly TableListing[]> {
    return this.#asked(signal, (ask) => listTables(ask, this.schema));
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#asked(signal, (ask) => ask("select 1"));
  }

  close(): Promise<void> {
    return this.services.clients.close();
  }

  async #asked<T>(signal: AbortSignal, act: (ask: Ask) => Promise<T>): Promise<T> {
    try {
      return await this.services.clients.use(signal, (client) => act(asking(client)));
    } catch (error) {
      signal.throwIfAborted();
      throw destinationFailure(error, { code: "connection_unavailable" }, this.services.secrets);
    }
  }
}
