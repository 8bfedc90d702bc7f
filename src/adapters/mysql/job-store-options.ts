import type { MysqlConnection, MysqlPool } from "./driver.js";
import { checkedPrefix } from "./ledger/ledger-place.js";
import type { LedgerSettings, LedgerSource } from "./ledger/mysql-ledger.js";
import { checkedConfig, clientSource, invalid, type MysqlConfig } from "./mysql-config.js";
import { canBeName } from "./quoted-name.js";

/** Exactly one of `url`, `config` and `pool` says how to connect. */
export interface MySqlJobStoreOptions {
  /** `mysql://user:password@host:port/database` */
  readonly url?: string;
  readonly config?: MysqlConfig;
  /**
   * The host's own pool, of `mysql2` or `mysql2/promise`, which the store never ends. Its connections are set up for each
   * act and put back as they were: a pool of the store's own, which the other two make, takes half as many round trips.
   */
  readonly pool?: object;
  /** The database that holds the ledger; made when it is not there. Default: that of the connection. */
  readonly database?: string;
  /** Begins the names of the ledger's tables. Default `millrace_`. */
  readonly tablePrefix?: string;
  /**
   * `run`: makes the ledger, and brings an older one up. `check`: refuses one that is not there or older with
   * `store_incompatible`. Default `run`.
   */
  readonly migrate?: "run" | "check";
  /** For tests: what is added to the database's time, in milliseconds. Default 0. */
  readonly clockOffsetMs?: number;
}

/** Throws `invalid_definition` naming the option that is none. */
export function ledgerSettings(options: MySqlJobStoreOptions): LedgerSettings {
  const { url, config, pool, database, tablePrefix = "millrace_", migrate = "run", clockOffsetMs = 0 } = options;
  if ([url, config, pool].filter((given) => given !== undefined).length !== 1) {
    throw invalid("url", "A ledger in MySQL needs one of url, config and pool.", "Give exactly one of them.");
  }
  if (!Number.isSafeInteger(clockOffsetMs)) {
    throw invalid("clockOffsetMs", `${clockOffsetMs} is not a number of milliseconds.`, "Give a whole number.");
  }
  if (migrate !== "run" && migrate !== "check") {
    throw invalid("migrate", `${JSON.stringify(migrate)} is no way to migrate.`, 'Give "run" or "check".');
  }
  const prefix = checkedPrefix(tablePrefix);
  const given = database === undefined ? undefined : checkedDatabase(database);
  if (pool) checkedPool(pool);
  const server = pool ? undefined : checkedConfig(configOf(options));
  return {
    ledger: `${server?.label ?? "in MySQL"} (${given === undefined ? "" : `${given}.`}${prefix}*)`,
    database: given,
    prefix,
    migrate,
    offsetMs: clockOffsetMs,
    secrets: server?.secrets ?? [],
  };
}

/** Loads the driver. */
export async function ledgerSource(options: MySqlJobStoreOptions): Promise<LedgerSource> {
  if (options.pool) return { pool: checkedPool(options.pool), isHosts: true };
  const { pool } = await clientSource(checkedConfig(configOf(options)).config);
  return { pool, isHosts: false };
}

/** Throws `invalid_definition` for a name that no database has. */
export function checkedDatabase(database: string): string {
  if (canBeName(database)) return database;
  throw invalid(
    "database",
    `${JSON.stringify(database)} is not the name of a database.`,
    "Leave it out to take that of the connection.",
  );
}

/** Throws `invalid_definition` for what is no connection of `mysql2`. */
export function checkedConnection(given: unknown): MysqlConnection {
  const connection = inner(given, "connection");
  if (isConnection(connection)) return connection;
  throw invalid(
    "transaction",
    "What was given to submit in is no connection of mysql2.",
    "Give the connection on which the transaction was begun, of mysql2 or mysql2/promise; not the pool itself.",
  );
}

function checkedPool(given: unknown): MysqlPool {
  const pool = inner(given, "pool");
  if (isPool(pool)) return pool;
  throw invalid("pool", "The pool is none of mysql2.", "Give what createPool() made.");
}

function configOf({ url, config = {} }: MySqlJobStoreOptions): MysqlConfig {
  return url === undefined ? config : { uri: url };
}

// What speaks by promises holds what speaks by callbacks.
function inner(given: unknown, name: string): unknown {
  if (typeof given !== "object" || given === null) return undefined;
  const within = (given as Readonly<Record<string, unknown>>)[name];
  return typeof within === "object" && within !== null ? within : given;
}

function isPool(given: unknown): given is MysqlPool {
  return typeof given === "object" && given !== null && "getConnection" in given && "end" in given;
}

// A pool has `execute` as well, and would take any connection for it.
function isConnection(given: unknown): given is MysqlConnection {
  if (typeof given !== "object" || given === null || "getConnection" in given) return false;
  return "execute" in given && typeof given.execute === "function" && "threadId" in given;
}
