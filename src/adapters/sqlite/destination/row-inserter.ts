import type { Database, Statement } from "better-sqlite3";
import type { DataType } from "../../../model/data-type.js";
import { JobError } from "../../../model/job-error.js";
import type { TableSchema } from "../../../model/table-schema.js";
import { nullKey } from "../../../model/write-refusals.js";
import { type Affinity, affinityOf, isExactText } from "./column-storage.js";
import { type SqliteValue, valueReader } from "./column-values.js";
import type { TextForm } from "./text-pieces.js";
import { quotedName } from "../quoted-name.js";
import type { StopFlag } from "../thread/stop-flag.js";
import type { WireBatch, WireColumn } from "../thread/wire-batch.js";

/** 10 to 100 rows in a statement load fastest; more values than this in one only cost memory. */
const MOST_ROWS = 100;
const ABOUT_VALUES = 400;

interface TargetColumn {
  readonly name: string;
  readonly type: DataType;
  readonly affinity: Affinity;
  readonly isKey: boolean;
}

/** Where the rows of a {@link RowInserter} go. */
interface InsertTarget {
  /** As messages name it. */
  readonly table: string;
  /** As statements name it: quoted, with its schema. */
  readonly into: string;
  /** Columns in which no row may have a null. */
  readonly keys: readonly string[];
}

/** Puts batches into one table, some rows at a time. */
export class RowInserter {
  private readonly columns: readonly TargetColumn[];
  private readonly rowsAtOnce: number;
  private readonly textForm: TextForm;
  private readonly several: Statement;
  private readonly one: Statement;

  /** @param produced the columns of the batches. @param existing the table's, which has each of them. */
  constructor(
    database: Database,
    private readonly target: InsertTarget,
    produced: TableSchema,
    existing: TableSchema,
    private readonly stop: StopFlag,
  ) {
    this.columns = produced.columns.map(({ name, type }) => {
      const target = existing.columns.find((column) => column.name === name);
      if (target === undefined) throw new TypeError(`column ${name} was let through`);
      return { name, type, affinity: affinityOf(target), isKey: this.target.keys.includes(name) };
    });
    this.textForm = database.pragma("encoding", { simple: true }) === "UTF-8" ? "bytes" : "strings";
    this.rowsAtOnce = Math.min(MOST_ROWS, Math.max(1, Math.floor(ABOUT_VALUES / this.columns.length)));
    this.several = database.prepare(this.insertOf(this.rowsAtOnce));
    this.one = database.prepare(this.insertOf(1));
  }

  insert(batch: WireBatch): void {
    const fills = this.columns.map((target, index) =>
      this.fillerOf(target, index, batch.columns[index]!, batch.rowCount),
    );
    const { rowsAtOnce } = this;
    let row = 0;
    for (; row + rowsAtOnce <= batch.rowCount; row += rowsAtOnce) this.run(this.several, fills, row, rowsAtOnce);
    for (; row < batch.rowCount; row++) this.run(this.one, fills, row, 1);
  }

  private run(statement: Statement, fills: readonly Filler[], from: number, rows: number): void {
    this.stop.throwIfRaised();
    const values = new Array<SqliteValue>(rows * fills.length);
    for (const fill of fills) fill(values, from, rows);
    const { changes } = statement.run(...values);
    if (changes !== rows) throw rowsLeftOut(this.target.table, rows - changes);
  }

  /** Fills one column of the statement's values, column by column so that each loop stays with one kind of value. */
  private fillerOf(target: TargetColumn, index: number, column: WireColumn, count: number): Filler {
    const width = this.columns.length;
    const { validity, firstBit } = column;
    const isNull = (row: number): boolean => {
      const bit = firstBit + row;
      return validity !== null && ((validity[bit >> 3]! >> (bit & 7)) & 1) === 0;
    };
    const { type, affinity, name, isKey } = target;
    const read = this.keepable(target, () => {
      return valueReader(type, affinity, column, { count, isNull }, this.textForm);
    });
    return (values, from, rows) => {
      this.keepable(target, () => {
        for (let row = from, at = index; row < from + rows; row++, at += width) {
          if (!isNull(row)) values[at] = read(row);
          else if (isKey) throw nullKey(this.target.table, name);
          else values[at] = null;
        }
      });
    };
  }

  private keepable<R>(target: TargetColumn, act: () => R): R {
    try {
      return act();
    } catch (error) {
      throw error instanceof RangeError ? this.unkeepable(target, error) : error;
    }
  }

  /** The value itself is not named: it may be a secret. */
  private unkeepable({ name }: TargetColumn, { message }: RangeError): JobError {
    return new JobError("destination_failed", {
      message: `Column "${name}" of "${this.target.table}": ${message}.`,
      hint: "Replace or leave out such values in the query, or cast the column to VARCHAR.",
      retryable: false,
      columns: [name],
      table: this.target.table,
    });
  }

  private insertOf(rows: number): string {
    const names = this.columns.map(({ name }) => quotedName(name)).join(", ");
    const row = `(${this.columns.map(placeholder).join(", ")})`;
    // `or abort`: a table may say that a row which breaks a constraint replaces others, or is left out.
    return `insert or abort into ${this.target.into} (${names}) values ${new Array<string>(rows).fill(row).join(", ")}`;
  }
}

type Filler = (values: SqliteValue[], from: number, rows: number) => void;

/**
 * Numbers bind as floats: a column for numbers turns a whole one back, and a column of any type would keep 1.0. Texts bind
 * as bytes.
 */
function placeholder({ type, affinity }: TargetColumn): string {
  if (isText(type) || (type.kind === "decimal" && (affinity === "text" || affinity === "any")))
    return "cast(? as text)";
  return affinity === "any" && (type.kind === "integer" || type.kind === "boolean") && !isExactText(type)
    ? "cast(? as integer)"
    : "?";
}

function isText({ kind }: DataType): boolean {
  return kind === "text" || kind === "json" || kind === "date" || kind === "time" || kind === "timestamp";
}

export function rowsLeftOut(table: string, count: number): JobError {
  return new JobError("destination_failed", {
    message: `Table "${table}" left out ${count} of the rows.`,
    hint: "Look for ON CONFLICT IGNORE in the table's definition, and for triggers that raise IGNORE.",
    retryable: false,
    table,
  });
}
