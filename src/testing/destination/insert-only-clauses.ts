import { strict as assert } from "node:assert";
import type { TableSchema } from "../../model/table-schema.js";
import type { WriteMode } from "../../model/write-mode.js";
import type { JobDestination } from "../../ports/job-destination.js";
import {
  type DestinationFixture,
  idsIn,
  labelsById,
  numbersUpTo,
  SAMPLE,
  sampleRows,
  TABLE,
  tableWith,
  write,
} from "./destination-fixture.js";
import {
  isRefused,
  keyedClauses,
  keyTypeClauses,
  labelled,
  readersSeeOldOrNew,
  tableMadeBy,
  writePairs,
} from "./keyed-clauses.js";

type Clauses = Readonly<Record<string, (fixture: DestinationFixture) => Promise<void>>>;

const NEVER_ABORTED = new AbortController().signal;
const BY_ID: WriteMode = { kind: "insertOnly", keys: ["id"] };
const FIRST_BY_ID: WriteMode = { kind: "insertOnly", keys: ["id"], onDuplicate: "keepFirst" };

/** Only rows with a new key come in, each once. */
export const insertOnlyClauses: Clauses = {
  ...keyedClauses("insertOnly"),
  // All that were there, and of the run's the last alone.
  ...keyTypeClauses("insertOnly", (count) => [0, ...numbersUpTo(count - 2), 99 + count]),
  ...clausesOf("a table", (fixture, rows) => tableWith(fixture, rows)),
  // Which may then have an index on the keys.
  ...clausesOf("a table that it made", (fixture, rows) => tableMadeBy(fixture, BY_ID, rows)),

  "insertOnly: with several keys a row is there where all of them agree": async (fixture) => {
    // 2^53 and its neighbour are one number as floats.
    const large = 2n ** 53n;
    const rows = await writePairs(fixture, "insertOnly", {
      old: [
        ["a", 1n],
        ["a", 2n],
        ["b", large],
      ],
      new: [
        ["a", 2n],
        ["b", large + 1n],
        ["A", 1n],
        ["b", 1n],
      ],
    });
    assert.deepEqual(
      rows,
      ["A/1/new", "a/1/old", "a/2/old", `b/${large + 1n}/new`, `b/${large}/old`, "b/1/new"].sort(),
    );
  },

  "insertOnly: a key that is there in several rows keeps them all": async (fixture) => {
    const destination = await tableWith(fixture, 1);
    await write(destination, { commitId: "a", steps: [[labelled(1, "again")]] });
    await write(destination, { commitId: "b", mode: BY_ID, steps: [[labelled(1, "late")]] });
    assert.deepEqual((await labelsById(fixture)).map(([, label]) => label).sort(), ["again", "row 1"]);
  },

  "insertOnly: a null in a key of the table is no key": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    await write(destination, { commitId: "a", steps: [[{ label: "no key" }]] });
    await write(destination, { commitId: "b", mode: BY_ID, steps: [[labelled(0, "new")]] });
    const labels = ((await fixture.read(TABLE)) ?? []).map((row) => row["label"]);
    assert.deepEqual(labels.sort(), ["new", "no key"]);
  },

  "insertOnly: two rows of one key in a batch are refused, also where the table has it": async (fixture) => {
    await isRefused(fixture, BY_ID, [[labelled(2, "a"), labelled(3, "b"), labelled(2, "c")]]);
  },

  "insertOnly: two rows of one key in two batches are refused": (fixture) => {
    return isRefused(fixture, BY_ID, [sampleRows(3, 5), sampleRows(8, 5), [labelled(4, "again")]]);
  },

  "insertOnly: readers see the rows from before or all of the new ones": (fixture) => {
    const added = sampleRows(3, 500).map(({ id, label }) => [Number(id), String(label)] as const);
    return readersSeeOldOrNew(fixture, BY_ID, [[1, "row 1"], [2, "row 2"], ...added]);
  },
};

type MakeTable = (fixture: DestinationFixture, rows: number) => Promise<JobDestination>;

