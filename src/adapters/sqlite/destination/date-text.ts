import { dateText } from "../../../model/value-text.js";
import type { TimestampUnit } from "../../../model/data-type.js";

/*
 * Dates and times as text: `2001-01-31`, `13:05:00.25`, `2001-01-31 13:05:00`, instants in UTC with `+00:00` behind them.
 * They sort by text as they sort by time, and SQLite's own date functions read them. Both infinities sort at their ends
 * too. The years 1 to 9999 are all that this form can sort; a value outside them throws a RangeError.
 */

const TICKS_PER_SECOND = { s: 1, ms: 1e3, us: 1e6, ns: 1e9 } as const;
const FRACTION_DIGITS = { s: 0, ms: 3, us: 6, ns: 9 } as const;
const TWO_DIGITS = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, "0"));

const MAX_INT32 = 2 ** 31 - 1;
const MAX_INT64 = 2n ** 63n - 1n;
/** 0001-01-01 and 9999-12-31 in days since 1970-01-01. */
const FIRST_DAY = -719_162;
const LAST_DAY = 2_932_896;

/** A formatter that remembers its last day, since neighbours mostly share it. */
export function dateFormatter(): (day: number) => string {
  let lastDay = Number.NaN;
  let lastText = "";
  return (day) => {
    if (day === lastDay) return lastText;
    if ((day < FIRST_DAY || day > LAST_DAY) && Math.abs(day) !== MAX_INT32) {
      throw new RangeError("a year outside 1 to 9999 has no text that sorts");
    }
    lastDay = day;
    return (lastText = dateText(day));
  };
}

/** @param ticks of the unit since midnight, up to 24:00:00. */
export function timeOfDayText(ticks: number, unit: TimestampUnit): string {
  const perSecond = TICKS_PER_SECOND[unit];
  const seconds = Math.floor(ticks / perSecond);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const text = `${TWO_DIGITS[hours]}:${TWO_DIGITS[minutes - hours * 60]}:${TWO_DIGITS[seconds - minutes * 60]}`;
  const fraction = ticks - seconds * perSecond;
  if (fraction === 0) return text;
  return `${text}.${String(fraction).padStart(FRACTION_DIGITS[unit], "0").replace(/0+$/, "")}`;
}

/** Formats a timestamp from the two halves of its 64-bit count, the low one without a sign. */
export function timestampFormatter(unit: TimestampUnit, zoned: boolean): (low: number, high: number) => string {
  const perDay = TICKS_PER_SECOND[unit] * 86_400;
  const zone = zoned ? "+00:00" : "";
  const format = dateFormatter();
  return (low, high) => {
    // Up to 2^53 a double counts exactly, and costs a tenth of a bigint.
    if (high >= -0x20_0000 && high < 0x20_0000) {
      const ticks = high * 0x1_0000_0000 + low;
      const day = Math.floor(ticks / perDay);
      return `${format(day)} ${timeOfDayText(ticks - day * perDay, unit)}${zone}`;
    }
    const ticks = (BigInt(high) << 32n) | BigInt(low);
    if (ticks === MAX_INT64) return "infinity";
    if (ticks === -MAX_INT64) return "-infinity";
    const ofDay = Number(((ticks % BigInt(perDay)) + BigInt(perDay)) % BigInt(perDay));
    const day = Number((ticks - BigInt(ofDay)) / BigInt(perDay));
    return `${format(day)} ${timeOfDayText(ofDay, unit)}${zone}`;
  };
}
