import { JobError } from "../../model/job-error.js";
import type { PostgresClient, PostgresPool } from "./driver.js";
import type { LedgerSettings, LedgerSource } from "./ledger/postgres-ledger.js";
import { checkedPrefix, checkedSchema } from "./ledger/ledger-place.js";

/** How to connect, as `pg` takes it; what is not listed here is passed on too. */
export interface PostgresConfig {
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  readonly password?: string | (() => string | Promise<string>);
  readonly ssl?: boolean | object;
  readonly connectionString?: string;
  /** How many connections the store keeps at most, beside the one that listens. Default 8. */
  readonly max?: number;
  readonly [option: string]: unknown;
}

/** Exactly one of `url`, `config` and `pool` says how to connect. */
export interface PostgresJobStoreOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url?: string;
  readonly config?: PostgresConfig;
  /** The host's own pool, which the store never ends. The store makes one more connection like the pool's, to listen. */
  readonly pool?: PostgresPool;
  /** Made when it is not there. Default: the first schema of the search path. */
  readonly schema?: string;
  /** Begins the names of the ledger's tables and indexes. Default `millrace_`. */
  readonly tablePrefix?: string;
  /**
   * `run`: makes the ledger, and brings an older one up. `check`: refuses one that is not there or older with
   * `store_incompatible`. Default `run`.
   */
  readonly migrate?: "run" | "check";
  /** For tests: what is added to the database's time, in milliseconds. Default 0. */
  readonly clockOffsetMs?: number;
}

const LARGEST_POOL = 8;
const CONNECT_MS = 10_000;

/** Throws `invalid_definition` naming the option that is none. */
export function ledgerSettings(options: PostgresJobStoreOptions): LedgerSettings {
  const { url, config, pool, schema, tablePrefix = "millrace_", migrate = "run", clockOffsetMs = 0 } = options;
  if ([url, config, pool].filter((given) => given !== undefined).length !== 1) {
    throw invalid("url", "A ledger in Postgres needs one of url, config and pool.", "Give exactly one of them.");
  }
  if (!Number.isSafeInteger(clockOffsetMs)) {
    throw invalid("clockOffsetMs", `${clockOffsetMs} is not a number of milliseconds.`, "Give a whole number.");
  }
  if (migrate !== "run" && migrate !== "check") {
    throw invalid("migrate", `${JSON.stringify(migrate)} is no way to migrate.`, 'Give "run" or "check".');
  }
  const parsed = urlOf(url ?? config?.connectionString);
  const prefix = checkedPrefix(tablePrefix);
  const place = `${schema === undefined ? "" : `${checkedSchema(schema)}.`}${prefix}*`;
  return {
    ledger: `${parsed ? `postgres://${parsed.host}${parsed.pathname}` : (config?.host ?? "in Postgres")} (${place})`,
    schema,
    prefix,
    migrate,
    offsetMs: clockOffsetMs,
    secrets: secretsOf(parsed, config),
  };
}

/** Loads the driver. */
export async function ledgerSource({ url, config, pool }: PostgresJobStoreOptions): Promise<LedgerSource> {
  const { default: pg } = await import("pg");
  const bounds = { connectionTimeoutMillis: CONNECT_MS, keepAlive: true, application_name: "millrace" };
  if (pool) {
    const listening = { ...bounds, ...copyOf(pool.options) };
    return { pool, makeListener: () => new pg.Client(listening), end: () => Promise.resolve() };
  }
  const given = { max: LARGEST_POOL, ...bounds, ...(url === undefined ? config : { connectionString: url }) };
  const own = new pg.Pool({ ...given, pipeline: true });
  // A connection that breaks while nobody uses it; without a listener it would end the process.
  own.on("error", () => undefined);
  return { pool: own, makeListener: () => new pg.Client(given), end: () => own.end() };
}

/** Throws `invalid_definition` for what is no client of `pg`. */
export function checkedClient(given: unknown): PostgresClient {
  if (isClient(given)) return given;
  throw invalid(
    "transaction",
    "What was given to submit in is no client of pg.",
    "Give the pg.Client, or the client from pool.connect(), on which the transaction was begun; not the pool itself.",
  );
}

// A pool has `query` as well, and would take any connection for it.
function isClient(given: unknown): given is PostgresClient {
  if (typeof given !== "object" || given === null) return false;
  return "query" in given && typeof given.query === "function" && "getTypeParser" in given;
}

// pg hides password and ssl from a spread.
export function copyOf(options: object): Readonly<Record<string, unknown>> {
  const descriptors = Object.entries(Object.getOwnPropertyDescriptors(options));
  return Object.fromEntries(descriptors.map(([key, { value }]) => [key, value as unknown]));
}

export function urlOf(url: string | undefined): URL | undefined {
  if (url === undefined) return undefined;
  const hint =
    "Give it as postgres://user:password@host:port/database, with @ : / ? # % in the password as %40 and so on.";
  let parsed: URL;
  try {
    parsed = new URL(url);
    decodeURIComponent(parsed.password);
  } catch {
    // The driver's own message would quote it, with its password.
    throw invalid("url", "The url is not one.", hint);
  }
  const { pathname, search, hash } = parsed;
  // A / ? or # in a password ends the host too early: what follows, up to the @, would be taken for names and be told.
  if (`${pathname}${search}${hash}`.includes("@")) {
    throw invalid(
      "url",
      "The url has an @ behind its host: of what stands before it nobody knows what is secret.",
      hint,
    );
  }
  return parsed;
}

/** The passwords that the driver takes, as they are and as the url spells them. */
export function secretsOf(url: URL | undefined, config: PostgresConfig | undefined): readonly string[] {
  const inUrl = url ? [url.password, decodeURIComponent(url.password), ...url.searchParams.getAll("password")] : [];
  const given = typeof config?.password === "string" ? [config.password] : [];
  return [...new Set([...inUrl, ...given])].filter((secret) => secret !== "");
}

export function invalid(field: string, message: string, hint: string): JobError {
  return new JobError("invalid_definition", { field, message, hint });
}
