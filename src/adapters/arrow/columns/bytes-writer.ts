import type { Binary, Data, Utf8 } from "apache-arrow";
import { arrowData } from "../arrow-data.js";
import { GrowingBuffer } from "../growing-buffer.js";
import { unmovableValue } from "../unsupported-columns.js";
import type { BatchBytes, ColumnWriter } from "./column-writer.js";
import { ValidityWriter } from "./validity-writer.js";

/** What is copied byte by byte: a call for so few costs more than the bytes, and leaves garbage. */
const SHORT_BYTES = 48;
const LARGEST_OFFSET = 2 ** 31 - 1;
const FIRST_ROWS = 64;

const ENCODER = new TextEncoder();

/** Text, json, bits and bytes. */
export class BytesWriter implements ColumnWriter {
  readonly rowBytes = 4;
  private readonly rows = new ValidityWriter();
  private readonly values = new GrowingBuffer();
  /** Where the value of each row ends, behind a zero. */
  private offsets = new Int32Array(1);
  private expected = FIRST_ROWS;

  /** @param column the name of the table's column, for messages. */
  constructor(
    private readonly type: Utf8 | Binary,
    private readonly batch: BatchBytes,
    private readonly column: string,
  ) {}

  get length(): number {
    return this.rows.length;
  }

  appendNull(): void {
    this.rows.appendNull();
    this.endRow(0);
  }

  /** Takes the bytes from `start` to `end`: of a text, they are UTF-8. */
  appendBytes(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const { values } = this;
    let at = values.extend(length);
    if (length > SHORT_BYTES) values.bytes.set(source.subarray(start, end), at);
    else {
      const { bytes } = values;
      for (let index = start; index < end; index++) bytes[at++] = source[index]!;
    }
    this.rows.append();
    this.endRow(length);
  }

  /** @param text without lone surrogates, which UTF-8 does not have. */
  appendText(text: string): void {
    const { values } = this;
    const start = values.length;
    values.reserve(3 * text.length);
    const { written } = ENCODER.encodeInto(text, values.bytes.subarray(start));
    values.length = start + written;
    this.rows.append();
    this.endRow(written);
  }

  take(): Data {
    const rows = this.rows.take();
    const offsets = this.offsets.slice(0, rows.length + 1);
    this.expected = rows.length;
    this.offsets = new Int32Array(1);
    return arrowData(this.type, rows, { offsets, values: this.values.take() });
  }

  private endRow(bytes: number): void {
    const { length } = this.rows;
    if (this.values.length > LARGEST_OFFSET) {
      throw unmovableValue(this.column, "a value or a list in one row is larger than 2 GiB");
    }
    if (length >= this.offsets.length) this.reach(length);
    this.offsets[length] = this.values.length;
    this.batch.count += bytes;
  }

  private reach(row: number): void {
    const { offsets } = this;
    this.offsets = new Int32Array(1 + Math.max(row, 2 * offsets.length, this.expected));
    this.offsets.set(offsets);
  }
}
