import { createPool, type Pool } from "mysql2/promise";
import { afterAll, beforeAll } from "vitest";
import { mysql } from "../../src/adapters/mysql/mysql.js";
import type { DataType } from "../../src/model/data-type.js";
import { connectionContract } from "../../src/testing/connection-contract.js";
import type { DestinationFixture } from "../../src/testing/destination/destination-fixture.js";
import { jobDestinationContract } from "../../src/testing/job-destination-contract.js";
import type { SampleValue } from "../../src/testing/rows/column-buffers.js";
import { contractSuite } from "../support/contract-suite.js";
import { describeMysql } from "../support/describe-mysql.js";
import { decimalDigits, isoDate, isoTime, isoTimestamp } from "../support/iso-text.js";
import { type MariadbServer, startMariadb } from "../support/mariadb-server.js";

const INSTANTS = "MySQL's TIMESTAMP holds the years 1970 to 2038; other instants are refused by the column's name";

describeMysql("on a real server", () => {
  let server: MariadbServer;
  let url: string;
  beforeAll(async () => {
    server = await startMariadb({ fsync: false });
    url = await server.createDatabase();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** A database of its own, written through connections of their own and read with mysql2 directly. */
  async function mysqlFixture(): Promise<DestinationFixture> {
    const own = await server.createDatabase();
    const reader = createPool({ uri: own, connectionLimit: 2, jsonStrings: true });
    reader.on("connection", (connection) => connection.query("set time_zone = '+00:00'"));
    // In turns, as two processes would.
    const connections = [1, 2].map(() => mysql(own, { access: "read_write" }));
    return {
      destination: (table) => {
        connections.reverse();
        const destination = connections[0]?.destination?.(table);
        if (destination === undefined) throw new Error(`no destination for ${table}`);
        return destination;
      },
      read: (table) => readTable(reader, table),
      readsAs,
      dispose: async () => {
        await Promise.all([...connections.map((connection) => connection.close()), reader.end()]);
      },
    };
  }

  const clauses = jobDestinationContract({
    make: mysqlFixture,
    offers: ["upsert", "deleteInsert", "insertOnly", "state"],
    without: [
      {
        clause: "a missing table is made together with its rows",
        reason: "making a table ends a transaction of MySQL's: readers see it empty until the commit",
      },
      ...["_S", "_MS", ""].map((unit) => ({
        clause: `values of type TIMESTAMP${unit} WITH TIME ZONE come back exactly, or the type is refused`,
        reason: INSTANTS,
      })),
      ...["deleteInsert", "insertOnly"].map((mode) => ({
        clause: `${mode}: keys of type TIMESTAMP WITH TIME ZONE are the same only where they are equal`,
        reason: INSTANTS,
      })),
    ],
  });
  contractSuite("mysql() keeps the promises of a destination", clauses);

  for (const access of ["read_only", "read_write"] as const) {
    const connection = connectionContract({
      make: async () => {
        const unreachable = mysql(Object.assign(new URL(url), { port: "1" }).href, { access });
        return { connection: mysql(url, { access }), missingTable: "none", unreachable };
      },
    });
    contractSuite(`mysql(), ${access}, keeps the promises of a connection`, connection);
  }
});

/** By prepared statements, whose answers hold floats as they are. */
async function readTable(reader: Pool, table: string): Promise<Record<string, unknown>[] | null> {
  const sql = `select * from \`${table.replaceAll("`", "``")}\``;
  const exactly = { supportBigNumbers: true, bigNumberStrings: true, dateStrings: true };
  try {
    const [rows] = await reader.execute({ sql, ...exactly });
    return rows as Record<string, unknown>[];
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ER_NO_SUCH_TABLE") return null;
    throw error;
  }
}

/** What mysql2 gives for a value, worked out by other means than the adapter's. */
function readsAs(type: DataType, value: SampleValue): unknown {
  switch (type.kind) {
    case "boolean":
      return value === true ? 1 : 0;
    case "integer":
      return type.bits < 64 ? Number(value) : String(value);
    case "float":
      return Number(value);
    case "decimal":
      return decimalDigits(value as bigint, type.scale);
    case "date":
      return isoDate(value as number);
    case "time":
      return isoTime(value as bigint, 1_000_000n);
    case "timestamp":
      return isoTimestamp(value as bigint, type).replace(/(\.\d\d?)$/, (fraction) => fraction.padEnd(4, "0"));
    case "bytes":
      return value;
    default:
      return String(value);
  }
}
