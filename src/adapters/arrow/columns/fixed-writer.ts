import { type Data, DataType as ArrowType } from "apache-arrow";
import { arrowData, type DataParts } from "../arrow-data.js";
import type { ColumnWriter } from "./column-writer.js";
import { ValidityWriter } from "./validity-writer.js";

/** A typed array of numbers. */
export interface Values extends ArrayBufferView, ArrayLike<number> {
  readonly buffer: ArrayBuffer;
  readonly BYTES_PER_ELEMENT: number;
  set(values: ArrayLike<number>): void;
}

/** A typed array, to be put around bytes. */
interface ArrayType {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): ArrayBufferView;
}

const FIRST_ROWS = 64;

/**
 * What all columns of values of one width share. The methods that store a value are those of the subclasses, so that each
 * sees one kind of array.
 */
export abstract class FixedWriter<V extends Values> implements ColumnWriter {
  readonly rowBytes: number;
  protected readonly rows = new ValidityWriter();
  protected values: V;
  /** The rows of the last batch: the next one begins with room for as many. */
  private expected = 0;

  /** @param perRow elements of the array that make one value. */
  constructor(
    private readonly type: ArrowType,
    private readonly array: new (length: number) => V,
    private readonly perRow = 1,
  ) {
    this.values = new array(0);
    this.rowBytes = this.values.BYTES_PER_ELEMENT * perRow;
  }

  get length(): number {
    return this.rows.length;
  }

  appendNull(): void {
    this.rows.appendNull();
  }

  take(): Data {
    const rows = this.rows.take();
    if (this.values.length < rows.length * this.perRow) this.reach(rows.length - 1);
    const bytes = rows.length * this.rowBytes;
    const { buffer } = this.values;
    // A copy costs less than an eighth of slack that lives as long as the batch.
    const owned = bytes * 8 < buffer.byteLength * 7 ? buffer.slice(0, bytes) : buffer;
    const arrayType = (ArrowType.isDictionary(this.type) ? this.type.indices : this.type).ArrayType as ArrayType;
    const values = new arrayType(owned, 0, bytes / arrayType.BYTES_PER_ELEMENT);
    this.expected = rows.length;
    this.values = new this.array(0);
    return arrowData(this.type, rows, { values, ...this.parts() });
  }

  /** What belongs to the column beside its values. */
  protected parts(): DataParts {
    return {};
  }

  /** Makes room for this row. What nobody writes stays zero. */
  protected reach(row: number): void {
    const { values, perRow } = this;
    this.values = new this.array(Math.max(row + 1, (2 * values.length) / perRow, this.expected, FIRST_ROWS) * perRow);
    this.values.set(values);
  }
}
