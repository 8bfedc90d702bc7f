import type { Int32Writer, Int64Writer } from "../../../arrow/columns/number-writers.js";
import { calendarDay } from "../../../sql/calendar-day.js";
import { type ColumnDecoder, NULL_START, OWN_LENGTH, type RowBytes } from "./column-decoder.js";

const MICROS_PER_SECOND = 1_000_000;
const SECONDS_PER_DAY = 86_400;
/** So many seconds in microseconds are a safe integer. */
const SAFE_SECONDS = 9e9;

/** A date's bytes: two of the year, month, day. What ends in zeros is cut short there. */
const DATE_BYTES = 4;
/** With the clock behind it; microseconds may follow. */
const SECOND_BYTES = 7;

export class DateDecoder implements ColumnDecoder {
  readonly width = OWN_LENGTH;
  private readonly days: Days;

  /** @param zeroIsNull dates without a year, a month or a day are null; otherwise they are refused. */
  constructor(
    private readonly writer: Int32Writer,
    zeroIsNull: boolean,
  ) {
    this.days = new Days(zeroIsNull);
  }

  decode({ bytes }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer, days } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      const day = start === NULL_START ? undefined : days.at(bytes, start, ends[index]!);
      if (day === undefined) writer.appendNull();
      else writer.append(day);
    }
  }
}

/** Timestamps with a zone and without: the session's zone is UTC. */
export class TimestampDecoder implements ColumnDecoder {
  readonly width = OWN_LENGTH;
  private readonly days: Days;

  constructor(
    private readonly writer: Int64Writer,
    zeroIsNull: boolean,
  ) {
    this.days = new Days(zeroIsNull);
  }

  decode({ bytes, view }: RowBytes, starts: Int32Array, ends: Int32Array, from: number, to: number): void {
    const { writer, days } = this;
    for (let index = from; index < to; index++) {
      const start = starts[index]!;
      const end = ends[index]!;
      const day = start === NULL_START ? undefined : days.at(bytes, start, end);
      if (day === undefined) {
        writer.appendNull();
        continue;
      }
      const seconds = day * SECONDS_PER_DAY + (end - start > DATE_BYTES ? clockSeconds(bytes, start + DATE_BYTES) : 0);
      const micros = end - start > SECOND_BYTES ? view.getUint32(start + SECOND_BYTES, true) : 0;
      if (Math.abs(seconds) < SAFE_SECONDS) writer.append(seconds * MICROS_PER_SECOND + micros);
      else writer.appendBigInt(BigInt(seconds) * BigInt(MICROS_PER_SECOND) + BigInt(micros));
    }
  }
}

/** Dates as days since 1970-01-01. */
class Days {
  /** The last date, as its bytes, and its day: tables often hold them in order. */
  private date = -1;
  private day: number | undefined;

  constructor(private readonly zeroIsNull: boolean) {}

  /** Undefined for a date that is to be null. A date of nothing but zeros has no bytes. */
  at(bytes: Buffer, start: number, end: number): number | undefined {
    const date =
      start === end
        ? 0
        : bytes[start]! | (bytes[start + 1]! << 8) | (bytes[start + 2]! << 16) | (bytes[start + 3]! << 24);
    if (date !== this.date) {
      this.day = this.find(date & 0xffff, (date >> 16) & 0xff, date >>> 24);
      this.date = date;
    }
    return this.day;
  }

  private find(year: number, month: number, day: number): number | undefined {
    if (year === 0 || month === 0 || day === 0) {
      if (this.zeroIsNull) return undefined;
      throw new RangeError("a date without a year, a month or a day");
    }
    const days = calendarDay(year, month, day);
    if (days === undefined) throw new RangeError("a date that no calendar has");
    return days;
  }
}

/** A TIME's bytes: its sign, four of days, hours, minutes, seconds, and four of microseconds if there are any. */
const SPAN_BYTES = 8;

/** A span in microseconds, which may be negative and longer than a day. */
export function timeMicros({ bytes, view }: RowBytes, start: number, end: number): number {
  if (start === end) return 0;
  const seconds = view.getUint32(start + 1, true) * SECONDS_PER_DAY + clockSeconds(bytes, start + 5);
  const micros = end - start > SPAN_BYTES ? view.getUint32(start + SPAN_BYTES, true) : 0;
  const span = seconds * MICROS_PER_SECOND + micros;
  return bytes[start] === 0 ? span : -span;
}

function clockSeconds(bytes: Buffer, at: number): number {
  return (bytes[at]! * 60 + bytes[at + 1]!) * 60 + bytes[at + 2]!;
}
