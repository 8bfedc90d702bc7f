import { strict as assert } from "node:assert";
import type { TableSchema } from "../../model/table-schema.js";
import type { WriteMode } from "../../model/write-mode.js";
import {
  type DestinationFixture,
  labelsById,
  numbersUpTo,
  SAMPLE,
  sampleRows,
  TABLE,
  tableWith,
  write,
} from "./destination-fixture.js";
import {
  keyedClauses,
  keyTypeClauses,
  labelled,
  readersSeeOldOrNew,
  tableMadeBy,
  writePairs,
} from "./keyed-clauses.js";

type Clauses = Readonly<Record<string, (fixture: DestinationFixture) => Promise<void>>>;

const NEVER_ABORTED = new AbortController().signal;
const BY_ID: WriteMode = { kind: "deleteInsert", keys: ["id"] };

/** All rows of the run come in, in place of all that had one of their keys. */
export const deleteInsertClauses: Clauses = {
  ...keyedClauses("deleteInsert"),
  // The first of those that were there, and all of the run's.
  ...keyTypeClauses("deleteInsert", (count) => [0, ...numbersUpTo(count - 1).map((n) => 100 + n)]),

  "deleteInsert puts rows in the place of all that have one of their keys, and adds the others": async (fixture) => {
    const destination = await tableWith(fixture, 3);
    await write(destination, { commitId: "a", steps: [[labelled(2, "again"), labelled(2, "and again")]] });
    const steps = [[labelled(2, "new")], [labelled(4, "added"), labelled(3, "new")]];
    const { receipt, issued, permits } = await write(destination, { commitId: "b", mode: BY_ID, steps });
    assert.deepEqual(await labelsById(fixture), [
      [1, "row 1"],
      [2, "new"],
      [3, "new"],
      [4, "added"],
    ]);
    assert.equal(receipt, issued);
    assert.equal(receipt.rowsWritten, 3);
    assert.deepEqual(permits, [3]);
    const settled = await fixture.destination(TABLE).settleCommit("b", NEVER_ABORTED);
    assert.deepEqual(settled, { state: "committed", receipt });
  },

  "deleteInsert keeps all rows of the run that share a key": async (fixture) => {
    const destination = await tableMadeBy(fixture, BY_ID, 3);
    const steps = [[labelled(2, "a"), labelled(3, "b"), labelled(2, "c")], [labelled(2, "d")]];
    const { receipt } = await write(destination, { commitId: "a", mode: BY_ID, steps });
    assert.equal(receipt.rowsWritten, 4);
    assert.deepEqual((await labelsById(fixture)).map(([id, label]) => `${id} ${String(label)}`).sort(), [
      "1 row 1",
      "2 a",
      "2 c",
      "2 d",
      "3 b",
    ]);
  },

  "deleteInsert, of the same rows twice, has them once": async (fixture) => {
    const destination = await tableWith(fixture, 1);
    const steps = [[labelled(2, "a"), labelled(2, "b")]];
    for (const commitId of ["a", "b"]) await write(destination, { commitId, mode: BY_ID, steps });
    assert.deepEqual((await labelsById(fixture)).map(([, label]) => label).sort(), ["a", "b", "row 1"]);
  },

  "deleteInsert: with several keys rows go where all of them agree": async (fixture) => {
    // 2^53 and its neighbour are one number as floats.
    const large = 2n ** 53n;
    const rows = await writePairs(fixture, "deleteInsert", {
      old: [
        ["a", 1n],
        ["a", 2n],
        ["b", large],
        ["b", 1n],
        ["a", 2n],
      ],
      new: [
        ["a", 2n],
        ["b", large + 1n],
        ["A", 1n],
        ["a ", 1n],
      ],
    });
    const expected = ["A/1/new", "a /1/new", "a/1/old", "a/2/new", `b/${large + 1n}/new`, `b/${large}/old`, "b/1/old"];
    assert.deepEqual(rows, expected.sort());
  },

  "deleteInsert leaves rows of the table whose key is null": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    await write(destination, { commitId: "a", steps: [[{ label: "no key" }, labelled(1, "old")]] });
    await write(destination, { commitId: "b", mode: BY_ID, steps: [[labelled(1, "new")]] });
    const labels = ((await fixture.read(TABLE)) ?? []).map((row) => row["label"]);
    assert.deepEqual(labels.sort(), ["new", "no key"]);
  },

  "deleteInsert: a column that the rows lack is null in them": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const idOnly: TableSchema = { columns: SAMPLE.columns.slice(0, 1) };
    await write(destination, { commitId: "a", mode: BY_ID, schema: idOnly, steps: [[{ id: 2 }]] });
    assert.deepEqual(await labelsById(fixture), [
      [1, "row 1"],
      [2, null],
    ]);
  },

  "deleteInsert: readers see the rows from before or all of the new ones": (fixture) => {
    const added = sampleRows(3, 500).map(({ id, label }) => [Number(id), String(label)] as const);
    return readersSeeOldOrNew(fixture, BY_ID, [[1, "row 1"], [2, "new"], ...added]);
  },

  "deleteInsert by writers at once leaves the rows of one of them": async (fixture) => {
    await tableWith(fixture, 5);
    const writers = ["a", "b", "c", "d"];
    const ends = await Promise.allSettled(
      writers.map((writer, n) => {
        const ids = n % 2 === 0 ? numbersUpTo(20) : [...numbersUpTo(20)].reverse();
        const steps = [1, 2].map(() => ids.map((id) => labelled(id, writer)));
        return write(fixture.destination(TABLE), { commitId: writer, mode: BY_ID, steps });
      }),
    );
    const landed = writers.filter((_, n) => ends[n]?.status === "fulfilled");
    const rows = await labelsById(fixture);
    const last = String(rows[0]?.[1]);
    assert.ok(landed.includes(last), `${last} landed`);
    assert.deepEqual(
      rows,
      numbersUpTo(20).flatMap((id) => [
        [id, last],
        [id, last],
      ]),
    );
  },

  "deleteInsert of many rows into many puts each in its place": async (fixture) => {
    const destination = await tableWith(fixture, 20_000);
    const rows = (first: number) => Array.from({ length: 5_000 }, (_, index) => labelled(first + 2 * index, "new"));
    await write(destination, { commitId: "a", mode: BY_ID, steps: [rows(10_001), rows(20_001)] });
    const labels = await labelsById(fixture);
    assert.equal(labels.filter(([, label]) => label === "new").length, 10_000);
    const odd = Array.from({ length: 5_000 }, (_, index) => 20_001 + 2 * index);
    assert.deepEqual(
      labels.map(([id]) => id),
      [...numbersUpTo(20_000), ...odd],
    );
  },
};
