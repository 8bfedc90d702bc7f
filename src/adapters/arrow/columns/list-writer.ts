import type { Data, List } from "apache-arrow";
import { arrowData } from "../arrow-data.js";
import type { BatchBytes, ColumnWriter } from "./column-writer.js";
import { ValidityWriter } from "./validity-writer.js";

/** Lists: the items of a row are appended to `item`, and then the row is ended. */
export class ListWriter<I extends ColumnWriter = ColumnWriter> implements ColumnWriter {
  readonly rowBytes = 4;
  private readonly rows = new ValidityWriter();
  private offsets: number[] = [0];

  constructor(
    private readonly type: List,
    readonly item: I,
    private readonly batch: BatchBytes,
  ) {}

  get length(): number {
    return this.rows.length;
  }

  /** A list of the items that were appended since the last row. */
  append(): void {
    this.rows.append();
    const items = this.item.length;
    this.batch.count += (items - this.offsets[this.offsets.length - 1]!) * this.item.rowBytes;
    this.offsets.push(items);
  }

  appendNull(): void {
    this.rows.appendNull();
    this.offsets.push(this.item.length);
  }

  take(): Data {
    const offsets = Int32Array.from(this.offsets);
    this.offsets = [0];
    return arrowData(this.type, this.rows.take(), { offsets, children: [this.item.take()] });
  }
}
