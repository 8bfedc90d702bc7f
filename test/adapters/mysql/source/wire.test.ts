import { createConnection, type Connection as MysqlSession } from "mysql2/promise";
import { afterAll, beforeAll, expect, it } from "vitest";
import { mysql } from "../../../../src/adapters/mysql/mysql.js";
import type { Connection } from "../../../../src/ports/connection.js";
import { describeMysql } from "../../../support/describe-mysql.js";
import { encryptedMariadb } from "../../../support/encrypted-servers.js";
import type { MariadbServer } from "../../../support/mariadb-server.js";
import { readColumn, sourceOf } from "../../../support/read-source.js";
import { SERVER_CERTIFICATE } from "../../../support/server-certificate.js";

const ROWS = 100_000;

let server: MariadbServer;
let url: string;
let beside: MysqlSession;

beforeAll(async () => {
  server = await encryptedMariadb();
  url = await server.createDatabase();
  beside = await createConnection({ uri: url, multipleStatements: true });
  await beside.query(`create table many (i int, label varchar(300));
    insert into many select seq, repeat('x', seq % 300) from seq_1_to_${ROWS};
    create view failing as select i, if(i < ${ROWS - 10}, label, (select i from many limit 2)) as label from many;
    create view session as select variable_name as name, variable_value as value from information_schema.session_status`);
});

afterAll(async () => {
  beside?.destroy();
  await server?.[Symbol.asyncDispose]();
});

const WAYS = [
  ["plainly", {}],
  ["encrypted", { ssl: { ca: SERVER_CERTIFICATE } }],
  ["compressed", { compress: true }],
] as const;

describeMysql("a MySQL whose answers come", () => {
  it.each(WAYS)("%s: all rows, each once, also behind a statement that failed midway", async (how, options) => {
    const connection: Connection = mysql({ uri: url, connectionLimit: 1, ...options });
    const state = await stateOf(connection);
    if (server.controlled) expect(state.get("COMPRESSION")).toBe(how === "compressed" ? "ON" : "OFF");
    if (server.controlled) expect(state.get("SSL_CIPHER") !== "").toBe(how === "encrypted");
    for (let time = 0; time < 2; time++) {
      expect(await readColumn(sourceOf(connection, "many"), "i")).toEqual(
        Array.from({ length: ROWS }, (_, i) => i + 1),
      );
      await expect(readColumn(sourceOf(connection, "failing"), "label")).rejects.toMatchObject({
        code: "query_failed",
        message: expect.stringContaining("1242") as string,
      });
    }
    await connection.close();
  });

  it.each(WAYS)("%s: a session that is killed midway is an error", async (_how, options) => {
    const connection: Connection = mysql({ uri: url, ...options });
    const signal = new AbortController().signal;
    const batches = sourceOf(connection, "many").scan!({ columns: ["label", "i"], signal })[Symbol.asyncIterator]();
    await batches.next();
    const [sessions] = await beside.query("select id, info from information_schema.processlist");
    const { id } = (sessions as { id: number; info: string | null }[]).find(({ info }) =>
      info?.startsWith("select `label`"),
    )!;
    await beside.query(`kill ${id}`);
    const drain = async (): Promise<void> => {
      while ((await batches.next()).done !== true);
    };
    await expect(drain()).rejects.toMatchObject({ code: "query_failed" });
    await connection.close();
  });
});

async function stateOf(connection: Connection): Promise<ReadonlyMap<unknown, unknown>> {
  const source = sourceOf(connection, "session");
  const [names, values] = [await readColumn(source, "name"), await readColumn(source, "value")];
  return new Map(names.map((name, index) => [name, values[index]]));
}
