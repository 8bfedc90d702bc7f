import type { ClientSource } from "./clients.js";
import type { PostgresPool } from "./driver.js";
import { copyOf, type PostgresConfig } from "./job-store-options.js";

/** How a connection is given. */
export type PostgresServer = string | PostgresConfig | { readonly pool: PostgresPool };

const LARGEST_POOL = 8;
const CONNECT_MS = 10_000;

/** What is known of the server before the driver is loaded. */
export function configOf(server: PostgresServer): PostgresConfig {
  if (typeof server === "string") return { connectionString: server };
  return isPool(server) ? copyOf(server.pool.options) : server;
}

/** Loads the driver. */
export async function clientSource(server: PostgresServer): Promise<ClientSource> {
  const { default: pg } = await import("pg");
  const bounds = { connectionTimeoutMillis: CONNECT_MS, keepAlive: true, application_name: "millrace" };
  const config = { ...bounds, ...configOf(server) };
  const makeClient = () => new pg.Client(config);
  if (isPool(server)) return { pool: server.pool, makeClient, end: () => Promise.resolve() };
  // To a pool the time-out is also the longest wait for one of its clients, which may be lent for as long as a load takes.
  class Client extends pg.Client {
    constructor() {
      super(config);
    }
  }
  const pool = new pg.Pool({ max: LARGEST_POOL, ...config, connectionTimeoutMillis: 0, Client });
  // A connection that breaks while nobody uses it; without a listener it would end the process.
  pool.on("error", () => undefined);
  return { pool, makeClient, end: () => pool.end() };
}

function isPool(server: PostgresServer): server is { readonly pool: PostgresPool } {
  return typeof server === "object" && typeof server.pool === "object";
}
