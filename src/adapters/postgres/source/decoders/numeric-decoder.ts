import type { DecimalWriter } from "../../../arrow/columns/decimal-writer.js";
import { unmovableValue } from "../../../arrow/unsupported-columns.js";
import { type ColumnDecoder, malformed, NULL_START, type RowBytes } from "./column-decoder.js";

const HEADER_BYTES = 8;
const POSITIVE = 0;
const NEGATIVE = 0x4000;

/** A numeric as a decimal: the number of its digits of base 10,000, the weight of the first, the sign, the decimals to show, the digits. */
export class NumericDecoder implements ColumnDecoder {
  /** @param column the name of the table's column, for messages. */
  constructor(
    private readonly writer: DecimalWriter,
    private readonly column: string,
  ) {}

  decode({ view }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) {
        writer.appendNull();
        continue;
      }
      const digits = view.getUint16(start);
      if (ends[index]! - start !== HEADER_BYTES + 2 * digits) throw malformed();
      const sign = view.getUint16(start + 4);
      if (sign !== POSITIVE && sign !== NEGATIVE) {
        throw unmovableValue(this.column, "a value is NaN or infinite, which no DECIMAL is");
      }
      writer.appendGroups(view, start + HEADER_BYTES, digits, view.getInt16(start + 2), sign === NEGATIVE);
    }
  }
}
