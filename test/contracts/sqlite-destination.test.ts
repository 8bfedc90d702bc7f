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

/** A file on disk, written through connections of their own and read with better-sqlite3 directly. */
async function sqliteFixture(journalMode: string): Promise<DestinationFixture> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-"));
  const path = join(folder, "out.db");
  const reader = new Database(path);
  reader.pragma(`journal_mode = ${journalMode}`);
  reader.defaultSafeIntegers();
  const opened: ReturnType<typeof sqlite>[] = [];
  return {
    destination: (table) => {
      const connection = sqlite(path, { access: "read_write" });
      opened.push(connection);
      const destination = connection.destination?.(table);
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
      await Promise.all(opened.map((connection) => connection.close()));
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
      return BigInt(value as number);
    case "float":
      return Number(value);
    case "decimal": {
      const digits = String(value).replace("-", "").padStart(type.scale + 1, "0");
      return `${String(value).startsWith("-") ? "-" : ""}${digits.slice(0, -type.scale)}.${digits.slice(-type.scale)}`;
    }
    case "date":
      return isoDate(BigInt(value as number) * 86_400n);
    case "time":
      return isoTime(value as bigint, 1_000_000n);
    case "timestamp": {
      const perSecond = { s: 1n, ms: 1_000n, us: 1_000_000n, ns: 1_000_000_000n }[type.unit];
      const ticks = value as bigint;
      const perDay = perSecond * 86_400n;
      const ofDay = ((ticks % perDay) + perDay) % perDay;
      return `${isoDate((ticks - ofDay) / perSecond)} ${isoTime(ofDay, perSecond)}${type.zoned ? "+00:00" : ""}`;
    }
    default:
      return value;
  }
}

function isoDate(seconds: bigint): string {
  return new Date(Number(seconds) * 1_000).toISOString().slice(0, 10);
}

function isoTime(ticks: bigint, perSecond: bigint): string {
  const fraction = String(ticks % perSecond).padStart(String(perSecond).length - 1, "0").replace(/(000)+$/, "");
  const clock = new Date(Number(ticks / perSecond) * 1_000).toISOString().slice(11, 19);
  return fraction === "" || perSecond === 1n ? clock : `${clock}.${fraction}`;
}

contractSuite("sqlite() in its default journal mode keeps the promises of a destination", jobDestinationContract({ make: () => sqliteFixture("delete") }));
contractSuite("sqlite() in WAL mode keeps the promises of a destination", jobDestinationContract({ make: () => sqliteFixture("wal") }));
