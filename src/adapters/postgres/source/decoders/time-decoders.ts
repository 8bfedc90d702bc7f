import type { Bytes16Writer, Int32Writer, Int64Writer } from "../../../arrow/columns/number-writers.js";
import { unmovableValue } from "../../../arrow/unsupported-columns.js";
import { type ColumnDecoder, malformed, NULL_START, type RowBytes } from "./column-decoder.js";

const TWO_32 = 0x1_0000_0000;
const MAX_INT32 = 0x7fff_ffff;
const MIN_INT32 = ~MAX_INT32;

/** Postgres counts from 2000-01-01. */
const DAYS_TO_2000 = 10_957;
const MICROS_TO_2000 = DAYS_TO_2000 * 86_400_000_000;
const LOW_TO_2000 = MICROS_TO_2000 % TWO_32;
const HIGH_TO_2000 = Math.floor(MICROS_TO_2000 / TWO_32);

export class DateDecoder implements ColumnDecoder {
  constructor(private readonly writer: Int32Writer) {}

  decode({ view }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) {
        writer.appendNull();
        continue;
      }
      if (ends[index]! - start !== 4) throw malformed();
      const day = view.getInt32(start);
      // The infinities of the model lie symmetrically.
      writer.append(day === MAX_INT32 ? MAX_INT32 : day === MIN_INT32 ? -MAX_INT32 : day + DAYS_TO_2000);
    }
  }
}

/** Timestamps with a zone and without: microseconds in both. */
export class TimestampDecoder implements ColumnDecoder {
  /** @param column the name of the table's column, for messages. */
  constructor(
    private readonly writer: Int64Writer,
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
      if (ends[index]! - start !== 8) throw malformed();
      const high = view.getInt32(start);
      const low = view.getUint32(start + 4);
      if (high === MAX_INT32 && low === TWO_32 - 1) writer.appendWords(-1, MAX_INT32);
      else if (high === MIN_INT32 && low === 0) writer.appendWords(1, MIN_INT32);
      else {
        const lowFrom1970 = low + LOW_TO_2000;
        const highFrom1970 = high + HIGH_TO_2000 + (lowFrom1970 >= TWO_32 ? 1 : 0);
        // The last microsecond of all is the model's infinity.
        if (highFrom1970 > MAX_INT32 || (highFrom1970 === MAX_INT32 && lowFrom1970 % TWO_32 === TWO_32 - 1)) {
          throw unmovableValue(this.column, "a timestamp lies after 294247-01-10, where 64 bits from 1970 end");
        }
        writer.appendWords(lowFrom1970, highFrom1970);
      }
    }
  }
}

/** To microseconds << 24, plus 57,599 less the offset in seconds east; Postgres keeps the offset in seconds west. */
export class ZonedTimeDecoder implements ColumnDecoder {
  constructor(private readonly writer: Int64Writer) {}

  decode({ view }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      if (start === NULL_START) {
        writer.appendNull();
        continue;
      }
      if (ends[index]! - start !== 12) throw malformed();
      const micros = view.getInt32(start) * TWO_32 + view.getUint32(start + 4);
      writer.appendWords(((micros & 0xff) << 24) | (view.getInt32(start + 8) + 57_599), Math.floor(micros / 256));
    }
  }
}

/** To months, days and microseconds; Postgres has them the other way round. */
export class IntervalDecoder implements ColumnDecoder {
  /** @param column the name of the table's column, for messages. */
  constructor(
    private readonly writer: Bytes16Writer,
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
      if (ends[index]! - start !== 16) throw malformed();
      const days = view.getInt32(start + 8);
      const months = view.getInt32(start + 12);
      // From Postgres 17 on the ends of all three numbers together are the infinite intervals.
      if (days === months && (months === MAX_INT32 || months === MIN_INT32)) {
        throw unmovableValue(this.column, "an interval is infinite");
      }
      writer.appendWords(months, days, view.getInt32(start + 4), view.getInt32(start));
    }
  }
}
