import { strict as assert } from "node:assert";
import type { Data, RecordBatch } from "apache-arrow";
import { batchRows, type PlainRow } from "../../model/batch-values.js";
import type { FilterValue, RowFilter } from "../../model/row-filter.js";
import type { Column, TableSchema } from "../../model/table-schema.js";
import type { ConnectionSnapshot } from "../../ports/connection.js";
import type { ScanRequest, WantedRows } from "../../ports/table-source.js";
import type { ConnectionFixture } from "../connection-contract.js";

const NEVER_ABORTED = new AbortController().signal;

/** What a scan gives, and what it must not leave out. */
export const scanClauses: Readonly<Record<string, (fixture: ConnectionFixture) => Promise<void>>> = {
  "a scan gives every row once, with the columns asked for in their order": (fixture) =>
    scanned(fixture, async ({ scan, columns, rowCount }) => {
      const reversed = [...columns].reverse();
      for (const wanted of [reversed, reversed.slice(1), ...columns.map((name) => [name])]) {
        if (wanted.length === 0) continue;
        const batches = await collected(scan({ columns: wanted, signal: NEVER_ABORTED }));
        assert.equal(countOf(batches), rowCount);
        for (const batch of batches) assert.deepEqual(namesOf(batch), wanted);
      }
    }),

  "two scans of one table do not meet": (fixture) =>
    scanned(fixture, async ({ scan, columns, rowCount }) => {
      const request = { columns, signal: NEVER_ABORTED };
      for (const batches of await Promise.all([collected(scan(request)), collected(scan(request))])) {
        assert.equal(countOf(batches), rowCount);
      }
    }),

  "batches that are given away share no memory, not even those of two scans": (fixture) =>
    scanned(fixture, async ({ scan, columns }) => {
      const source = fixture.full && fixture.connection.source?.(fixture.full.table);
      if (source?.givesBatchesAway !== true) return;
      const request = { columns, signal: NEVER_ABORTED };
      const all = [...(await collected(scan(request))), ...(await collected(scan(request)))];
      const buffers = all.map(({ data }) => new Set(buffersOf(data)));
      const count = buffers.reduce((sum, { size }) => sum + size, 0);
      assert.equal(new Set(buffers.flatMap((own) => [...own])).size, count);
    }),

  "a scan with filters leaves out no row for which all of them hold": (fixture) =>
    scanned(fixture, async ({ rows }) => {
      const all = await rows({});
      for (const { filters, holds } of filtersFor(await schemaOf(fixture), all)) {
        assert.ok(containsAll(await rows({ filters }), all.filter(holds)), `left out by ${JSON.stringify(filters)}`);
      }
    }),

  "a filter may name a column that is not wanted": (fixture) =>
    scanned(fixture, async ({ scan, columns, rows }) => {
      const all = await rows({});
      for (const { filters, holds, column } of filtersFor(await schemaOf(fixture), all)) {
        const wanted = columns.filter((name) => name !== column).slice(0, 1);
        if (wanted.length === 0) continue;
        const batches = await collected(scan({ columns: wanted, filters, signal: NEVER_ABORTED }));
        assert.ok(countOf(batches) >= all.filter(holds).length, `left out by ${JSON.stringify(filters)}`);
        for (const batch of batches) assert.deepEqual(namesOf(batch), wanted);
      }
    }),

  "a scan with a limit gives that many rows for which its filters hold, where there are as many": (fixture) =>
    scanned(fixture, async ({ rows }) => {
      const all = await rows({});
      const filters = [{ filters: [], holds: () => true }, ...filtersFor(await schemaOf(fixture), all)];
      for (const { filters: given, holds } of filters) {
        for (const limit of [1, 2, all.length + 1]) {
          const found = await rows({ limit, ...(given.length > 0 && { filters: given }) });
          assert.ok(found.length <= all.length);
          assert.ok(
            found.filter(holds).length >= Math.min(limit, all.filter(holds).length),
            `too few for ${JSON.stringify({ limit, filters: given })}`,
          );
        }
      }
    }),

  "a scan that was aborted throws the signal's reason": (fixture) =>
    scanned(fixture, async ({ scan, columns }) => {
      const reason = new Error("cancelled");
      await assert.rejects(collected(scan({ columns, signal: AbortSignal.abort(reason) })), reason);
    }),

  "a scan that is aborted between two batches throws the signal's reason, or was over": (fixture) =>
    scanned(fixture, async ({ scan, columns, rowCount }) => {
      const abort = new AbortController();
      const reason = new Error("cancelled");
      let rows = 0;
      try {
        for await (const batch of scan({ columns, signal: abort.signal })) {
          rows += batch.numRows;
          abort.abort(reason);
        }
        assert.equal(rows, rowCount);
      } catch (error) {
        assert.equal(error, reason);
      }
    }),

  "who leaves a scan early, or never begins it, holds nothing": (fixture) =>
    scanned(fixture, async ({ scan, columns, rowCount }) => {
      const request = { columns, signal: NEVER_ABORTED };
      for (let round = 0; round < 20; round += 1) {
        scan(request);
        for await (const batch of scan(request)) if (batch.numRows > 0) break;
      }
      assert.equal(countOf(await collected(scan(request))), rowCount);
    }),

  "all scans of a snapshot see one moment": async (fixture) => {
    const { connection, full } = fixture;
    if (connection.snapshot === undefined || full === undefined) return;
    const count = async (snapshot: ConnectionSnapshot): Promise<number> =>
      countOf(await collected(snapshot.scan(full.table, { columns: full.columns, signal: NEVER_ABORTED })));
    const snapshot = await connection.snapshot([full.table], NEVER_ABORTED);
    assert.equal(await count(snapshot), full.rowCount);
    if (fixture.addRow !== undefined) {
      await fixture.addRow();
      assert.equal(await count(snapshot), full.rowCount);
      const later = await connection.snapshot([full.table], NEVER_ABORTED);
      assert.equal(await count(later), full.rowCount + 1);
      await later.close();
    }
    await snapshot.close();
    await snapshot.close();
  },

  "a snapshot that was aborted, or left in the middle of a scan, lets go": async ({ connection, full }) => {
    if (connection.snapshot === undefined || full === undefined) return;
    const reason = new Error("cancelled");
    for (let round = 0; round < 20; round += 1) {
      const snapshot = await connection.snapshot([full.table], NEVER_ABORTED);
      const request = { columns: full.columns, signal: NEVER_ABORTED };
      if (round % 2 === 0) for await (const batch of snapshot.scan(full.table, request)) if (batch.numRows > 0) break;
      if (round % 2 === 1) {
        const signal = AbortSignal.abort(reason);
        await assert.rejects(collected(snapshot.scan(full.table, { ...request, signal })), reason);
      }
      await snapshot.close();
    }
  },

  "what a source says of a scan is text, and tells no secret": async ({ connection, full }) => {
    const source = full && connection.source?.(full.table);
    if (full === undefined || source?.explain === undefined) return;
    const text = await source.explain({ columns: full.columns, limit: 1 }, NEVER_ABORTED);
    assert.notEqual(text, "");
    for (const secret of connection.secrets ?? []) assert.ok(!text.includes(secret));
  },
};

