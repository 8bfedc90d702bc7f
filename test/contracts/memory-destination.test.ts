import { memory } from "../../src/adapters/memory/memory-connection.js";
import type { DataType } from "../../src/model/data-type.js";
import type { DestinationFixture } from "../../src/testing/destination/destination-fixture.js";
import { jobDestinationContract } from "../../src/testing/job-destination-contract.js";
import type { SampleValue } from "../../src/testing/rows/column-buffers.js";
import { contractSuite } from "../support/contract-suite.js";
import { decimalDigits, isoDate, isoTime, isoTimestamp } from "../support/iso-text.js";

async function memoryFixture(): Promise<DestinationFixture> {
  const connection = memory();
  return {
    destination: (table) => {
      const destination = connection.destination?.(table);
      if (destination === undefined) throw new Error(`no destination for ${table}`);
      return destination;
    },
    read: async (table) => (connection.tables().includes(table) ? connection.rows(table) : null),
    readsAs,
  };
}

function readsAs(type: DataType, value: SampleValue): unknown {
  switch (type.kind) {
    case "integer":
      return type.bits > 32 ? BigInt(value as bigint) : Number(value);
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

contractSuite(
  "memory() keeps the promises of a destination",
  jobDestinationContract({ make: memoryFixture, offers: ["upsert", "deleteInsert", "insertOnly", "state"] }),
);
