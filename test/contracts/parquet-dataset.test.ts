import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { DuckDBEngine, parquetDataset } from "../../src/adapters/duckdb/entry.js";
import type { DataType } from "../../src/model/data-type.js";
import { connectionContract } from "../../src/testing/connection-contract.js";
import { type DestinationFixture, sampleRows, write } from "../../src/testing/destination/destination-fixture.js";
import { jobDestinationContract } from "../../src/testing/job-destination-contract.js";
import type { SampleValue } from "../../src/testing/rows/column-buffers.js";
import { readPlainly } from "../adapters/duckdb/parquet-dataset/read-plainly.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { contractSuite } from "../support/contract-suite.js";
import { recordingLogger } from "../support/executor-harness.js";
import { decimalDigits, isoDate, isoTime, isoTimestamp } from "../support/iso-text.js";

/** A folder on disk, written through connections of their own and read by a plain DuckDB. */
async function datasetFixture(partitionBy: readonly string[], withEngine: boolean): Promise<DestinationFixture> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-"));
  const lake = join(folder, "lake");
  const options = { partitionBy: { results: partitionBy } };
  // In turns, as two processes would.
  const connections = [parquetDataset(lake, options), parquetDataset(lake, options)];
  const engine = new DuckDBEngine({ threads: 2, memoryLimit: "1GB" });
  if (withEngine) {
    const named = new Map(connections.map((connection, index) => [`lake_${index}`, connection]));
    await engine.open({ connections: named, clock: new ManualClock(), logger: recordingLogger().logger });
  }
  const instance = await DuckDBInstance.create(":memory:");
  const reader = await instance.connect();
  return {
    destination: (table) => {
      connections.reverse();
      const destination = connections[0]?.destination?.(table);
      if (destination === undefined) throw new Error(`no destination for ${table}`);
      return destination;
    },
    read: (table) => readPlainly(reader, lake, table),
    readsAs,
    dispose: async () => {
      reader.disconnectSync();
      instance.closeSync();
      await Promise.all(connections.map((connection) => connection.close()));
      await engine.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** As DuckDB writes it, worked out from the value by other means than the adapter's. */
function readsAs(type: DataType, value: SampleValue): unknown {
  switch (type.kind) {
    case "boolean":
      return value === true ? "true" : "false";
    case "integer":
      return type.bits <= 32 ? Number(value) : String(value);
    case "float":
      return Number(value);
    case "decimal":
      return decimalDigits(value as bigint, type.scale);
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

const LONG_TEXT = {
  clause: "text comes back exactly, whatever it holds",
  reason: "a text of 5,000 characters cannot name a partition, and is refused",
};

for (const [partitionBy, withEngine, name, without] of [
  [[], false, "without partitions", []],
  [["label"], true, "with a partition for each text", [LONG_TEXT]],
] as const) {
  contractSuite(
    `parquetDataset() ${name} keeps the promises of a destination`,
    jobDestinationContract({ make: () => datasetFixture(partitionBy, withEngine), offers: ["state"], without }),
  );
}

contractSuite(
  "parquetDataset() keeps the promises of a connection",
  connectionContract({
    make: async () => {
      const folder = await mkdtemp(join(tmpdir(), "millrace-"));
      await writeFile(join(folder, "file"), "");
      const connection = parquetDataset(join(folder, "lake"));
      const steps = [sampleRows(1, 3), sampleRows(4, 2)];
      await write(connection.destination!("t")!, { commitId: "a", createIfMissing: true, steps });
      const dispose = async (): Promise<void> => {
        await connection.close();
        await rm(folder, { recursive: true });
      };
      const full = { table: "t", columns: ["id", "label"], rowCount: 5 };
      return { connection, full, missingTable: "none", unreachable: parquetDataset(join(folder, "file")), dispose };
    },
  }),
);
