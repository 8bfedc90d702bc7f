/**
 * Dates and times as text in ISO order: `2001-01-31`, `13:05:00.25`, `2001-01-31 13:05:00`, instants with `+00:00`.
 *
 * They sort by text as they sort by time, and SQLite's own date functions read them. A fraction has 3, 6 or 9 digits, as
 * few as are exact, and none when it is zero. Both infinities sort at their ends too. The years 0 to 9999 are all that
 * this form can sort; a value outside them throws a RangeError.
 */
export type ClockUnit = "s" | "ms" | "us" | "ns";

const TICKS_PER_SECOND = { s: 1, ms: 1e3, us: 1e6, ns: 1e9 } as const;
const FRACTION_DIGITS = { s: 0, ms: 3, us: 6, ns: 9 } as const;
const TWO_DIGITS = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, "0"));

const MAX_INT32 = 2 ** 31 - 1;
const MAX_INT64 = 2n ** 63n - 1n;
/** 0000-01-01 and 9999-12-31 in days since 1970-01-01. */
const FIRST_DAY = -719_528;
const LAST_DAY = 2_932_896;

export function dateText(day: number): string {
  if (day === MAX_INT32) return "infinity";
  if (day === -MAX_INT32) return "-infinity";
  return dayText(day);
}

/** @param ticks since midnight, up to 24:00:00. */
export function timeText(ticks: bigint, unit: "us" | "ns"): string {
  return timeOfDay(Number(ticks), unit);
}

/** A formatter that remembers the last day, since neighbours mostly share it. */
export function timestampFormatter(unit: ClockUnit, zoned: boolean): (low: number, high: number) => string {
  const perDay = TICKS_PER_SECOND[unit] * 86_400;
  const zone = zoned ? "+00:00" : "";
  let lastDay = Number.NaN;
  let lastText = "";

  function format(day: number, ticks: number): string {
    if (day !== lastDay) {
      lastText = `${dayText(day)} `;
      lastDay = day;
    }
    return lastText + timeOfDay(ticks, unit) + zone;
  }

  /** @param low @param high the two halves of the 64-bit count since 1970, the low one as an unsigned number. */
  return (low, high) => {
    // Up to 2^53 a double counts exactly, and costs a tenth of a BigInt.
    if (high >= -0x20_0000 && high < 0x20_0000) {
      const ticks = high * 0x1_0000_0000 + low;
      const day = Math.floor(ticks / perDay);
      return format(day, ticks - day * perDay);
    }
    const ticks = (BigInt(high) << 32n) | BigInt(low);
    if (ticks === MAX_INT64) return "infinity";
    if (ticks === -MAX_INT64) return "-infinity";
    const day = floorDivide(ticks, BigInt(perDay));
    return format(Number(day), Number(ticks - day * BigInt(perDay)));
  };
}

function floorDivide(value: bigint, by: bigint): bigint {
  return value / by - (value % by < 0n ? 1n : 0n);
}

function timeOfDay(ticks: number, unit: ClockUnit): string {
  const perSecond = TICKS_PER_SECOND[unit];
  const seconds = Math.floor(ticks / perSecond);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const text = `${TWO_DIGITS[hours]}:${TWO_DIGITS[minutes - hours * 60]}:${TWO_DIGITS[seconds - minutes * 60]}`;
  const fraction = ticks - seconds * perSecond;
  return fraction === 0 ? text : `${text}.${fractionText(fraction, FRACTION_DIGITS[unit])}`;
}

function fractionText(fraction: number, digits: number): string {
  const text = String(fraction).padStart(digits, "0");
  if (digits > 3 && text.endsWith("000")) return text.slice(0, text.endsWith("000000") ? 3 : digits - 3);
  return text;
}

/** Days to year, month and day, by counting from 0000-03-01 so that leap days come last. */
function dayText(day: number): string {
  if (day < FIRST_DAY || day > LAST_DAY) throw new RangeError("a year outside 0 to 9999 has no text that sorts");
  const sinceMarch = day + 719_468;
  const era = Math.floor(sinceMarch / 146_097);
  const dayOfEra = sinceMarch - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${String(year).padStart(4, "0")}-${TWO_DIGITS[month]}-${TWO_DIGITS[dayOfMonth]}`;
}
