import type { Data } from "apache-arrow";
import type { TimestampUnit } from "../../../model/data-type.js";
import { dateText } from "../../../model/value-text.js";
import { POINT, writeAscii, writePadded } from "../../sql/digits.js";
import { type FieldWriter, valuesAs } from "./field-writer.js";

const COLON = 0x3a;
const SPACE = 0x20;
const TWO_32 = 0x1_0000_0000;
/** The upper half of 2^53, up to which a double counts exactly. */
const SAFE_HIGH = 0x20_0000;
/** 0001-01-01 and 9999-12-31 in days since 1970-01-01. */
const FIRST_DAY = -719_162;
const LAST_DAY = 2_932_896;

/** Writes dates, and remembers the last, since neighbours mostly share it. */
class DayWriter {
  private day = NaN;
  private text = "";

  write(bytes: Uint8Array, at: number, day: number): number {
    if (day !== this.day) {
      if (day < FIRST_DAY || day > LAST_DAY) throw new RangeError("holds a date outside the years 1 to 9999");
      this.day = day;
      this.text = dateText(day);
    }
    return writeAscii(bytes, at, this.text);
  }
}

const TICKS_PER_SECOND = { s: 1, ms: 1e3, us: 1e6 } as const;
const FRACTION_DIGITS = { s: 0, ms: 3, us: 6 } as const;

type KeptUnit = Exclude<TimestampUnit, "ns">;

/** @param ticks of the unit since midnight. */
function writeTimeOfDay(bytes: Uint8Array, at: number, ticks: number, unit: KeptUnit): number {
  const seconds = Math.floor(ticks / TICKS_PER_SECOND[unit]);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  at = writePadded(bytes, at, hours, 2);
  bytes[at] = COLON;
  at = writePadded(bytes, at + 1, minutes - hours * 60, 2);
  bytes[at] = COLON;
  at = writePadded(bytes, at + 1, seconds - minutes * 60, 2);
  const fraction = ticks - seconds * TICKS_PER_SECOND[unit];
  if (fraction === 0) return at;
  bytes[at] = POINT;
  return writePadded(bytes, at + 1, fraction, FRACTION_DIGITS[unit]);
}

export class DateField implements FieldWriter {
  private readonly days = new DayWriter();
  private values = new Int32Array(0);

  open(column: Data): void {
    this.values = valuesAs(Int32Array, column);
  }

  room(): number {
    return 10;
  }

  write(bytes: Uint8Array, at: number, row: number): number {
    return this.days.write(bytes, at, this.values[row]!);
  }
}

/** A time of day in microseconds. */
export class TimeField implements FieldWriter {
  private words = new Int32Array(0);

  open(column: Data): void {
    this.words = valuesAs(Int32Array, column);
  }

  room(): number {
    return 15;
  }

  write(bytes: Uint8Array, at: number, row: number): number {
    const ticks = this.words[2 * row + 1]! * TWO_32 + (this.words[2 * row]! >>> 0);
    return writeTimeOfDay(bytes, at, ticks, "us");
  }
}

/** A date and a time of day: of an instant those of UTC, which is the session's zone. */
export class TimestampField implements FieldWriter {
  private readonly days = new DayWriter();
  private readonly perDay: number;
  private words = new Int32Array(0);

  constructor(private readonly unit: KeptUnit) {
    this.perDay = TICKS_PER_SECOND[unit] * 86_400;
  }

  open(column: Data): void {
    this.words = valuesAs(Int32Array, column);
  }

  room(): number {
    return 26;
  }

  write(bytes: Uint8Array, at: number, row: number): number {
    const low = this.words[2 * row]! >>> 0;
    const high = this.words[2 * row + 1]!;
    const isSafe = high >= -SAFE_HIGH && high < SAFE_HIGH;
    const [day, ticks] = isSafe ? this.split(high * TWO_32 + low) : this.splitExactly(high, low);
    at = this.days.write(bytes, at, day);
    bytes[at] = SPACE;
    return writeTimeOfDay(bytes, at + 1, ticks, this.unit);
  }

  private split(ticks: number): readonly [day: number, ticks: number] {
    const day = Math.floor(ticks / this.perDay);
    return [day, ticks - day * this.perDay];
  }

  private splitExactly(high: number, low: number): readonly [day: number, ticks: number] {
    const perDay = BigInt(this.perDay);
    const ticks = (BigInt(high) << 32n) | BigInt(low);
    const ofDay = ((ticks % perDay) + perDay) % perDay;
    return [Number((ticks - ofDay) / perDay), Number(ofDay)];
  }
}