interface Scanned {
  readonly columns: readonly string[];
  readonly rowCount: number;
  readonly scan: (request: ScanRequest) => AsyncIterable<RecordBatch>;
  /** What a scan of all columns gives. */
  readonly rows: (wanted: Omit<WantedRows, "columns">) => Promise<readonly PlainRow[]>;
}

/** Calls `act` with the full table, if it can be scanned. */
async function scanned({ connection, full }: ConnectionFixture, act: (table: Scanned) => Promise<void>): Promise<void> {
  const source = full && connection.source?.(full.table);
  if (full === undefined || source?.scan === undefined) return;
  const scan = (request: ScanRequest): AsyncIterable<RecordBatch> => source.scan!(request);
  const rows = async (wanted: Omit<WantedRows, "columns">): Promise<readonly PlainRow[]> => {
    const schema = await source.schema(NEVER_ABORTED);
    assert.ok(schema !== null);
    const batches = await collected(scan({ ...wanted, columns: full.columns, signal: NEVER_ABORTED }));
    return batches.flatMap((batch) => batchRows(batch, schema));
  };
  await act({ columns: full.columns, rowCount: full.rowCount, scan, rows });
}

/** Of a batch, without those of its dictionaries. */
function buffersOf({ values, valueOffsets, nullBitmap, children }: Data): ArrayBufferLike[] {
  const views = [values, valueOffsets, nullBitmap] as readonly (ArrayBufferView | null | undefined)[];
  const own = views.flatMap((view) => (view && view.byteLength > 0 ? [view.buffer] : []));
  return [...own, ...children.flatMap(buffersOf)];
}

