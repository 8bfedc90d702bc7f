import type { Connection, ConnectionCapabilities, ConnectionSnapshot, TableListing } from "../../ports/connection.js";
import type { JobDestination } from "../../ports/job-destination.js";
import type { TableSource } from "../../ports/table-source.js";
import { destinationFailure } from "./destination/destination-failure.js";
import { type DestinationServices, MysqlDestination } from "./destination/mysql-destination.js";
import { tablePlace } from "./destination/place.js";
import type { Ask } from "./mysql-client.js";
import { MysqlClients } from "./mysql-clients.js";
import { checkedConfig, clientSource, invalid, type MysqlConfig } from "./mysql-config.js";
import { listTables } from "./source/list-tables.js";
import { MysqlSnapshot } from "./source/mysql-snapshot.js";
import { MysqlSource } from "./source/mysql-source.js";
import type { MysqlReadOptions } from "./source/read-options.js";
import type { SourceServices } from "./source/read-session.js";

export interface MysqlOptions extends MysqlReadOptions {
  /** Default `read_only`. */
  readonly access?: "read_only" | "read_write";
  /**
   * How long a write waits for a lock that another transaction holds, in milliseconds, of which the server makes whole
   * seconds; 0: without end. Default 60,000.
   */
  readonly lockWaitMs?: number;
}

const LOCK_WAIT_MS = 60_000;

/**
 * The tables of a MySQL database, version 8.0.17 or later, or of a MariaDB one, 10.6 or later.
 *
 * Rows go in by LOAD DATA LOCAL inside one transaction. Proof of each commit is kept in a table `_millrace_commits`, a
 * job's state in `_millrace_state`.
 *
 * @param server a url as `mysql://user:password@host:port/database`, or a configuration as `mysql2` takes it.
 */
export function mysql(server: string | MysqlConfig, options: MysqlOptions = {}): Connection {
  const { access = "read_only", lockWaitMs = LOCK_WAIT_MS } = options;
  if (access !== "read_only" && access !== "read_write") {
    throw invalid("access", `${JSON.stringify(access)} is no access.`, 'Give "read_only" or "read_write".');
  }
  if (!Number.isSafeInteger(lockWaitMs) || lockWaitMs < 0 || lockWaitMs > 0x7fff_ffff) {
    throw invalid(
      "lockWaitMs",
      `${lockWaitMs} is not a number of milliseconds.`,
      "Give a whole number, or 0 for no end.",
    );
  }
  refuseUnknownChoice("zeroDates", options.zeroDates, ["refuse", "null"]);
  refuseUnknownChoice("tinyint1", options.tinyint1, ["integer", "boolean"]);
  refuseUnknownChoice("time", options.time, ["time", "interval"]);
  const { config, database, secrets } = checkedConfig(server);
  const clients = new MysqlClients(() => clientSource(config));
  return new MysqlDatabase({ clients, lockWaitMs, secrets, reading: options }, access, database);
}

function refuseUnknownChoice(field: keyof MysqlOptions, given: unknown, choices: readonly string[]): void {
  if (given === undefined || choices.some((choice) => choice === given)) return;
  const listed = choices.map((choice) => JSON.stringify(choice)).join(" or ");
  throw invalid(field, `${JSON.stringify(given)} is no choice for ${field}.`, `Give ${listed}.`);
}

class MysqlDatabase implements Connection {
  readonly capabilities: ConnectionCapabilities;

  constructor(
    private readonly services: DestinationServices & SourceServices,
    access: NonNullable<MysqlOptions["access"]>,
    private readonly database: string,
  ) {
    this.capabilities = {
      kind: "mysql",
      read: true,
      tables: "qualified",
      ...(access === "read_only"
        ? { write: "read_only", writeHint: 'Open it with mysql(url, { access: "read_write" }).' }
        : { write: "transactional" }),
    };
  }

  get secrets(): readonly string[] {
    return this.services.secrets;
  }

  /** A table's name, with its database before a dot where that is another: `orders`, `sales.orders`. Views too. */
  source(table: string): TableSource | undefined {
    const place = tablePlace(table, this.database);
    return place && new MysqlSource(this.services, place);
  }

  snapshot(tables: readonly string[], signal: AbortSignal): Promise<ConnectionSnapshot> {
    const places = tables.flatMap((table) => tablePlace(table, this.database) ?? []);
    return MysqlSnapshot.open(this.services, places, signal);
  }

  /** As {@link source}, without views. */
  destination(table: string): JobDestination | undefined {
    const place = tablePlace(table, this.database);
    return place && new MysqlDestination(this.services, place);
  }

  /** The tables and views of the connection's own database, and of no other. */
  listTables(signal: AbortSignal): Promise<readonly TableListing[]> {
    return this.#asked(signal, (ask) => listTables(ask, this.database));
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#asked(signal, (ask) => ask("select 1"));
  }

  close(): Promise<void> {
    return this.services.clients.close();
  }

  async #asked<T>(signal: AbortSignal, act: (ask: Ask) => Promise<T>): Promise<T> {
    try {
      return await this.services.clients.use(signal, (client) => act(client.rows));
    } catch (error) {
      signal.throwIfAborted();
      throw destinationFailure(error, { code: "connection_unavailable" }, this.services.secrets);
    }
  }
}
