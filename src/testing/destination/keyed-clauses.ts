import { strict as assert } from "node:assert";
import { type DataType, formatDataType } from "../../model/data-type.js";
import { isJobError, type JobError } from "../../model/job-error.js";
import type { TableSchema } from "../../model/table-schema.js";
import type { KeyColumns, KeyedMode, WriteMode } from "../../model/write-mode.js";
import type { SampleValue } from "../rows/column-buffers.js";
import type { SampleRow } from "../rows/record-batch.js";
import {
  type DestinationFixture,
  emptyTable,
  labelsById,
  SAMPLE,
  sampleRows,
  TABLE,
  tableWith,
  write,
} from "./destination-fixture.js";

type Clauses = Readonly<Record<string, (fixture: DestinationFixture) => Promise<void>>>;

const NEVER_ABORTED = new AbortController().signal;

const BEFORE = [
  [1, "row 1"],
  [2, "row 2"],
];

export function labelled(id: number, label: string): SampleRow {
  return { id, label };
}

/** What every mode that goes by keys refuses, and what it leaves when it ends early. */
export function keyedClauses(kind: Exclude<KeyedMode["kind"], "upsert">): Clauses {
  const byId: WriteMode = { kind, keys: ["id"] };
  return {
    [`${kind}: a null in a key is refused by the column's name, and leaves nothing`]: (fixture) => {
      return isRefused(fixture, byId, [sampleRows(2, 5), [labelled(8, "a"), { label: "no key" }]]);
    },

    [`${kind}: a key that the rows do not have is refused, and leaves nothing`]: async (fixture) => {
      const destination = await tableWith(fixture, 2);
      const labels: TableSchema = { columns: SAMPLE.columns.slice(1) };
      const trial = { commitId: "a", mode: byId, schema: labels, steps: [[{ label: "row 1" }]] };
      await assert.rejects(write(destination, trial));
      assert.deepEqual(await labelsById(fixture), BEFORE);
    },

    [`${kind}: no rows are a success, and change nothing`]: async (fixture) => {
      const destination = await tableWith(fixture, 2);
      const { receipt, permits } = await write(destination, { commitId: "a", mode: byId, steps: [[]] });
      assert.equal(receipt.rowsWritten, 0);
      assert.deepEqual(permits, [0]);
      assert.deepEqual(await labelsById(fixture), BEFORE);
    },

    [`${kind}: a failure leaves what was there`]: async (fixture) => {
      const destination = await tableWith(fixture, 2);
      const failure = new Error("the source is gone");
      const fail = () => {
        throw failure;
      };
      const steps = [sampleRows(2, 5)];
      await assert.rejects(write(destination, { commitId: "a", mode: byId, steps: [...steps, fail] }), failure);
      await assert.rejects(write(destination, { commitId: "b", mode: byId, steps, atPermit: fail }), failure);
      assert.deepEqual(await labelsById(fixture), BEFORE);
      assert.deepEqual(await destination.settleCommit("b", NEVER_ABORTED), { state: "never" });
      await write(destination, { commitId: "c", mode: byId, steps: [sampleRows(3, 1)] });
      assert.deepEqual(await labelsById(fixture), [...BEFORE, [3, "row 3"]]);
    },

    [`${kind}: an abort at the permit leaves what was there`]: async (fixture) => {
      const destination = await tableWith(fixture, 2);
      const controller = new AbortController();
      const reason = new Error("cancelled");
      const atPermit = () => controller.abort(reason);
      const trial = { commitId: "a", mode: byId, steps: [sampleRows(2, 5)], signal: controller.signal, atPermit };
      await assert.rejects(write(destination, trial), reason);
      assert.deepEqual(await labelsById(fixture), BEFORE);
    },
  };
}

/** Refused for good, and by the name of the column: the rows themselves are wrong. */
export async function isRefused(
  fixture: DestinationFixture,
  mode: WriteMode,
  steps: readonly (readonly SampleRow[])[],
): Promise<void> {
  const destination = await tableWith(fixture, 2);
  const error = await write(destination, { commitId: "refused", mode, steps }).then(
    () => assert.fail("the write landed"),
    (thrown: unknown) => thrown as JobError,
  );
  assert.ok(isJobError(error, "destination_failed"), String(error));
  assert.equal(error.retryable, false);
  assert.deepEqual(error.columns, ["id"]);
  assert.deepEqual(await labelsById(fixture), BEFORE);
  assert.deepEqual(await destination.settleCommit("refused", NEVER_ABORTED), { state: "never" });
}

