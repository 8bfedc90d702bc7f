import type { Data, RecordBatch } from "apache-arrow";
import { columnValues } from "../../model/batch-values.js";
import type { TableSchema } from "../../model/table-schema.js";
import { duplicateKey, missingKey, nullKey } from "../../model/write-refusals.js";
import type { WriteMode } from "../../model/write-mode.js";
import type { StagedRows, TablePart } from "./memory-tables.js";

type Upsert = Extract<WriteMode, { kind: "upsert" }>;

/** The rows of one upsert, taken batch by batch and compared part by part: in one go they would hold up the host. */
export class MemoryUpsert implements StagedRows {
  readonly parts: (TablePart & { readonly dropped: Uint8Array })[] = [];
  /** The number of the row, from 0, that counts for a key. */
  readonly #rows = new Map<unknown, number>();
  /** The number of each part's first row. */
  readonly #firsts: number[] = [];
  readonly #left = new WeakMap<TablePart, readonly TablePart[]>();

  /** @throws JobError `schema_mismatch` for a key that is no column of the rows. */
  constructor(
    private readonly table: string,
    private readonly mode: Upsert,
    private readonly schema: TableSchema,
  ) {
    const missing = mode.keys.find((key) => schema.columns.every(({ name }) => name !== key));
    if (missing !== undefined) throw missingKey(table, missing);
  }

  get rowCount(): number {
    return this.#rows.size;
  }

  /** @throws JobError `destination_failed` for a null or, unless the last counts, a repeated key. */
  take(batch: RecordBatch): void {
    const { table, schema } = this;
    const { keys, onDuplicate } = this.mode;
    const keyOf = keyReader({ batch, schema }, keys, (column) => {
      throw nullKey(table, column);
    });
    const first = (this.#firsts.at(-1) ?? 0) + (this.parts.at(-1)?.batch.numRows ?? 0);
    this.#firsts.push(first);
    this.parts.push({ batch, schema, dropped: new Uint8Array(batch.numRows) });
    for (let row = 0; row < batch.numRows; row++) {
      const key = keyOf(row);
      const earlier = this.#rows.get(key);
      if (earlier !== undefined) {
        if (onDuplicate !== "keepLast") throw duplicateKey(table, keys, keyTexts({ batch, schema }, keys, row));
        this.#drop(earlier);
      }
      this.#rows.set(key, first + row);
    }
  }

  /** Once all rows are taken: finds out ahead of the commit what these leave of the table. */
  async compare(before: readonly TablePart[], signal: AbortSignal): Promise<void> {
    for (const part of before) {
      signal.throwIfAborted();
      this.#left.set(part, without(part, this.mode.keys, this.#rows));
      await new Promise((resolve) => void setImmediate(resolve));
    }
  }

  remaining(before: readonly TablePart[]): readonly TablePart[] {
    return before.flatMap((part) => this.#left.get(part) ?? without(part, this.mode.keys, this.#rows));
  }

  #drop(row: number): void {
    const index = this.#firsts.findLastIndex((first) => first <= row);
    this.parts[index]!.dropped[row - this.#firsts[index]!] = 1;
  }
}

/** What of a part is left when rows with these keys come. */
function without(part: TablePart, keys: readonly string[], taken: ReadonlyMap<unknown, unknown>): readonly TablePart[] {
  // Where a part lacks a key, it is null in all of its rows.
  if (keys.some((key) => part.schema.columns.every(({ name }) => name !== key))) return [part];
  const keyOf = keyReader(part, keys, () => undefined);
  const dropped = Uint8Array.from({ length: part.batch.numRows }, (_, row) => {
    return part.dropped?.[row] || taken.has(keyOf(row)) ? 1 : 0;
  });
  return dropped.includes(0) ? [{ ...part, dropped }] : [];
}

type Rows = Pick<TablePart, "batch" | "schema">;

/** Gives for each row one value that is equal, as a Map sees it, where all the key columns are; undefined where one is null. */
function keyReader(rows: Rows, keys: readonly string[], onNull: (column: string) => void): (row: number) => unknown {
  const columns = keys.map((key) => valuesOf(rows, key));
  const [only] = columns;
  return (row) => {
    const nullAt = columns.findIndex((values) => values[row] === null);
    if (nullAt !== -1) return void onNull(keys[nullAt] ?? "");
    const value = only?.[row];
    if (columns.length === 1 && typeof value !== "object") return value;
    return JSON.stringify(
      columns.map((values) => values[row]),
      plain,
    );
  };
}

function keyTexts(rows: Rows, keys: readonly string[], row: number): readonly string[] {
  return keys.map((key) => {
    const value = valuesOf(rows, key)[row];
    return typeof value === "string" ? value : JSON.stringify(value, plain).replaceAll('"', "");
  });
}

function valuesOf({ batch, schema }: Rows, key: string): readonly unknown[] {
  const index = schema.columns.findIndex(({ name }) => name === key);
  return columnValues(batch.data.children[index] as Data, schema.columns[index]!.type);
}

/** JSON has no infinities, no large integers, no bytes and no maps. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  return value instanceof Map ? [...(value as Map<unknown, unknown>)] : value;
}
