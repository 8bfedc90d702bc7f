import { strict as assert } from "node:assert";
import type { DataType } from "../../model/data-type.js";
import type { TableSchema } from "../../model/table-schema.js";
import { recordBatch, type SampleRow } from "../rows/record-batch.js";
import {
  type DestinationFixture,
  emptyTable,
  idsIn,
  labelsById,
  SAMPLE,
  sampleRows,
  TABLE,
  tableWith,
  write,
} from "./destination-fixture.js";

type Clauses = Readonly<Record<string, (fixture: DestinationFixture) => Promise<void>>>;

const NEVER_ABORTED = new AbortController().signal;

const BOOLEAN: DataType = { kind: "boolean" };

const TEXTS = [
  "",
  " ",
  'O\'Brien "quoted" \\ back',
  "two\nlines\r\nand a\ttab",
  "x'); drop table results; --",
  "{name} ${name} :name ? $1 %s",
  "\\N",
  "NULL",
  "ünï ßЖ 漢字 🦆 \u{10FFFF}",
  "\uFEFFwith a mark",
  "nul\0inside",
  "é".repeat(5_000),
];

/** Tables: when they are there, when they are made, what goes where in them. */
export const tableClauses: Clauses = {
  "schema() of a table that is not there is null, and makes nothing": async (fixture) => {
    assert.equal(await fixture.destination(TABLE).schema(NEVER_ABORTED), null);
    assert.equal(await fixture.read(TABLE), null);
  },

  "schema() names the columns of a table, in their order": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    const schema = await destination.schema(NEVER_ABORTED);
    assert.deepEqual(
      schema?.columns.map(({ name }) => name),
      ["id", "label"],
    );
  },

  "a missing table is refused when it may not be made, and is not made": async (fixture) => {
    await assert.rejects(write(fixture.destination(TABLE), { commitId: "a", steps: [sampleRows(1, 2)] }));
    assert.equal(await fixture.read(TABLE), null);
  },

  "a missing table is made together with its rows": async (fixture) => {
    const look = async () => assert.equal(await fixture.read(TABLE), null);
    const trial = { commitId: "a", createIfMissing: true, steps: [sampleRows(1, 2), look], atPermit: look };
    await write(fixture.destination(TABLE), trial);
    assert.deepEqual(await idsIn(fixture), [1, 2]);
  },

  "a table that a failed write would have made is not there": async (fixture) => {
    const atPermit = () => Promise.reject(new Error("refused"));
    const trial = { commitId: "a", createIfMissing: true, steps: [sampleRows(1, 2)], atPermit };
    await assert.rejects(write(fixture.destination(TABLE), trial));
    assert.equal(await fixture.read(TABLE), null);
  },

  "columns are matched by name, in whatever order they come": async (fixture) => {
    const destination = await tableWith(fixture, 1);
    const turned: TableSchema = { columns: [...SAMPLE.columns].reverse() };
    await write(destination, { commitId: "a", schema: turned, steps: [[{ id: 2, label: "two" }]] });
    assert.deepEqual(await labelsById(fixture), [
      [1, "row 1"],
      [2, "two"],
    ]);
  },

  "a nullable column that the rows lack is null in them": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    const idOnly: TableSchema = { columns: SAMPLE.columns.slice(0, 1) };
    await write(destination, { commitId: "a", schema: idOnly, steps: [[{ id: 1 }]] });
    assert.deepEqual(await labelsById(fixture), [[1, null]]);
  },

  "rows with a column that the table lacks are refused": async (fixture) => {
    const destination = await tableWith(fixture, 1);
    const wider: TableSchema = {
      columns: [...SAMPLE.columns, { name: "more", type: { kind: "text" }, nullable: true }],
    };
    const steps = [[{ id: 2, label: "two", more: "x" }]];
    await assert.rejects(write(destination, { commitId: "a", schema: wider, steps }));
    assert.deepEqual(await idsIn(fixture), [1]);
  },

  "nulls are kept, also where a column has nothing else": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    await write(destination, {
      commitId: "a",
      steps: [
        [{ id: 1 }, { id: 2 }],
        [{ id: 3, label: "x" }, { id: 4 }],
      ],
    });
    assert.deepEqual(
      (await labelsById(fixture)).map(([, label]) => label),
      [null, null, "x", null],
    );
  },

  "of a slice of a batch only the slice is written": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    const rows = Array.from({ length: 30 }, (_, id) => ({ id, label: id % 3 === 0 ? null : `row ${id}` }));
    // Each of a batch of its own: who is given rows may free their memory.
    const slice = (from: number, to: number) => recordBatch(SAMPLE, rows).slice(from, to);
    await write(destination, { commitId: "a", steps: [slice(5, 9), slice(13, 30)] });
    const expected = [...rows.slice(5, 9), ...rows.slice(13, 30)];
    assert.deepEqual(
      await labelsById(fixture),
      expected.map(({ id, label }) => [id, label]),
    );
  },

  "batches that share memory, as they must not, are written exactly or refused": async (fixture) => {
    // Of what is freed its bits are read as zeros, and nothing throws.
    const schema: TableSchema = { columns: [{ name: "flag", type: BOOLEAN, nullable: true }] };
    await emptyTable(fixture, "flags", schema);
    const batch = recordBatch(schema, Array<SampleRow>(30).fill({ flag: true }));
    const steps = [batch.slice(0, 8), batch.slice(8, 30)];
    const landed = await write(fixture.destination("flags"), { commitId: "a", table: "flags", schema, steps }).then(
      () => true,
      () => false,
    );
    const expected = Array<unknown>(landed ? 30 : 0).fill(fixture.readsAs?.(BOOLEAN, true) ?? true);
    assert.deepEqual(
      (await fixture.read("flags"))?.map(({ flag }) => flag),
      expected,
    );
  },

  "text comes back exactly, whatever it holds": async (fixture) => {
    const destination = await tableWith(fixture, 0);
    await write(destination, { commitId: "a", steps: [TEXTS.map((label, id) => ({ id, label }))] });
    assert.deepEqual(
      (await labelsById(fixture)).map(([, label]) => label),
      TEXTS,
    );
  },

  "names are only names, whatever they hold": async (fixture) => {
    const table = 'we"ird; drop table x --';
    const columns = ["select", "with space", "quo'te", 'dou"ble', "ünï", "1st", "a.b", "x); --"];
    const schema: TableSchema = {
      columns: columns.map((name) => ({ name, type: { kind: "text" }, nullable: true })),
    };
    const row = Object.fromEntries(columns.map((name) => [name, `in ${name}`]));
    await emptyTable(fixture, table, schema);
    await write(fixture.destination(table), { commitId: "a", table, schema, steps: [[row]] });
    assert.deepEqual(
      (await fixture.read(table))?.map((read) => ({ ...read })),
      [row],
    );
    assert.deepEqual(
      (await fixture.destination(table).schema(NEVER_ABORTED))?.columns.map(({ name }) => name),
      columns,
    );
  },

  "two tables do not meet": async (fixture) => {
    await tableWith(fixture, 2, "one");
    await tableWith(fixture, 1, "other");
    await write(fixture.destination("one"), { commitId: "a", table: "one", steps: [sampleRows(3, 1)] });
    assert.deepEqual(await idsIn(fixture, "one"), [1, 2, 3]);
    assert.deepEqual(await idsIn(fixture, "other"), [1]);
  },
};
