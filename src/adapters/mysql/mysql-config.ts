import { JobError } from "../../model/job-error.js";
import type { ClientSource } from "./mysql-clients.js";

/** How to connect, as `mysql2` takes it; what is not listed here is passed on too. */
export interface MysqlConfig {
  /** `mysql://user:password@host:port/database`; what stands beside it counts more. */
  readonly uri?: string;
  readonly host?: string;
  readonly port?: number;
  readonly socketPath?: string;
  readonly database?: string;
  readonly user?: string;
  readonly password?: string;
  /** How the connection is encrypted, as `tls.connect` takes it, or the name of a profile of `mysql2`. */
  readonly ssl?: string | object;
  /** How many connections are kept at most. Default 8. */
  readonly connectionLimit?: number;
  /** In milliseconds. Default 10,000. */
  readonly connectTimeout?: number;
  readonly [option: string]: unknown;
}

/** A connection's configuration, looked through before the driver is loaded. */
export interface CheckedConfig {
  readonly config: MysqlConfig;
  /** Where tables are whose name comes without a database. */
  readonly database: string;
  /** For messages: without user and password. */
  readonly label: string;
  /** In no message. */
  readonly secrets: readonly string[];
}

/** What to do about the driver's `HANDSHAKE_SSL_ERROR` and `HANDSHAKE_NO_SSL_SUPPORT`. */
export const UNENCRYPTED =
  "The connection could not be encrypted, or the server's certificate is not trusted: give that of who signed it, as ssl: { ca }.";

const LARGEST_POOL = 8;
const CONNECT_MS = 10_000;

/** @throws JobError `invalid_definition` for a url that is none, or where no database is named. */
export function checkedConfig(server: string | MysqlConfig): CheckedConfig {
  const config = typeof server === "string" ? { uri: server } : server;
  const url = urlOf(config.uri);
  const database = config.database ?? decodeURIComponent(url?.pathname.slice(1) ?? "");
  if (database === "") {
    throw invalid("database", "No database is named.", "Name one, as in mysql://user:password@host:3306/database.");
  }
  return {
    config,
    database,
    label: `mysql://${url?.host ?? config.host ?? "localhost"}/${database}`,
    secrets: secretsOf(url, config),
  };
}

/** Loads the driver. */
export async function clientSource(config: MysqlConfig): Promise<ClientSource> {
  const { createConnection, createPool } = await import("mysql2");
  const own = { connectTimeout: CONNECT_MS, ...config, charset: "utf8mb4", multipleStatements: false };
  const { connectionLimit = LARGEST_POOL, ...single } = own;
  return {
    pool: createPool({ ...own, connectionLimit, waitForConnections: true, queueLimit: 0 }),
    makeConnection: () => createConnection(single),
  };
}

function urlOf(uri: string | undefined): URL | undefined {
  if (uri === undefined) return undefined;
  const hint =
    "Give it as mysql://user:password@host:port/database, with @ : / ? # % in the password as %40 and so on.";
  let parsed: URL;
  try {
    parsed = new URL(uri);
    [parsed.username, parsed.password, parsed.pathname].forEach(decodeURIComponent);
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

const PASSWORDS = ["password", "password1", "password2", "password3", "passwordSha1"];

/** The passwords that the driver takes, as they are and as the url spells them. */
function secretsOf(url: URL | undefined, config: MysqlConfig): readonly string[] {
  const inUrl = url
    ? [url.password, decodeURIComponent(url.password), ...PASSWORDS.flatMap((name) => url.searchParams.getAll(name))]
    : [];
  const ssl: Readonly<Record<string, unknown>> = { ...(typeof config.ssl === "object" && config.ssl) };
  const given = [...PASSWORDS.map((name) => config[name]), ssl["key"], ssl["passphrase"]];
  const texts = [...inUrl, ...given].filter((secret): secret is string => typeof secret === "string" && secret !== "");
  return [...new Set(texts)];
}

export function invalid(field: string, message: string, hint: string): JobError {
  return new JobError("invalid_definition", { field, message, hint });
}