function clausesOf(name: string, make: MakeTable): Clauses {
  return {
    [`insertOnly into ${name} leaves what is there, and counts what it added`]: async (fixture) => {
      const destination = await make(fixture, 2);
      const steps = [
        [labelled(2, "late"), labelled(3, "new")],
        [labelled(4, "new"), labelled(1, "late")],
      ];
      const { receipt, issued, permits } = await write(destination, { commitId: "a", mode: BY_ID, steps });
      assert.deepEqual(await labelsById(fixture), [
        [1, "row 1"],
        [2, "row 2"],
        [3, "new"],
        [4, "new"],
      ]);
      assert.deepEqual(permits, [4], "the permit is asked for all rows of the query");
      assert.equal(receipt, issued);
      assert.equal(receipt.rowsWritten, 2);
      const settled = await fixture.destination(TABLE).settleCommit("a", NEVER_ABORTED);
      assert.deepEqual(settled, { state: "committed", receipt });
    },

    [`insertOnly into ${name}, of the same rows twice, adds them once`]: async (fixture) => {
      const destination = await make(fixture, 0);
      const steps = [sampleRows(1, 5)];
      await write(destination, { commitId: "a", mode: BY_ID, steps });
      const { receipt } = await write(destination, { commitId: "b", mode: BY_ID, steps });
      assert.equal(receipt.rowsWritten, 0);
      assert.deepEqual(await idsIn(fixture), numbersUpTo(5));
    },

    [`insertOnly into ${name} that keeps the first takes, of rows with one key, the first that came`]: async (
      fixture,
    ) => {
      const destination = await make(fixture, 2);
      const steps = [
        [labelled(3, "first"), labelled(2, "late"), labelled(3, "second")],
        [labelled(4, "first")],
        [labelled(4, "later"), labelled(3, "last"), labelled(2, "later still")],
      ];
      const { receipt, permits } = await write(destination, { commitId: "a", mode: FIRST_BY_ID, steps });
      assert.deepEqual(await labelsById(fixture), [
        [1, "row 1"],
        [2, "row 2"],
        [3, "first"],
        [4, "first"],
      ]);
      assert.deepEqual(permits, [7]);
      assert.equal(receipt.rowsWritten, 2);
    },

    [`insertOnly into ${name}: a column that the rows lack is null in what they add`]: async (fixture) => {
      const destination = await make(fixture, 1);
      const idOnly: TableSchema = { columns: SAMPLE.columns.slice(0, 1) };
      const steps = [[{ id: 1 }, { id: 2 }]];
      await write(destination, { commitId: "a", mode: BY_ID, schema: idOnly, steps });
      assert.deepEqual(await labelsById(fixture), [
        [1, "row 1"],
        [2, null],
      ]);
    },

    [`insertOnly by writers at once into ${name} adds each key once`]: async (fixture) => {
      await make(fixture, 1);
      const writers = ["a", "b", "c", "d"];
      const ends = await Promise.allSettled(
        writers.map((writer, n) => {
          const rows = Array.from({ length: 40 }, (_, index) => labelled(1 + n + index, writer));
          // Not all in one order: who locks row by row would wait in a ring.
          const steps = n % 2 === 0 ? [rows] : [[...rows].reverse()];
          return write(fixture.destination(TABLE), { commitId: writer, mode: BY_ID, steps });
        }),
      );
      const landed = ends.flatMap((end, n) => (end.status === "fulfilled" ? [{ n, ...end.value.receipt }] : []));
      assert.notEqual(landed.length, 0);
      const rows = await labelsById(fixture);
      for (const { commitId, rowsWritten } of landed) {
        assert.equal(rows.filter(([, label]) => label === commitId).length, rowsWritten);
      }
      const expected = new Set([
        1,
        ...landed.flatMap(({ n }) => Array.from({ length: 40 }, (_, index) => 1 + n + index)),
      ]);
      assert.deepEqual(
        rows.map(([id]) => id),
        [...expected].sort((left, right) => left - right),
      );
    },

    [`insertOnly of many rows into ${name} with many adds the new ones`]: async (fixture) => {
      const destination = await make(fixture, 20_000);
      const steps = [sampleRows(15_001, 5_000), sampleRows(20_001, 5_000)];
      const { receipt } = await write(destination, { commitId: "a", mode: BY_ID, steps });
      assert.equal(receipt.rowsWritten, 5_000);
      assert.deepEqual(await idsIn(fixture), numbersUpTo(25_000));
    },
  };
}
