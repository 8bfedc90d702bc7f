import { calendarDay } from "../../sql/calendar-day.js";

/*
 * Dates and times as texts, as SQLite's own functions write them and as other programs do: `2001-01-31`, `13:05:00.25`,
 * `2001-01-31 13:05:00`, `2001-01-31T13:05Z`, `2001-01-31 13:05:00 +01:00`. Years have four digits. What is none of these,
 * or is finer than a microsecond, gives undefined.
 */

export const INFINITE_DAY = 2 ** 31 - 1;
export const INFINITE_MICROS = 2n ** 63n - 1n;

const MICROS_PER_SECOND = 1_000_000;
const SECONDS_PER_DAY = 86_400;

/** Days since 1970-01-01 of `YYYY-MM-DD`. */
export function dayOf(text: string): number | undefined {
  return text.length === 10 ? dayAt(text) : undefined;
}

/** Microseconds since midnight, up to 24:00:00. */
export function timeOf(text: string): number | undefined {
  const end = clockEnd(text, 0);
  return end === text.length ? clockAt(text, 0, end) : undefined;
}

/** Seconds since 1970-01-01 and the microseconds behind them. */
export interface Moment {
  readonly seconds: number;
  readonly micros: number;
}

/** A date, or a date and a time, without an offset; zoned: with one, as an instant. */
export function momentOf(text: string, zoned: boolean): Moment | undefined {
  const day = dayAt(text);
  if (day === undefined) return undefined;
  if (text.length === 10) return zoned ? undefined : { seconds: day * SECONDS_PER_DAY, micros: 0 };
  const between = text.charCodeAt(10);
  if (between !== SPACE && between !== LETTER_T) return undefined;
  const end = clockEnd(text, 11);
  const clock = clockAt(text, 11, end);
  const offset = zoned ? offsetOf(text.slice(end)) : end === text.length ? 0 : undefined;
  if (clock === undefined || offset === undefined) return undefined;
  const seconds = Math.floor(clock / MICROS_PER_SECOND);
  return { seconds: day * SECONDS_PER_DAY + seconds - offset, micros: clock - seconds * MICROS_PER_SECOND };
}

const SPACE = 0x20;
const COLON = 0x3a;
const POINT = 0x2e;
const DASH = 0x2d;
const ZERO = 0x30;
const LETTER_T = 0x54;

/** Of the first ten characters. */
function dayAt(text: string): number | undefined {
  const year = 100 * twoDigits(text, 0) + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH) return undefined;
  return calendarDay(year, month, day);
}

/** Where the clock's part of the text ends: behind its last digit. */
function clockEnd(text: string, start: number): number {
  let end = start;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if ((code < ZERO || code > ZERO + 9) && code !== COLON && code !== POINT) break;
  }
  return end;
}

/** `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f` in microseconds. */
function clockAt(text: string, start: number, end: number): number | undefined {
  const length = end - start;
  const hasSeconds = length !== 5;
  if (text.charCodeAt(start + 2) !== COLON || (hasSeconds && text.charCodeAt(start + 5) !== COLON)) return undefined;
  const hours = twoDigits(text, start);
  const minutes = twoDigits(text, start + 3);
  const seconds = hasSeconds ? twoDigits(text, start + 6) : 0;
  const micros = length > 8 ? fractionAt(text, start + 8, end) : 0;
  if (!(minutes < 60 && seconds < 60 && micros >= 0)) return undefined;
  const total = ((hours * 60 + minutes) * 60 + seconds) * MICROS_PER_SECOND + micros;
  return total <= SECONDS_PER_DAY * MICROS_PER_SECOND ? total : undefined;
}

/** `.5` in microseconds; NaN where it is no fraction, or a finer one. */
function fractionAt(text: string, start: number, end: number): number {
  if (text.charCodeAt(start) !== POINT || end === start + 1) return Number.NaN;
  let micros = 0;
  let worth = 100_000;
  for (let at = start + 1; at < end; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9 || (worth < 1 && digit > 0)) return Number.NaN;
    if (worth >= 1) micros += digit * worth;
    worth /= 10;
  }
  return Math.round(micros);
}

/** In seconds. */
function offsetOf(text: string): number | undefined {
  if (text === "Z") return 0;
  const [, sign, hours, minutes = "00", seconds = "00"] = OFFSET.exec(text) ?? [];
  if (sign === undefined) return undefined;
  const size = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return sign === "-" ? -size : size;
}

const OFFSET = /^ ?([+-])([01]\d|2[0-3])(?::?([0-5]\d)(?::([0-5]\d))?)?$/;

/** NaN where there are no two digits. */
function twoDigits(text: string, at: number): number {
  const high = text.charCodeAt(at) - ZERO;
  const low = text.charCodeAt(at + 1) - ZERO;
  return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? 10 * high + low : Number.NaN;
}
