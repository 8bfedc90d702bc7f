import { createConnection } from "mysql2/promise";
import { mysql, type MysqlOptions } from "../../../../src/adapters/mysql/mysql.js";
import type { Connection } from "../../../../src/ports/connection.js";

export type TextRow = Readonly<Record<string, string | null>>;

/** A connection of the tests' own, whose rows are the server's texts. */
export async function reader(url: string) {
  const connection = await createConnection({ uri: url, multipleStatements: true, charset: "utf8mb4" });
  connection.on("error", () => undefined);
  await connection.query("set time_zone = '+00:00'");
  const rows = async (sql: string): Promise<readonly TextRow[]> => {
    const [answer] = await connection.query({ sql, typeCast: (field) => field.string("utf8") });
    return answer as TextRow[];
  };
  return {
    connection,
    run: async (sql: string): Promise<void> => void (await connection.query(sql)),
    rows,
    values: async (sql: string): Promise<readonly (string | null)[]> =>
      (await rows(sql)).map((row) => Object.values(row)[0] ?? null),
    [Symbol.asyncDispose]: () => connection.end(),
  };
}

export function readWrite(url: string, options: MysqlOptions = {}): Connection & AsyncDisposable {
  const connection = mysql(url, { access: "read_write", ...options });
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
}

/** The same database, for somebody else. */
export function urlWith(url: string, parts: Partial<URL>): string {
  return Object.assign(new URL(url), parts).href;
}
