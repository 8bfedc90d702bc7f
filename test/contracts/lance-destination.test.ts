import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lance } from "../../src/adapters/lance/entry.js";
import type { DataType } from "../../src/model/data-type.js";
import type { DestinationFixture } from "../../src/testing/destination/destination-fixture.js";
import { jobDestinationContract } from "../../src/testing/job-destination-contract.js";
import type { SampleValue } from "../../src/testing/rows/column-buffers.js";
import { readPlainly } from "../adapters/lance/read-plainly.js";
import { contractSuite } from "../support/contract-suite.js";
import { decimalDigits, isoDate, isoTime, isoTimestamp } from "../support/iso-text.js";

/** A folder on disk, written through connections of their own and read with plain lancedb. */
async function lanceFixture(): Promise<DestinationFixture> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-lance-"));
  // In turns, as two processes would.
  const connections = [0, 1].map(() => lance(folder, { lockWaitMs: 2_000 }));
  return {
    destination: (table) => {
      connections.reverse();
      const destination = connections[0]?.destination?.(table);
      if (destination === undefined) throw new Error(`no destination for ${table}`);
      return destination;
    },
    read: (table) => readPlainly(folder, table),
    readsAs,
    dispose: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
      await rm(folder, { recursive: true });
    },
  };
}

/** What plain lancedb shows as `readPlainly` spells it, worked out from the value by other means than the adapter's. */
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
  "lance() keeps the promises of a destination",
  jobDestinationContract({
    make: lanceFixture,
    offers: ["upsert", "state"],
    without: [
      {
        clause: "an upsert replaces all rows of the table that have one key by one",
        reason: "Lance replaces each of them; a table that upserts made has none",
      },
      {
        clause: "names are only names, whatever they hold",
        reason: "Lance takes only letters, digits, _, - and . for a table, and no dot for a column",
      },
    ],
  }),
);
