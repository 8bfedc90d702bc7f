import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineGuest } from "../../src/adapters/duckdb/connection-instance.js";
import { duckdb, DuckDBEngine } from "../../src/adapters/duckdb/entry.js";
import type { DataType } from "../../src/model/data-type.js";
import type { DestinationFixture } from "../../src/testing/destination/destination-fixture.js";
import { jobDestinationContract } from "../../src/testing/job-destination-contract.js";
import type { SampleValue } from "../../src/testing/rows/column-buffers.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { contractSuite } from "../support/contract-suite.js";
import { recordingLogger } from "../support/executor-harness.js";
import { decimalDigits, isoDate, isoTime, isoTimestamp } from "../support/iso-text.js";

const NEVER_ABORTED = new AbortController().signal;

/**
 * A file on disk, read by SQL in the instance that has it: while it is written, nobody else can open it.
 *
 * @param withEngine whether that instance is an engine's.
 */
async function duckdbFixture(withEngine: boolean): Promise<DestinationFixture> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-"));
  const path = join(folder, "out.duckdb");
  const out: EngineGuest = duckdb(path, { access: "read_write" });
  const engine = new DuckDBEngine({ threads: 2, memoryLimit: "1GB" });
  if (withEngine) {
    const { logger } = recordingLogger();
    await engine.open({ connections: new Map([["out", out]]), clock: new ManualClock(), logger });
  }
  const { instance } = out;
  if (instance === undefined) throw new Error("the connection has no instance");
  return {
    destination: (table) => {
      const destination = out.destination?.(table);
      if (destination === undefined) throw new Error(`no destination for ${table}`);
      return destination;
    },
    read: (table) =>
      instance.use(NEVER_ABORTED, async ({ database, files }) => {
        const file = await files.lease({ path, readOnly: false, create: true, signals: [] });
        try {
          const from = `${file.catalog}.${quoted(table)}`;
          return await database.use(async (connection) => {
            // The driver takes a byte order mark off the beginning of a text; a sign before it keeps it where it is.
            const texts = (await connection.work(`describe ${from}`)).flatMap(
              ({ column_name: name, column_type: type }) =>
                type === "VARCHAR" && typeof name === "string" ? [quoted(name)] : [],
            );
            const replaced = texts.map((name) => `'=' || ${name} as ${name}`).join(", ");
            const rows = await connection.work(
              `select * ${texts.length > 0 ? `replace (${replaced})` : ""} from ${from}`,
            );
            return rows.map((row) =>
              Object.fromEntries(
                Object.entries(row).map(([name, value]) => [
                  name,
                  texts.includes(quoted(name)) && typeof value === "string" ? value.slice(1) : value,
                ]),
              ),
            );
          });
        } catch (error) {
          if (/Table with name .* does not exist/.test(String(error))) return null;
          throw error;
        } finally {
          await file.release();
        }
      }),
    readsAs,
    dispose: async () => {
      await engine.close();
      await out.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** What the driver gives as JSON, worked out from the value by other means. */
function readsAs(type: DataType, value: SampleValue): unknown {
  switch (type.kind) {
    case "integer":
      return type.bits <= 32 ? Number(value) : String(value);
    case "bignum":
      return String(value);
    case "decimal":
      return decimalDigits(value as bigint, type.scale);
    case "bytes":
      return [...(value as Uint8Array)].map((byte) => (byte === 0x31 ? "1" : `\\x${hex(byte)}`)).join("");
    case "date":
      return isoDate(value as number);
    case "time":
      return isoTime(value as bigint, 1_000_000n);
    case "timestamp":
      return isoTimestamp(value as bigint, type) + (type.zoned ? "+00" : "");
    default:
      return value;
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, "0");
}

for (const withEngine of [true, false]) {
  contractSuite(
    `duckdb() in ${withEngine ? "an engine's" : "its own"} instance keeps the promises of a destination`,
    jobDestinationContract({
      make: () => duckdbFixture(withEngine),
      offers: ["upsert", "deleteInsert", "insertOnly", "state"],
    }),
  );
}
