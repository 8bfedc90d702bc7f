import type { TimestampUnit } from "./data-type.js";

const FRACTION_DIGITS: Readonly<Record<TimestampUnit, number>> = { s: 0, ms: 3, us: 6, ns: 9 };
const SECONDS_PER_DAY = 86_400;
const INFINITE_DAYS = 2_147_483_647;
const INFINITE_TIMESTAMP = 9_223_372_036_854_775_807n;
/** A zoned time keeps 57,599 minus its offset in seconds: 15:59:59, the largest offset. */
const LARGEST_OFFSET_SECONDS = 57_599n;

/** A decimal as text, with all digits of its scale. */
export function decimalText(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? "-" : "";
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** A date as DuckDB prints it, from days since 1970-01-01. */
export function dateText(days: number): string {
  if (days === INFINITE_DAYS) return "infinity";
  if (days === -INFINITE_DAYS) return "-infinity";
  const { year, month, day } = civilDate(days);
  const date = (shown: number): string => `${pad(shown, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
  return year > 0 ? date(year) : `${date(1 - year)} (BC)`;
}

/** A timestamp as DuckDB prints it; a zoned one in UTC, with `+00` behind it. */
export function timestampText(value: bigint, unit: TimestampUnit, zoned: boolean): string {
  if (value === INFINITE_TIMESTAMP) return "infinity";
  if (value === -INFINITE_TIMESTAMP) return "-infinity";
  const perDay = SECONDS_PER_DAY * 10 ** FRACTION_DIGITS[unit];
  // Only the split needs the full 64 bits: the nanoseconds of a day are a safe integer.
  const days = Number(value / BigInt(perDay));
  const rest = Number(value % BigInt(perDay));
  const [day, inDay] = rest < 0 ? [days - 1, rest + perDay] : [days, rest];
  return `${dateText(day)} ${dayTimeText(inDay, unit)}${zoned ? "+00" : ""}`;
}

/** A time of day, with as many digits behind the second as it needs. */
export function timeText(value: bigint, unit: TimestampUnit): string {
  return dayTimeText(Number(value), unit);
}

/** A time of day with its offset, from DuckDB's packed form. */
export function zonedTimeText(packed: bigint): string {
  const offset = Number(LARGEST_OFFSET_SECONDS - (packed & 0xff_ffffn));
  const [hours, minutes, seconds] = clockText(Math.abs(offset)).split(":");
  const tail = seconds !== "00" ? `:${minutes}:${seconds}` : minutes !== "00" ? `:${minutes}` : "";
  return `${timeText(packed >> 24n, "us")}${offset < 0 ? "-" : "+"}${hours}${tail}`;
}

/** A UUID from its 16 bytes in the order in which it is printed. */
export function uuidText(view: DataView, at: number): string {
  let text = "";
  for (let index = 0; index < 16; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) text += "-";
    const byte = view.getUint8(at + index);
    text += HEX_DIGITS[byte >> 4]! + HEX_DIGITS[byte & 15]!;
  }
  return text;
}

const HEX_DIGITS = "0123456789abcdef";

function dayTimeText(value: number, unit: TimestampUnit): string {
  const digits = FRACTION_DIGITS[unit];
  const perSecond = 10 ** digits;
  const fraction = value % perSecond;
  const clock = clockText((value - fraction) / perSecond);
  return fraction === 0 ? clock : `${clock}.${pad(fraction, digits).replace(/0+$/, "")}`;
}

function clockText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${pad(Math.floor(minutes / 60), 2)}:${pad(minutes % 60, 2)}:${pad(seconds % 60, 2)}`;
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
function civilDate(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
