import type { Bool, Data, Null } from "apache-arrow";
import { arrowData } from "../arrow-data.js";
import { bitmapBytes } from "../bitmap.js";
import { GrowingBuffer } from "../growing-buffer.js";
import type { ColumnWriter } from "./column-writer.js";
import { ValidityWriter } from "./validity-writer.js";

/** Booleans, a bit each. */
export class BooleanWriter implements ColumnWriter {
  readonly rowBytes = 1 / 8;
  private readonly rows = new ValidityWriter();
  private readonly bits = new GrowingBuffer();

  constructor(private readonly type: Bool) {}

  get length(): number {
    return this.rows.length;
  }

  append(value: boolean): void {
    const row = this.rows.append();
    if (!value) return;
    this.reach(row);
    this.bits.bytes[row >> 3]! |= 1 << (row & 7);
  }

  appendNull(): void {
    this.rows.appendNull();
  }

  take(): Data {
    const rows = this.rows.take();
    if (rows.length > 0) this.reach(rows.length - 1);
    return arrowData(this.type, rows, { values: this.bits.take() });
  }

  private reach(row: number): void {
    const missing = bitmapBytes(row + 1) - this.bits.length;
    if (missing > 0) this.bits.extend(missing);
  }
}

/** A column of nothing but nulls. */
export class NullWriter implements ColumnWriter {
  readonly rowBytes = 0;
  length = 0;

  constructor(private readonly type: Null) {}

  appendNull(): void {
    this.length += 1;
  }

  take(): Data {
    const { length } = this;
    this.length = 0;
    return arrowData(this.type, { length, nullCount: length }, {});
  }
}
