import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { sqlite } from "../../src/adapters/sqlite/sqlite-connection.js";
import type { DataType } from "../../src/model/data-type.js";
import type { DestinationFixture } from "../../src/testing/destination/destination-fixture.js";
import { jobDestinationContract } from "../../src/testing/job-destination-contract.js";
import type { SampleValue } from "../../src/testing/rows/column-buffers.js";
import { contractSuite } from "../support/contract-suite.js";
import { decimalDigits, isoDate, isoTime, isoTimestamp } from "../support/iso-text.js";

/** A file on disk, written through connections of their own and read with better-sqlite3 directly. */
async function sqliteFixture(journalMode: string): Promise<DestinationFixture> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-"));
  const path = join(folder, "out.db");
  const reader = new Database(path);
  reader.pragma(`journal_mode = ${journalMode}`);
  reader.defaultSafeIntegers();
  // In turns, as two processes would.
  const connections = [sqlite(path, { access: "read_write" }), sqlite(path, { access: "read_write" })];
  return {
    destination: (table) => {
      connections.reverse();
      const destination = connections[0]?.destination?.(table);
      if (destination === undefined) throw new Error(`no destination for ${table}`);
      return destination;
    },
    read: async (table) => {
      const there = reader.prepare("select 1 from sqlite_schema where type = 'table' and name = ?").get(table);
      if (there === undefined) return null;
      return reader.prepare<[], Record<string, unknown>>(`select * from "${table.replaceAll('"', '""')}"`).all();
    },
    readsAs,
    dispose: async () => {
      reader.close();
      await Promise.all(connections.map((connection) => connection.close()));
      await rm(folder, { recursive: true });
    },
  };
}

/** What is in the file, worked out from the value by other means than the adapter's. */
function readsAs(type: DataType, value: SampleValue): unknown {
  switch (type.kind) {
    case "boolean":
      return value === true ? 1n : 0n;
    case "integer":
      return BigInt(value as bigint);
    case "float":
      return Number(value);
    case "decimal":
      return decimalDigits(value as bigint, type.scale);
    case "date":
      return isoDate(value as number);
    case "time":
      return isoTime(value as bigint, 1_000_000n);
    case "timestamp":
      return isoTimestamp(value as bigint, type) + (type.zoned ? "+00:00" : "");
    default:
      return value;
  }
}

for (const [mode, name] of [
  ["delete", "its default journal mode"],
  ["wal", "WAL mode"],
] as const) {
  const clauses = jobDestinationContract({
    make: () => sqliteFixture(mode),
    offers: ["upsert", "deleteInsert", "insertOnly", "state"],
  });
  contractSuite(`sqlite() in ${name} keeps the promises of a destination`, clauses);
}