async function schemaOf({ connection, full }: ConnectionFixture): Promise<TableSchema> {
  return (await connection.source?.(full?.table ?? "")?.schema(NEVER_ABORTED)) ?? { columns: [] };
}

interface SampleFilter {
  readonly column: string;
  readonly filters: readonly RowFilter[];
  readonly holds: (row: PlainRow) => boolean;
}

/** Filters on the columns of whole numbers, texts and truth values, of which it is plain for which rows they hold. */
function filtersFor(schema: TableSchema, rows: readonly PlainRow[]): readonly SampleFilter[] {
  return schema.columns.flatMap((column) => {
    const values = rows.map((row) => row[column.name]).filter((value) => value !== null);
    return [...onNulls(column.name), ...[values[0], values.at(-1)].flatMap((value) => onValue(column, value))];
  });
}

function onNulls(column: string): readonly SampleFilter[] {
  return [
    { column, filters: [{ kind: "is_null", column }], holds: (row) => row[column] === null },
    { column, filters: [{ kind: "is_not_null", column }], holds: (row) => row[column] !== null },
  ];
}

function onValue({ name: column, type }: Column, value: unknown): readonly SampleFilter[] {
  const constant = constantOf(type, value);
  if (constant === undefined) return [];
  const compare = (operator: "=" | "<>" | "<=" | ">"): RowFilter => ({
    kind: "compare",
    column,
    operator,
    value: constant,
  });
  const isKnown = (row: PlainRow): boolean => row[column] !== null;
  const equal = (row: PlainRow): boolean => row[column] === value;
  const least = (row: PlainRow): boolean => isKnown(row) && order(row[column], value) <= 0;
  const filters: SampleFilter[] = [
    { column, filters: [compare("=")], holds: equal },
    { column, filters: [compare("<>")], holds: (row) => isKnown(row) && !equal(row) },
    { column, filters: [compare("<=")], holds: least },
    { column, filters: [compare(">")], holds: (row) => isKnown(row) && !least(row) },
    { column, filters: [{ kind: "in", column, values: [constant] }], holds: equal },
    { column, filters: [compare("<="), compare("<>")], holds: (row) => least(row) && !equal(row) },
    {
      column,
      filters: [{ kind: "or", parts: [compare("="), { kind: "is_null", column }] }],
      holds: (row) => equal(row) || !isKnown(row),
    },
    {
      column,
      filters: [{ kind: "or", parts: [{ kind: "and", parts: [compare("<="), compare("<>")] }, compare(">")] }],
      holds: (row) => isKnown(row) && !equal(row),
    },
  ];
  return filters;
}

function constantOf(type: FilterValue["type"], value: unknown): FilterValue | undefined {
  if (type.kind === "boolean" && typeof value === "boolean") return { type, value };
  if (type.kind === "text" && typeof value === "string") return { type, value };
  if (type.kind !== "integer" || (typeof value !== "number" && typeof value !== "bigint")) return undefined;
  const number = Number(value);
  return { type, value: Number.isSafeInteger(number) ? number : String(value) };
}

/** Texts by their bytes in UTF-8. */
function order(left: unknown, right: unknown): number {
  if (typeof left === "string" && typeof right === "string")
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  const [one, other] = [left as number, right as number];
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Whether each of `wanted` is found as often as it is wanted. */
function containsAll(found: readonly PlainRow[], wanted: readonly PlainRow[]): boolean {
  const left = found.map(shown);
  return wanted.every((row) => {
    const at = left.indexOf(shown(row));
    if (at !== -1) left.splice(at, 1);
    return at !== -1;
  });
}

function shown(row: PlainRow): string {
  return JSON.stringify(row, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
}

function countOf(batches: readonly RecordBatch[]): number {
  return batches.reduce((rows, { numRows }) => rows + numRows, 0);
}

function namesOf({ schema }: RecordBatch): readonly string[] {
  return schema.fields.map(({ name }) => name);
}

async function collected(scan: AsyncIterable<RecordBatch>): Promise<readonly RecordBatch[]> {
  const batches: RecordBatch[] = [];
  for await (const batch of scan) batches.push(batch);
  return batches;
}
