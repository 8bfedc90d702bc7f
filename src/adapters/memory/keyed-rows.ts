import type { Data, RecordBatch } from "apache-arrow";
import { columnValues } from "../../model/batch-values.js";
import type { TableSchema } from "../../model/table-schema.js";
import { duplicateKey, nullKey, refuseMissingKeys } from "../../model/write-refusals.js";
import { type KeyedMode, onRepeatedKey } from "../../model/write-mode.js";
import type { StagedRows, TableContent, TablePart } from "./memory-tables.js";

type OwnPart = TablePart & { readonly dropped: Uint8Array };

/** What a part of the table and the run's rows have in common. */
interface Meeting {
  /** What of the part has no key of the run's rows. */
  readonly left: readonly TablePart[];
  /** The numbers of the run's rows whose key is in the part. */
  readonly found: readonly number[];
}

/** The rows of one run that go by keys, taken batch by batch and compared part by part: in one go they would hold up the host. */
export class KeyedRows implements StagedRows {
  readonly #parts: OwnPart[] = [];
  /** The number of the row, from 0, that counts for a key. */
  readonly #rows = new Map<unknown, number>();
  /** The number of each part's first row. */
  readonly #firsts: number[] = [];
  readonly #met = new WeakMap<TablePart, Meeting>();
  #ready: { readonly before: readonly TablePart[]; readonly content: TableContent } | undefined;
  #rowCount = 0;

  /** @throws JobError `schema_mismatch` for a key that is no column of the rows. */
  constructor(
    private readonly table: string,
    private readonly mode: KeyedMode,
    private readonly schema: TableSchema,
  ) {
    refuseMissingKeys(table, mode, schema);
  }

  /** @throws JobError `destination_failed` for a null and, where the mode refuses it, a repeated key. */
  take(batch: RecordBatch): void {
    const { table, schema, mode } = this;
    const onRepeated = onRepeatedKey(mode);
    const keyOf = keyReader({ batch, schema }, mode.keys, (column) => {
      throw nullKey(table, column);
    });
    const first = (this.#firsts.at(-1) ?? 0) + (this.#parts.at(-1)?.batch.numRows ?? 0);
    this.#firsts.push(first);
    this.#parts.push({ batch, schema, dropped: new Uint8Array(batch.numRows) });
    this.#rowCount += batch.numRows;
    for (let row = 0; row < batch.numRows; row++) {
      const key = keyOf(row);
      const earlier = this.#rows.get(key);
      if (earlier !== undefined && onRepeated !== "keepAll") {
        if (onRepeated === "refuse") throw duplicateKey(table, mode, keyTexts({ batch, schema }, mode.keys, row));
        this.#rowCount -= 1;
        drop(this.#parts, this.#firsts, onRepeated === "keepLast" ? earlier : first + row);
        if (onRepeated === "keepFirst") continue;
      }
      this.#rows.set(key, first + row);
    }
  }

  /** Once all rows are taken: finds out ahead of the commit what becomes of the table, unless another one comes before. */
  async compare(before: readonly TablePart[], signal: AbortSignal): Promise<void> {
    const steps = this.#steps(before);
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return void (this.#ready = { before, content: value });
      await new Promise((resolve) => void setImmediate(resolve));
      signal.throwIfAborted();
    }
  }

  onto(before: readonly TablePart[]): TableContent {
    if (this.#ready?.before === before) return this.#ready.content;
    const steps = this.#steps(before);
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
    }
  }

  /** What the rows make of a table, part by part. */
  *#steps(before: readonly TablePart[]): Generator<void, TableContent> {
    const left: TablePart[] = [];
    const own = this.#parts.map((part) => ({ ...part, dropped: part.dropped.slice() }));
    let rowsNew = this.#rowCount;
    for (const part of before) {
      const meeting = this.#met.get(part) ?? this.#meet(part);
      this.#met.set(part, meeting);
      left.push(...meeting.left);
      for (const row of meeting.found) if (drop(own, this.#firsts, row)) rowsNew -= 1;
      yield;
    }
    if (this.mode.kind !== "insertOnly") return { parts: [...left, ...this.#parts], rowsWritten: this.#rowCount };
    return { parts: [...before, ...own.filter(({ dropped }) => dropped.includes(0))], rowsWritten: rowsNew };
  }

  #meet(part: TablePart): Meeting {
    const { keys } = this.mode;
    // Where a part lacks a key, it is null in all of its rows.
    if (keys.some((key) => part.schema.columns.every(({ name }) => name !== key))) return { left: [part], found: [] };
    const keyOf = keyReader(part, keys, () => undefined);
    const found: number[] = [];
    const dropped = Uint8Array.from({ length: part.batch.numRows }, (_, row) => {
      if (part.dropped?.[row]) return 1;
      const own = this.#rows.get(keyOf(row));
      if (own === undefined) return 0;
      found.push(own);
      return 1;
    });
    return { left: dropped.includes(0) ? [{ ...part, dropped }] : [], found };
  }
}

/** @returns whether it was there. */
function drop(parts: readonly OwnPart[], firsts: readonly number[], row: number): boolean {
  const index = firsts.findLastIndex((first) => first <= row);
  const { dropped } = parts[index]!;
  const at = row - firsts[index]!;
  const wasThere = dropped[at] === 0;
  dropped[at] = 1;
  return wasThere;
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
