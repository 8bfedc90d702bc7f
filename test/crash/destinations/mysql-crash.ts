import { spawnSync } from "node:child_process";
import { basename } from "node:path";
import { createConnection } from "mysql2/promise";
import { mysql } from "../../../src/adapters/mysql/entry.js";
import { mysqlMissing, startMariadb } from "../../support/mariadb-server.js";
import type { CrashDestination } from "./crash-destination.js";

/** By the environment, for the processes of a trial too. */
const URL_VARIABLE = "MILLRACE_CRASH_MYSQL_URL";

const CREATE_DATABASE = `
  import { createConnection, escapeId } from "mysql2/promise";
  const [url, name] = process.argv.slice(1);
  const connection = await createConnection(url);
  await connection.query("create database if not exists " + escapeId(name) + " character set utf8mb4");
  await connection.end();`;

export const mysqlCrash: CrashDestination = {
  missing: mysqlMissing,
  start: async () => {
    const server = await startMariadb({ fsync: false });
    process.env[URL_VARIABLE] = server.url;
    return async () => server[Symbol.asyncDispose]();
  },
  connect: (folder) => {
    const name = basename(folder);
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--input-type=module", "-e", CREATE_DATABASE, url(), name],
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(stderr);
    return mysql(inDatabase(name), { access: "read_write" });
  },
  countByTag: async (folder) => {
    const connection = await createConnection(inDatabase(basename(folder)));
    try {
      const [there] = await connection.query("show tables like 'rows'");
      if ((there as unknown[]).length === 0) return new Map();
      const [rows] = await connection.query("select tag, count(*) as n from `rows` group by tag");
      return new Map((rows as { tag: string; n: number }[]).map(({ tag, n }) => [tag, n]));
    } finally {
      await connection.end();
    }
  },
};

function inDatabase(name: string): string {
  return Object.assign(new URL(url()), { pathname: `/${name}` }).href;
}

function url(): string {
  const given = process.env[URL_VARIABLE];
  if (given === undefined) throw new Error("no server was started for the trial");
  return given;
}
