import { strict as assert } from "node:assert";
import { isJobError, type JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { WriteMode } from "../../model/write-mode.js";
import type { SampleRow } from "../rows/record-batch.js";
import {
  type DestinationFixture,
  emptyTable,
  idsIn,
  labelsById,
  numbersUpTo,
  SAMPLE,
  sampleRows,
  TABLE,
  tableWith,
  write,
} from "./destination-fixture.js";

type Clauses = Readonly<Record<string, (fixture: DestinationFixture) => Promise<void>>>;

const NEVER_ABORTED = new AbortController().signal;
const BY_ID: WriteMode = { kind: "upsert", keys: ["id"] };
const LAST_BY_ID: WriteMode = { kind: "upsert", keys: ["id"], onDuplicate: "keepLast" };

const BEFORE = [
  [1, "row 1"],
  [2, "row 2"],
];

/** Rows with keys: what they replace, what they add, and which of them are refused. */
export const upsertClauses: Clauses = {
  "an upsert replaces the rows that have its keys, and adds the others": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const steps = [[labelled(2, "new")], [labelled(3, "added")]];
    const { receipt, issued, permits } = await write(destination, { commitId: "a", mode: BY_ID, steps });
    assert.deepEqual(await labelsById(fixture), [
      [1, "row 1"],
      [2, "new"],
      [3, "added"],
    ]);
    assert.equal(receipt, issued);
    assert.equal(receipt.rowsWritten, 2);
    assert.deepEqual(permits, [2]);
  },

  "an upsert replaces a row whole: what the new one lacks is null": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const idOnly: TableSchema = { columns: SAMPLE.columns.slice(0, 1) };
    await write(destination, { commitId: "a", mode: BY_ID, schema: idOnly, steps: [[{ id: 2 }]] });
    assert.deepEqual(await labelsById(fixture), [
      [1, "row 1"],
      [2, null],
    ]);
  },

  "an upsert without rows is a success and changes nothing": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const { receipt } = await write(destination, { commitId: "a", mode: BY_ID, steps: [[]] });
    assert.equal(receipt.rowsWritten, 0);
    assert.deepEqual(await labelsById(fixture), BEFORE);
  },

  "an upsert makes a missing table": async (fixture) => {
    const destination = fixture.destination(TABLE);
    await write(destination, { commitId: "a", mode: BY_ID, steps: [sampleRows(1, 2)], createIfMissing: true });
    await write(destination, { commitId: "b", mode: BY_ID, steps: [sampleRows(2, 2)] });
    assert.deepEqual(await idsIn(fixture), [1, 2, 3]);
  },

  "an upsert with several keys replaces where all of them agree": async (fixture) => {
    const destination = await emptyPairs(fixture);
    const pairs = (value: string, ...keys: readonly [string, bigint][]): readonly SampleRow[] =>
      keys.map(([place, id]) => ({ value, id, place }));
    // 2^53 and its neighbour are one number as floats.
    const large = 2n ** 53n;
    const old = pairs("old", ["a", 1n], ["a", 2n], ["b", 1n], ["b", large], ["a", -1n]);
    await write(destination, { commitId: "a", table: "pairs", schema: PAIRS, steps: [old] });
    const steps = [pairs("new", ["a", 2n], ["b", large + 1n]), pairs("new", ["A", 1n], ["a ", 1n], ["ab", 1n])];
    const mode: WriteMode = { kind: "upsert", keys: ["place", "id"] };
    // The columns in another order than the table's.
    const schema: TableSchema = { columns: [...PAIRS.columns].reverse() };
    await write(destination, { commitId: "b", table: "pairs", mode, schema, steps });
    const rows = ((await fixture.read("pairs")) ?? []).map(
      (row) => `${String(row["place"])}/${String(row["id"])}/${String(row["value"])}`,
    );
    assert.deepEqual(
      rows.sort(),
      [
        "A/1/new",
        "a /1/new",
        "a/-1/old",
        "a/1/old",
        "a/2/new",
        "ab/1/new",
        `b/${large}/old`,
        `b/${large + 1n}/new`,
        "b/1/old",
      ].sort(),
    );
  },

  "an upsert replaces all rows of the table that have one key by one": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    await write(destination, { commitId: "a", steps: [[labelled(2, "again"), labelled(2, "and again")]] });
    await write(destination, { commitId: "b", mode: BY_ID, steps: [[labelled(2, "new")]] });
    assert.deepEqual(await labelsById(fixture), [
      [1, "row 1"],
      [2, "new"],
    ]);
  },

  "an upsert leaves rows of the table whose key is null": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    await write(destination, { commitId: "a", steps: [[{ label: "no key" }, labelled(1, "old")]] });
    await write(destination, { commitId: "b", mode: BY_ID, steps: [[labelled(1, "new")]] });
    const labels = ((await fixture.read(TABLE)) ?? []).map((row) => row["label"]);
    assert.deepEqual(labels.sort(), ["new", "no key"]);
  },

  "an upsert with two rows of one key in a batch is refused and leaves nothing": (fixture) => {
    return isRefused(fixture, BY_ID, [[labelled(2, "a"), labelled(3, "b"), labelled(2, "c")]]);
  },

  "an upsert with two rows of one key in two batches is refused and leaves nothing": (fixture) => {
    return isRefused(fixture, BY_ID, [sampleRows(2, 5), sampleRows(7, 5), [labelled(3, "again")]]);
  },

  "an upsert with a null in a key is refused and leaves nothing, whatever becomes of duplicates": async (fixture) => {
    const steps = [sampleRows(2, 5), [labelled(8, "a"), { label: "no key" }]];
    await isRefused(fixture, BY_ID, steps);
    await isRefused(fixture, LAST_BY_ID, steps, "again");
  },

  "an upsert by a column that the rows do not have is refused and leaves nothing": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const labels: TableSchema = { columns: SAMPLE.columns.slice(1) };
    const trial = { commitId: "a", mode: BY_ID, schema: labels, steps: [[{ label: "row 1" }]] };
    await assert.rejects(write(destination, trial));
    assert.deepEqual(await labelsById(fixture), BEFORE);
  },

  "an upsert that keeps the last takes, of rows with one key, the last that came": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const steps = [
      [labelled(2, "first"), labelled(3, "b"), labelled(2, "second")],
      [labelled(4, "c")],
      [labelled(3, "later"), labelled(2, "last")],
    ];
    const { receipt, issued, permits } = await write(destination, { commitId: "a", mode: LAST_BY_ID, steps });
    assert.deepEqual(await labelsById(fixture), [
      [1, "row 1"],
      [2, "last"],
      [3, "later"],
      [4, "c"],
    ]);
    assert.deepEqual(permits, [6], "the permit is asked for all rows of the query");
    assert.equal(receipt, issued);
    assert.equal(receipt.rowsWritten, 3, "the receipt counts what is in the table");
    const settled = await fixture.destination(TABLE).settleCommit("a", NEVER_ABORTED);
    assert.deepEqual(settled, { state: "committed", receipt });
  },

  "an upsert that fails leaves what was there": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const failure = new Error("the source is gone");
    const fail = () => {
      throw failure;
    };
    const steps = [sampleRows(2, 5)];
    await assert.rejects(write(destination, { commitId: "a", mode: BY_ID, steps: [...steps, fail] }), failure);
    await assert.rejects(write(destination, { commitId: "b", mode: BY_ID, steps, atPermit: fail }), failure);
    assert.deepEqual(await labelsById(fixture), BEFORE);
    assert.deepEqual(await destination.settleCommit("b", NEVER_ABORTED), { state: "never" });
  },

  "an upsert that is aborted leaves what was there": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const controller = new AbortController();
    const reason = new Error("cancelled");
    const atPermit = () => controller.abort(reason);
    const trial = { commitId: "a", mode: BY_ID, steps: [sampleRows(2, 5)], signal: controller.signal, atPermit };
    await assert.rejects(write(destination, trial), reason);
    assert.deepEqual(await labelsById(fixture), BEFORE);
  },

  "readers of an upsert see the old content or the new, and nothing between": async (fixture) => {
    const destination = await tableWith(fixture, 2);
    const look = async () => assert.deepEqual(await labelsById(fixture), BEFORE);
    const steps = [[labelled(2, "new")], look, sampleRows(3, 500), look];
    let done = false;
    const writing = write(destination, { commitId: "a", mode: BY_ID, steps, atPermit: look }).finally(() => {
      done = true;
    });
    const seen = new Set<string>();
    while (!done) {
      const rows = await labelsById(fixture);
      seen.add(`${rows.length} rows, row 2 is ${String(rows[1]?.[1])}`);
      // A read may be answered without leaving this turn of the event loop; the writer needs turns too.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writing;
    assert.deepEqual(await idsIn(fixture), numbersUpTo(502));
    seen.delete("2 rows, row 2 is row 2");
    seen.delete("502 rows, row 2 is new");
    assert.deepEqual([...seen], []);
  },

  "an upsert of many rows into many replaces each once": async (fixture) => {
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

function labelled(id: number, label: string): SampleRow {
  return { id, label };
}

const PAIRS: TableSchema = {
  columns: [
    { name: "id", type: { kind: "integer", bits: 64, signed: true }, nullable: true },
    { name: "place", type: { kind: "text" }, nullable: true },
    { name: "value", type: { kind: "text" }, nullable: true },
  ],
};

async function emptyPairs(fixture: DestinationFixture) {
  await emptyTable(fixture, "pairs", PAIRS);
  return fixture.destination("pairs");
}

/** Refused for good, and by the name of the column: the rows themselves are wrong. */
async function isRefused(
  fixture: DestinationFixture,
  mode: WriteMode,
  steps: readonly (readonly SampleRow[])[],
  commitId = "refused",
): Promise<void> {
  if ((await fixture.read(TABLE)) === null) await tableWith(fixture, 2);
  const error = await write(fixture.destination(TABLE), { commitId, mode, steps }).then(
    () => assert.fail("the upsert landed"),
    (thrown: unknown) => thrown as JobError,
  );
  assert.ok(isJobError(error, "destination_failed"), String(error));
  assert.equal(error.retryable, false);
  assert.deepEqual(error.columns, ["id"]);
  assert.deepEqual(await labelsById(fixture), BEFORE);
}
