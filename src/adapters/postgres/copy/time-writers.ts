import type { Data } from "apache-arrow";
import type { TimestampUnit } from "../../../model/data-type.js";
import { type CopyTarget, FixedValueWriter, valuesAs, valuesView } from "./value-writer.js";

const TWO_32 = 0x1_0000_0000;
const MAX_INT32 = 0x7fff_ffff;

/** Postgres counts from 2000-01-01. */
const DAYS_TO_2000 = 10_957;
const MICROS_TO_2000 = DAYS_TO_2000 * 86_400_000_000;
/** 4713-11-24 BC and 5874897-12-31, in days from 2000; a later infinity has numbers of its own. */
const FIRST_DAY = -2_451_545;
const LAST_DAY = 2_145_031_948;
/** The upper half of the first and of the last microsecond that Postgres keeps: 4713 BC and 294276 AD. */
const FIRST_HIGH = Math.floor(-211_813_488_000_000_000 / TWO_32);
const LAST_HIGH = Math.floor(9_223_371_331_200_000_000 / TWO_32);

/** What an engine keeps and Postgres does not. */
function outOfRange(what: string, lastYear: number): RangeError {
  return new RangeError(`holds a ${what} outside the years that Postgres keeps, from 4713 BC to ${lastYear}`);
}

export class DateWriter extends FixedValueWriter {
  readonly width = 4;
  private days = new Int32Array(0);

  open(column: Data): void {
    this.days = valuesAs(Int32Array, column);
  }

  write({ view }: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    const { days } = this;
    for (let k = 0; k < count; k++) view.setInt32(places[k]!, postgresDay(days[rows[k]!]!));
  }
}

function postgresDay(day: number): number {
  if (day === MAX_INT32) return MAX_INT32;
  if (day === -MAX_INT32) return ~MAX_INT32;
  const counted = day - DAYS_TO_2000;
  if (counted < FIRST_DAY || counted > LAST_DAY) throw outOfRange("date", 5_874_897);
  return counted;
}

const MICROS_PER = { s: 1_000_000, ms: 1_000, us: 1 } as const;

/** A timestamp with or without a zone: Postgres keeps microseconds for both. */
export class TimestampWriter extends FixedValueWriter {
  readonly width = 8;
  private readonly factor: number;
  private words = new Int32Array(0);

  constructor(unit: Exclude<TimestampUnit, "ns">) {
    super();
    this.factor = MICROS_PER[unit];
  }

  open(column: Data): void {
    this.words = valuesAs(Int32Array, column);
  }

  write({ view }: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    const { words, factor } = this;
    for (let k = 0; k < count; k++) {
      const at = 2 * rows[k]!;
      let high = words[at + 1]!;
      let low = words[at]! >>> 0;
      if (high === MAX_INT32 && low === 0xffff_ffff) {
        view.setInt32(places[k]!, MAX_INT32);
        view.setInt32(places[k]! + 4, -1);
        continue;
      }
      if (high === ~MAX_INT32 && low === 1) {
        view.setInt32(places[k]!, ~MAX_INT32);
        view.setInt32(places[k]! + 4, 0);
        continue;
      }
      // Both halves times the factor stay below 2^53.
      const scaled = low * factor - (MICROS_TO_2000 % TWO_32);
      low = scaled >>> 0;
      high = high * factor + Math.floor(scaled / TWO_32) - Math.floor(MICROS_TO_2000 / TWO_32);
      if (high < FIRST_HIGH || high > LAST_HIGH) throw outOfRange("timestamp", 294_276);
      view.setInt32(places[k]!, high);
      view.setInt32(places[k]! + 4, low);
    }
  }
}

/** From microseconds << 24, plus 57,599 less the offset in seconds east; Postgres keeps the offset in seconds west. */
export class ZonedTimeWriter extends FixedValueWriter {
  readonly width = 12;
  private words = new Int32Array(0);

  open(column: Data): void {
    this.words = valuesAs(Int32Array, column);
  }

  write({ view }: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    const { words } = this;
    for (let k = 0; k < count; k++) {
      const low = words[2 * rows[k]!]!;
      const micros = words[2 * rows[k]! + 1]! * 256 + (low >>> 24);
      view.setInt32(places[k]!, Math.floor(micros / TWO_32));
      view.setInt32(places[k]! + 4, micros >>> 0);
      view.setInt32(places[k]! + 8, (low & 0xff_ffff) - 57_599);
    }
  }
}

/** From months, days and microseconds; Postgres has them the other way round. */
export class IntervalWriter extends FixedValueWriter {
  readonly width = 16;
  private values: DataView = new DataView(new ArrayBuffer(0));

  open(column: Data): void {
    this.values = valuesView(column);
  }

  write({ view }: CopyTarget, rows: Int32Array, places: Int32Array, count: number): void {
    const { values } = this;
    for (let k = 0; k < count; k++) {
      const from = 16 * rows[k]!;
      const to = places[k]!;
      const months = values.getInt32(from, true);
      const days = values.getInt32(from + 4, true);
      // From Postgres 17 on the ends of all three numbers together are the infinite intervals.
      if (isEnd(months) && months === days) throw new RangeError("holds an interval at the end of its range");
      view.setInt32(to, values.getInt32(from + 12, true));
      view.setInt32(to + 4, values.getInt32(from + 8, true));
      view.setInt32(to + 8, days);
      view.setInt32(to + 12, months);
    }
  }
}

function isEnd(value: number): boolean {
  return value === MAX_INT32 || value === ~MAX_INT32;
}
