import type { ColumnWriter } from "../../../arrow/columns/column-writer.js";

/** Bytes of rows, and the same as numbers: MySQL sends the lowest byte first. */
export interface RowBytes {
  readonly bytes: Buffer;
  readonly view: DataView;
}

/** Where a value begins that is null. */
export const NULL_START = -1;

/** In the place of a width: the length stands before each value. */
export const OWN_LENGTH = 0;

/**
 * Turns values of one form of the binary protocol into a column of a batch.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html
 */
export interface ColumnDecoder {
  /** The bytes that each value takes, or {@link OWN_LENGTH}. */
  readonly width: number;
  /**
   * Appends values `from` to `to`: each starts where `starts` says, or is {@link NULL_START}. `ends` counts only for values
   * with a length of their own.
   *
   * @throws RangeError that says what a value is where the column cannot hold it: the values before it are in the column.
   */
  decode(rows: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void;
}

/** For values that are rare, or take long anyway: one call for each. */
export class ValueDecoder implements ColumnDecoder {
  constructor(
    private readonly writer: ColumnWriter,
    private readonly append: (rows: RowBytes, start: number, end: number) => void,
    readonly width = OWN_LENGTH,
  ) {}

  decode(rows: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) this.writer.appendNull();
      else this.append(rows, start, ends[index]!);
    }
  }
}
