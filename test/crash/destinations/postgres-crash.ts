import { basename } from "node:path";
import pg from "pg";
import { postgresMissing, startPostgres } from "../../support/postgres-server.js";
import { nameServer, serverUrl } from "./crash-connections.js";
import type { CrashDestination } from "./crash-destination.js";

export const postgresCrash: CrashDestination = {
  missing: postgresMissing,
  start: async () => {
    const server = await startPostgres({ fsync: false });
    nameServer("postgres", await server.createDatabase());
    return async () => server[Symbol.asyncDispose]();
  },
  prepare: async (folder) => {
    const client = new pg.Client({ connectionString: serverUrl("postgres") });
    await client.connect();
    await client.query(`create schema ${pg.escapeIdentifier(basename(folder))}`).finally(() => client.end());
  },
  countByTag: async (folder) => {
    const client = new pg.Client({ connectionString: serverUrl("postgres") });
    await client.connect();
    try {
      const table = `${pg.escapeIdentifier(basename(folder))}.rows`;
      const { rows: found } = await client.query<{ oid: string | null }>("select to_regclass($1) as oid", [table]);
      if (found[0]?.oid == null) return new Map();
      const { rows } = await client.query<{ tag: string; n: number }>(
        `select tag, count(*)::integer as n from ${table} group by tag`,
      );
      return new Map(rows.map(({ tag, n }) => [tag, n]));
    } finally {
      await client.end();
    }
  },
};
