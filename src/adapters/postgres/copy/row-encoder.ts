import { UnfitValue } from "../../arrow/unfit-value.js";
import type { RecordBatch } from "apache-arrow";
import { FramedColumn } from "./framed-column.js";
import type { CopyTarget, ValueWriter } from "./value-writer.js";

/** Larger messages are hardly faster, and making one holds the event loop: for 2 to 4 ms with these. */
const MOST_ROWS = 4_096;
const MOST_VALUES = 32_768;
const MOST_BYTES = 1 << 20;
/** The number of fields that begins each row. */
const COUNT_BYTES = 2;
/** A CopyData message: `d`, then the length of all but this letter. */
const MESSAGE_HEADER_BYTES = 5;
const COPY_DATA = 0x64;

/** What the binary format begins with: its signature, no flags, no extension. */
const FORMAT_HEADER = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
const FORMAT_END = Buffer.from([0xff, 0xff]);

export const COPY_BEGIN = message(FORMAT_HEADER);
export const COPY_END = message(FORMAT_END);

/** A column's name and what writes its values. */
export interface EncodedColumn {
  readonly name: string;
  readonly writer: ValueWriter;
}

/**
 * Arrow batches as messages of COPY's binary format: the bytes of every row are counted, that gives each row its place,
 * and then every column is written in one pass.
 */
export class RowEncoder {
  private readonly columns: readonly { readonly name: string; readonly framed: FramedColumn }[];
  private readonly sizes = new Int32Array(MOST_ROWS);
  private readonly at = new Int32Array(MOST_ROWS);
  private readonly mostRows: number;
  private rowsAtOnce: number;
  private rowCount = 0;
  private next = 0;

  constructor(columns: readonly EncodedColumn[]) {
    this.columns = columns.map(({ name, writer }) => ({ name, framed: new FramedColumn(writer) }));
    this.mostRows = Math.max(1, Math.min(MOST_ROWS, Math.floor(MOST_VALUES / columns.length)));
    this.rowsAtOnce = this.mostRows;
  }

  open(batch: RecordBatch): void {
    this.rowCount = batch.numRows;
    this.next = 0;
    this.columns.forEach(({ framed }, index) => framed.open(batch.data.children[index]!));
  }

  /** Whether the batch that was opened has rows left. */
  get hasMore(): boolean {
    return this.next < this.rowCount;
  }

  /**
   * The next rows as one message, in a buffer that `buffers` gives for at least so many bytes.
   *
   * @throws UnfitValue
   */
  encode(buffer: (bytes: number) => Uint8Array): Uint8Array {
    const measured = Math.min(this.rowCount - this.next, this.rowsAtOnce);
    const { sizes, at } = this;
    sizes.fill(COUNT_BYTES, 0, measured);
    this.each((framed) => framed.measure(sizes, this.next, measured));
    let rows = 0;
    let end = MESSAGE_HEADER_BYTES;
    for (; rows < measured && (rows === 0 || end + sizes[rows]! <= MOST_BYTES); rows++) {
      at[rows] = end;
      end += sizes[rows]!;
    }
    // Large rows are measured by few at a time, too.
    this.rowsAtOnce = Math.min(this.mostRows, Math.max(rows + 1, rows * 2));
    const bytes = buffer(end);
    const target: CopyTarget = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
    target.view.setUint8(0, COPY_DATA);
    target.view.setInt32(1, end - 1);
    for (let row = 0; row < rows; row++) {
      target.view.setInt16(at[row]!, this.columns.length);
      at[row]! += COUNT_BYTES;
    }
    this.each((framed) => framed.write(target, at, rows));
    this.next += rows;
    return bytes.subarray(0, end);
  }

  private each(act: (framed: FramedColumn) => void): void {
    for (const { name, framed } of this.columns) {
      try {
        act(framed);
      } catch (error) {
        throw error instanceof RangeError ? new UnfitValue(name, error) : error;
      }
    }
  }
}

function message(content: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(MESSAGE_HEADER_BYTES + content.length);
  bytes.writeUInt8(COPY_DATA);
  bytes.writeInt32BE(bytes.length - 1, 1);
  bytes.set(content, MESSAGE_HEADER_BYTES);
  return bytes;
}
