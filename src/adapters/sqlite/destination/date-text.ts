import type { TimestampUnit } from "../../../model/data-type.js";
import { POINT, writeAscii, writePadded } from "../../sql/digits.js";

/*
 * Dates and times as text: `2001-01-31`, `13:05:00.25`, `2001-01-31 13:05:00`, instants in UTC with `+00:00` behind them.
 * They sort by text as they sort by time, and SQLite's own date functions read them. Both infinities sort at their ends
 * too. The years 1 to 9999 are all that this form can sort; a value outside them throws a RangeError.
 */

/** What a unit of time counts by. */
interface Ticks {
  readonly perSecond: number;
  readonly digits: number;
}

export const TICKS: Readonly<Record<TimestampUnit, Ticks>> = {
  s: { perSecond: 1, digits: 0 },
  ms: { perSecond: 1e3, digits: 3 },
  us: { perSecond: 1e6, digits: 6 },
  ns: { perSecond: 1e9, digits: 9 },
};
const SECONDS_PER_DAY = 86_400;

const ZERO = 0x30;
const DASH = 0x2d;
const COLON = 0x3a;
const SPACE = 0x20;
const LETTER_Y = 0x79;

const MAX_INT32 = 2 ** 31 - 1;
const MAX_INT64 = 2n ** 63n - 1n;
/** 0001-01-01 and 9999-12-31 in days since 1970-01-01. */
const FIRST_DAY = -719_162;
const LAST_DAY = 2_932_896;

/** The longest of each kind, in bytes. */
export const MOST_DATE = 10;
export const MOST_TIME = 18;
export const MOST_TIMESTAMP = MOST_DATE + 1 + MOST_TIME + 6;

/**
 * Days since 1970-01-01, in the proleptic Gregorian calendar. All in 32 bits, which the years allow, and so in a quarter
 * of the time (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
 */
export function writeDate(bytes: Uint8Array, at: number, day: number): number {
  if (!isInYears(day)) return writeInfinity(bytes, at, day, MAX_INT32);
  const shifted = (day + 719_468) | 0;
  const era = (shifted / 146_097) | 0;
  const ofEra = (shifted - era * 146_097) | 0;
  const leaps = ((ofEra / 1_460) | 0) - ((ofEra / 36_524) | 0) + ((ofEra / 146_096) | 0);
  const years = ((ofEra - leaps) / 365) | 0;
  const ofYear = (ofEra - (365 * years + (years >> 2) - ((years / 100) | 0))) | 0;
  const fromMarch = ((5 * ofYear + 2) / 153) | 0;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = years + era * 400 + (month <= 2 ? 1 : 0);
  const century = (year / 100) | 0;
  writeTwo(bytes, at, century);
  writeTwo(bytes, at + 2, year - century * 100);
  bytes[at + 4] = DASH;
  writeTwo(bytes, at + 5, month);
  bytes[at + 7] = DASH;
  writeTwo(bytes, at + 8, ofYear - (((153 * fromMarch + 2) / 5) | 0) + 1);
  return at + 10;
}

function writeTwo(bytes: Uint8Array, at: number, value: number): void {
  const tens = (value / 10) | 0;
  bytes[at] = ZERO + tens;
  bytes[at + 1] = ZERO + value - tens * 10;
}

function writeInfinity<T extends number | bigint>(bytes: Uint8Array, at: number, value: T, infinity: T): number {
  if (value === infinity) return writeAscii(bytes, at, "infinity");
  if (value === -infinity) return writeAscii(bytes, at, "-infinity");
  throw outsideYears();
}

function isInYears(day: number): boolean {
  return day >= FIRST_DAY && day <= LAST_DAY;
}

function outsideYears(): RangeError {
  return new RangeError("a year outside 1 to 9999 has no text that sorts");
}

/** @param count since midnight, up to 24:00:00. */
export function writeTimeOfDay(bytes: Uint8Array, at: number, count: number, ticks: Ticks): number {
  const { perSecond, digits } = ticks;
  const seconds = Math.floor(count / perSecond);
  const minutes = (seconds / 60) | 0;
  const hours = (minutes / 60) | 0;
  writeTwo(bytes, at, hours);
  bytes[at + 2] = COLON;
  writeTwo(bytes, at + 3, minutes - hours * 60);
  bytes[at + 5] = COLON;
  writeTwo(bytes, at + 6, seconds - minutes * 60);
  const fraction = count - seconds * perSecond;
  if (fraction === 0) return at + 8;
  bytes[at + 8] = POINT;
  let end = writePadded(bytes, at + 9, fraction, digits);
  while (bytes[end - 1] === ZERO) end -= 1;
  return end;
}

/** Writes a timestamp from the two halves of its 64-bit count, the low one without a sign. */
export function writeTimestamp(bytes: Uint8Array, at: number, low: number, high: number, ticks: Ticks): number {
  const perDay = ticks.perSecond * SECONDS_PER_DAY;
  // Up to 2^53 a double counts exactly, and costs a tenth of a bigint.
  if (high >= -0x20_0000 && high < 0x20_0000) {
    const count = high * 0x1_0000_0000 + low;
    const day = Math.floor(count / perDay);
    return writeMoment(bytes, at, day, count - day * perDay, ticks);
  }
  const count = (BigInt(high) << 32n) | BigInt(low);
  if (count === MAX_INT64 || count === -MAX_INT64) return writeInfinity(bytes, at, count, MAX_INT64);
  const ofDay = Number(((count % BigInt(perDay)) + BigInt(perDay)) % BigInt(perDay));
  return writeMoment(bytes, at, Number((count - BigInt(ofDay)) / BigInt(perDay)), ofDay, ticks);
}

function writeMoment(bytes: Uint8Array, at: number, day: number, ofDay: number, ticks: Ticks): number {
  if (!isInYears(day)) throw outsideYears();
  writeDate(bytes, at, day);
  bytes[at + MOST_DATE] = SPACE;
  return writeTimeOfDay(bytes, at + MOST_DATE + 1, ofDay, ticks);
}

/** An instant in UTC. */
export function writeInstant(bytes: Uint8Array, at: number, low: number, high: number, ticks: Ticks): number {
  const end = writeTimestamp(bytes, at, low, high, ticks);
  // What ends in a letter is an infinity.
  return bytes[end - 1] === LETTER_Y ? end : writeAscii(bytes, end, "+00:00");
}
