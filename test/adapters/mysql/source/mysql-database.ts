import { createConnection, type Connection as MysqlSession } from "mysql2/promise";
import { mysql, type MysqlOptions } from "../../../../src/adapters/mysql/mysql.js";
import type { Connection } from "../../../../src/ports/connection.js";
import { type MariadbServer, startMariadb } from "../../../support/mariadb-server.js";

/** A server for the tests of one file, an empty database, and a session beside the adapter's. */
export interface TestDatabase extends AsyncDisposable {
  readonly server: MariadbServer;
  readonly url: string;
  readonly beside: MysqlSession;
  readonly connection: Connection;
  /** Another connection, which is closed at the end. */
  open(options?: MysqlOptions, url?: string): Connection;
}

export async function mysqlDatabase(): Promise<TestDatabase> {
  const server = await startMariadb({ fsync: false });
  const url = await server.createDatabase();
  const beside = await createConnection({ uri: url, multipleStatements: true, supportBigNumbers: true });
  beside.on("error", () => undefined);
  await beside.query("set session sql_mode = '', time_zone = '+00:00'");
  const opened: Connection[] = [];
  const open = (options: MysqlOptions = {}, to = url): Connection => {
    const connection = mysql(to, options);
    opened.push(connection);
    return connection;
  };
  return {
    server,
    url,
    beside,
    connection: open(),
    open,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(opened.map((connection) => connection.close()));
      beside.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}
