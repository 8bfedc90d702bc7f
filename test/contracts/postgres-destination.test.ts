import pg from "pg";
import { afterAll, beforeAll } from "vitest";
import { postgres } from "../../src/adapters/postgres/postgres.js";
import type { DataType } from "../../src/model/data-type.js";
import type { DestinationFixture } from "../../src/testing/destination/destination-fixture.js";
import { connectionContract } from "../../src/testing/connection-contract.js";
import { jobDestinationContract } from "../../src/testing/job-destination-contract.js";
import type { SampleValue } from "../../src/testing/rows/column-buffers.js";
import { contractSuite } from "../support/contract-suite.js";
import { describePostgres } from "../support/describe-postgres.js";
import { decimalDigits, isoDate, isoTime, isoTimestamp } from "../support/iso-text.js";
import { startPostgres, type PostgresServer } from "../support/postgres-server.js";

const BYTEA = 17;
const AS_TEXT = {
  getTypeParser: (oid: number) => (text: string) => (oid === BYTEA ? pg.types.getTypeParser(oid)(text) : text),
};

describePostgres("on a real server", () => {
  let server: PostgresServer;
  let url: string;
  beforeAll(async () => {
    server = await startPostgres({ fsync: false });
    url = await server.createDatabase();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  let schemas = 0;

  /** A schema of its own, written through connections of their own and read with pg directly. */
  async function postgresFixture(): Promise<DestinationFixture> {
    schemas += 1;
    const schema = `Schema ${schemas}`;
    const reader = new pg.Pool({ connectionString: url, max: 2, options: "-c timezone=UTC -c extra_float_digits=3" });
    await reader.query(`create schema "${schema}"`);
    // In turns, as two processes would.
    const connections = [1, 2].map(() => postgres(url, { access: "read_write", schema }));
    return {
      destination: (table) => {
        connections.reverse();
        const destination = connections[0]?.destination?.(table);
        if (destination === undefined) throw new Error(`no destination for ${table}`);
        return destination;
      },
      read: async (table) => {
        const name = `"${schema}".${pg.escapeIdentifier(table)}`;
        const { rows } = await reader.query<{ found: string | null }>("select to_regclass($1) as found", [name]);
        if (rows[0]?.found == null) return null;
        const query = { text: `select * from ${name}`, types: AS_TEXT };
        return (await reader.query<Record<string, unknown>>(query)).rows;
      },
      readsAs,
      dispose: async () => {
        await Promise.all([...connections.map((connection) => connection.close()), reader.end()]);
      },
    };
  }

  const clauses = jobDestinationContract({
    make: postgresFixture,
    offers: ["upsert", "deleteInsert", "insertOnly", "state"],
    without: [
      {
        clause: "text comes back exactly, whatever it holds",
        reason: "Postgres' text holds no NUL, which is refused by the column's name",
      },
    ],
  });
  contractSuite("postgres() keeps the promises of a destination", clauses);

  for (const access of ["read_only", "read_write"] as const) {
    const connection = connectionContract({
      make: async () => {
        const own = await server.createDatabase();
        const client = new pg.Client(own);
        await client.connect();
        await client.query("create table t as select id::int8, 'row ' || id as label from generate_series(1, 5) id");
        const unreachable = postgres(Object.assign(new URL(own), { port: "1" }).href, { access });
        const connection = postgres(own, { access });
        return {
          connection,
          full: { table: "t", columns: ["id", "label"], rowCount: 5 },
          addRow: async () => void (await client.query("insert into t values (6, 'row 6')")),
          makeTable: async (name) => {
            await client.query(`create table ${client.escapeIdentifier(name)} as select 1 as a`);
            return true;
          },
          missingTable: "none",
          unreachable,
          dispose: async () => {
            await connection.close();
            await client.end();
          },
        };
      },
    });
    contractSuite(`postgres(), ${access}, keeps the promises of a connection`, connection);
  }
});

/** The server's text for a value, worked out by other means than the adapter's. */
function readsAs(type: DataType, value: SampleValue): unknown {
  switch (type.kind) {
    case "boolean":
      return value === true ? "t" : "f";
    case "float":
      return floatText(Number(value), type.bits);
    case "decimal":
      return decimalDigits(value as bigint, type.scale);
    case "date":
      return isoDate(value as number);
    case "time":
      return isoTime(value as bigint, 1_000_000n);
    case "timestamp":
      return isoTimestamp(value as bigint, type) + (type.zoned ? "+00" : "");
    case "bytes":
      return value;
    default:
      return String(value);
  }
}

/** The shortest digits that give the same float. */
function floatText(value: number, bits: 32 | 64): string {
  let digits = 1;
  const same = bits === 32 ? Math.fround : Number;
  while (same(Number(value.toPrecision(digits))) !== value) digits += 1;
  const [mantissa = "", exponent = "0"] = value.toExponential(digits - 1).split("e");
  const power = Number(exponent);
  if (power >= -4 && power < (bits === 32 ? 6 : 15)) return String(Number(value.toPrecision(digits)));
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}
