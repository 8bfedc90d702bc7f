import { spawnSync } from "node:child_process";
import { basename } from "node:path";
import pg from "pg";
import { postgres } from "../../../src/adapters/postgres/entry.js";
import { postgresMissing, startPostgres } from "../../support/postgres-server.js";
import type { CrashDestination } from "./crash-destination.js";

/** By the environment, for the processes of a trial too. */
const URL_VARIABLE = "MILLRACE_CRASH_POSTGRES_URL";

const CREATE_SCHEMA = `
  import pg from "pg";
  const [url, schema] = process.argv.slice(1);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(\`create schema if not exists \${pg.escapeIdentifier(schema)}\`);
  await client.end();`;

export const postgresCrash: CrashDestination = {
  missing: postgresMissing,
  start: async () => {
    const server = await startPostgres({ fsync: false });
    process.env[URL_VARIABLE] = await server.createDatabase();
    return async () => server[Symbol.asyncDispose]();
  },
  connect: (folder) => {
    const schema = basename(folder);
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--input-type=module", "-e", CREATE_SCHEMA, url(), schema],
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(stderr);
    return postgres(url(), { access: "read_write", schema });
  },
  countByTag: async (folder) => {
    const client = new pg.Client({ connectionString: url() });
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

function url(): string {
  const given = process.env[URL_VARIABLE];
  if (given === undefined) throw new Error("no server was started for the trial");
  return given;
}
