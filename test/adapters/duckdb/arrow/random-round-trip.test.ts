import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { RecordBatch } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatDataType } from "../../../../src/model/data-type.js";
import { seededRandom } from "../../../crash/seeded-random.js";
import { RandomColumns } from "./random-columns.js";
import { changedColumns } from "./round-trip.js";

const SEED = Number(process.env["MILLRACE_SEED"] ?? Date.now() % 1_000_000);
const TRIALS = Number(process.env["MILLRACE_TRIALS"] ?? 25);

let instance: DuckDBInstance;
let connection: DuckDBConnection;
beforeAll(async () => {
  instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  connection = await instance.connect();
});
afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

describe(`random columns through Arrow and back (MILLRACE_SEED=${SEED})`, () => {
  // Each trial has its own seed, so that one that fails can be run alone: MILLRACE_SEED=<its seed> MILLRACE_TRIALS=1.
  it.each(Array.from({ length: TRIALS }, (_, trial) => SEED + trial))(
    "returns every value as it was: %i",
    async (seed) => {
      const random = seededRandom(seed);
      const columns = new RandomColumns(random);
      const types = Array.from({ length: 1 + Math.floor(random() * 4) }, () => columns.type(3));
      const rows = Math.floor(random() ** 2 * 6_000);
      const values = types.map((type, index) => `${columns.value(type, "i")} as c${index}`);
      const limits = { maxRows: 1 + Math.floor(random() * 5_000), maxBytes: Math.floor(10 ** (2 + random() * 5)) };
      const changed = await changedColumns(connection, `select ${values.join(", ")} from range(${rows}) t(i)`, {
        limits,
        ...(random() < 0.5 && { cut: pieces(random) }),
      });
      const told = types.map((type, index) => `c${index} ${formatDataType(type).slice(0, 300)}`).join("; ");
      expect(changed, `${rows} rows of ${told}, ${JSON.stringify(limits)}`).toEqual([]);
    },
  );
});

/** Cuts a batch at random places, and each piece out of a larger slice, so that offsets add up. */
function pieces(random: () => number): (batch: RecordBatch) => RecordBatch[] {
  return (batch) => {
    const cuts: RecordBatch[] = [];
    for (let start = 0; start < batch.numRows;) {
      const end = Math.min(batch.numRows, start + 1 + Math.floor(random() * 3_000));
      const before = Math.floor(random() * (start + 1));
      cuts.push(batch.slice(before).slice(start - before, end - before));
      start = end;
    }
    return cuts;
  };
}
