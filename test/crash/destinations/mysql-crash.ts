import { basename } from "node:path";
import { createConnection, escapeId } from "mysql2/promise";
import { mysqlMissing, startMariadb } from "../../support/mariadb-server.js";
import { mysqlDatabaseOf, nameServer, serverUrl } from "./crash-connections.js";
import type { CrashDestination } from "./crash-destination.js";

export const mysqlCrash: CrashDestination = {
  missing: mysqlMissing,
  start: async () => {
    const server = await startMariadb({ fsync: false });
    nameServer("mysql", server.url);
    return async () => server[Symbol.asyncDispose]();
  },
  prepare: async (folder) => {
    const connection = await createConnection(serverUrl("mysql"));
    const create = `create database ${escapeId(basename(folder))} character set utf8mb4`;
    await connection.query(create).finally(() => connection.end());
  },
  countByTag: async (folder) => {
    const connection = await createConnection(mysqlDatabaseOf(folder));
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