/** Readers see the rows from before until the commit, and then all of the new ones. */
export async function readersSeeOldOrNew(
  fixture: DestinationFixture,
  mode: WriteMode,
  after: readonly (readonly [number, string])[],
): Promise<void> {
  const destination = await tableWith(fixture, 2);
  const look = async () => assert.deepEqual(await labelsById(fixture), BEFORE);
  const steps = [[labelled(2, "new")], look, sampleRows(3, 500), look];
  let done = false;
  const writing = write(destination, { commitId: "a", mode, steps, atPermit: look }).finally(() => {
    done = true;
  });
  const seen = new Set<string>();
  while (!done) {
    seen.add(JSON.stringify(await labelsById(fixture)));
    // A read may be answered without leaving this turn of the event loop; the writer needs turns too.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writing;
  assert.deepEqual(await labelsById(fixture), after);
  seen.delete(JSON.stringify(BEFORE));
  seen.delete(JSON.stringify(after));
  assert.deepEqual([...seen], []);
}

/** A type of keys, and values of it that are easily taken for one another. */
const KEY_TYPES: readonly { readonly type: DataType; readonly values: readonly SampleValue[] }[] = [
  {
    type: { kind: "text" },
    values: ["a", "A", "a ", " a", "ab", "", "é", "e\u0301", "É", "ss", "ß", "1", "1.0", "01", "漢", "🦆"],
  },
  { type: { kind: "integer", bits: 64, signed: true }, values: [0n, -1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n] },
  { type: { kind: "decimal", precision: 18, scale: 3 }, values: [0n, 1n, 1_000n, -1_000n, 10n ** 18n - 1n] },
  { type: { kind: "boolean" }, values: [true, false] },
  { type: { kind: "date" }, values: [0, 1, -1, 11_016] },
  {
    type: { kind: "timestamp", unit: "us", zoned: true },
    values: [0n, 1n, 978_307_260_000_000n, 978_307_260_000_001n],
  },
  {
    type: { kind: "uuid" },
    values: [
      "00000000-0000-0000-0000-000000000000",
      "12345678-1e10-4000-8000-ffffffffffff",
      "12345678-1e10-4000-8000-fffffffffffe",
    ],
  },
];

/**
 * Of each type: the table has all values but the last, the run all but the first. Rows are numbered by their value's place,
 * those of the run from 100.
 */
export function keyTypeClauses(
  kind: Exclude<KeyedMode["kind"], "upsert">,
  expected: (count: number) => readonly number[],
): Clauses {
  return Object.fromEntries(
    KEY_TYPES.map(({ type, values }) => [
      `${kind}: keys of type ${formatDataType(type)} are the same only where they are equal`,
      async (fixture: DestinationFixture) => {
        const schema: TableSchema = {
          columns: [
            { name: "n", type: { kind: "integer", bits: 32, signed: true }, nullable: true },
            { name: "key", type, nullable: true },
          ],
        };
        if (fixture.destination("keyed").storage?.(type, null).stored === false) return;
        await emptyTable(fixture, "keyed", schema);
        const rows = values.map((key, n) => ({ n, key }));
        const keys: KeyColumns = ["key"];
        const steps = [rows.slice(1).map(({ n, key }) => ({ n: 100 + n, key }))];
        await write(fixture.destination("keyed"), {
          commitId: "a",
          table: "keyed",
          schema,
          steps: [rows.slice(0, -1)],
        });
        await write(fixture.destination("keyed"), {
          commitId: "b",
          table: "keyed",
          schema,
          mode: { kind, keys },
          steps,
        });
        const numbers = ((await fixture.read("keyed")) ?? []).map((row) => Number(row["n"]));
        assert.deepEqual(
          numbers.sort((left, right) => left - right),
          expected(values.length),
        );
      },
    ]),
  );
}

const PAIRS: TableSchema = {
  columns: [
    { name: "id", type: { kind: "integer", bits: 64, signed: true }, nullable: true },
    { name: "place", type: { kind: "text" }, nullable: true },
    { name: "value", type: { kind: "text" }, nullable: true },
  ],
};

/** The table `pairs` after a write by two keys, its columns in another order than the table's. */
export async function writePairs(
  fixture: DestinationFixture,
  kind: KeyedMode["kind"],
  pairs: { readonly old: readonly (readonly [string, bigint])[]; readonly new: readonly (readonly [string, bigint])[] },
): Promise<readonly string[]> {
  await emptyTable(fixture, "pairs", PAIRS);
  const rows = (value: "old" | "new") => pairs[value].map(([place, id]) => ({ value, id, place }));
  await write(fixture.destination("pairs"), { commitId: "a", table: "pairs", schema: PAIRS, steps: [rows("old")] });
  const mode: WriteMode = { kind, keys: ["place", "id"] };
  const schema: TableSchema = { columns: [...PAIRS.columns].reverse() };
  await write(fixture.destination("pairs"), { commitId: "b", table: "pairs", mode, schema, steps: [rows("new")] });
  return ((await fixture.read("pairs")) ?? [])
    .map((row) => `${String(row["place"])}/${String(row["id"])}/${String(row["value"])}`)
    .sort();
}

/** Fills the table by the mode itself, which makes it: then it may have an index that others lack. */
export async function tableMadeBy(fixture: DestinationFixture, mode: WriteMode, count: number) {
  if (fixture.prepare) await fixture.prepare(TABLE, SAMPLE);
  const destination = fixture.destination(TABLE);
  await write(destination, { commitId: "made", mode, steps: [sampleRows(1, count)], createIfMissing: true });
  return destination;
}
