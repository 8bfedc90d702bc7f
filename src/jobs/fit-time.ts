import type { ParameterValue } from "../model/job-definition.js";
import type { TimestampUnit } from "../model/data-type.js";
import { fitInteger } from "./fit-number.js";
import { kindOf, partsOf, type PlainValue } from "./plain-value.js";
import { ValueProblem } from "./value-problem.js";

const DATE_TEXT = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME_TEXT = /^(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,30})?)?)(.*)$/s;
const CLOCK = /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?$/;
const OFFSET = /^([+-])(\d{2})(?::(\d{2})(?::(\d{2}))?)?$/;
const FRACTION_DIGITS = { s: 0, ms: 3, us: 6, ns: 9 } as const;
const DAY_MS = 86_400_000;

export function fitDate(value: PlainValue, path: string): ParameterValue {
  if (value instanceof Date) {
    if (value.getTime() % DAY_MS !== 0) {
      throw new ValueProblem("needs a Date at midnight UTC, or text as 2001-02-28", path);
    }
    return dateText(value.getTime(), path);
  }
  if (typeof value !== "string") throw new ValueProblem(`needs a Date or text, not ${kindOf(value)}`, path);
  return dateText(dayOf(value, path), path);
}

export function fitTime(value: PlainValue, unit: "us" | "ns", zoned: boolean, path: string): ParameterValue {
  if (typeof value !== "string") throw new ValueProblem(`needs text, not ${kindOf(value)}`, path);
  const { clock, offset } = splitOffset(value, path);
  const { text } = readClock(clock, unit, "24:00:00", path);
  if (!zoned) {
    if (offset !== "") throw new ValueProblem("has an offset, which its type drops: leave it out", path);
    return text;
  }
  return text + offsetText(offsetSeconds(offset, path));
}

export function fitTimestamp(value: PlainValue, unit: TimestampUnit, zoned: boolean, path: string): ParameterValue {
  const { ms, fraction } =
    value instanceof Date ? momentOfDate(value, unit, path) : momentOfText(value, unit, zoned, path);
  const text = `${dateText(ms, path)}T${new Date(ms).toISOString().slice(11, 19)}${fraction}`;
  // The ends of what 64 bits of nanoseconds hold, as the engine draws them.
  if (unit === "ns" && (text < "1677-09-22" || text > "2262-04-11T23:47:16.854775806")) {
    throw new ValueProblem("is outside of 1677-09-22 to 2262-04-11, which TIMESTAMP_NS holds", path);
  }
  return zoned ? `${text}Z` : text;
}

export function fitInterval(value: PlainValue, path: string): ParameterValue {
  const parts = partsOf(value, path);
  if (parts.size === 0 || [...parts.keys()].some((key) => !["months", "days", "micros"].includes(key))) {
    throw new ValueProblem("needs one or more of months, days and micros, and nothing else", path);
  }
  const part = (name: string, bits: number) => fitInteger(parts.get(name) ?? 0, bits, true, `${path}.${name}`);
  return { months: part("months", 32), days: part("days", 32), micros: part("micros", 64) };
}

interface Moment {
  /** Whole seconds since 1970 UTC, in milliseconds. */
  readonly ms: number;
  /** `.5`, or nothing. */
  readonly fraction: string;
}

function momentOfDate(value: Date, unit: TimestampUnit, path: string): Moment {
  const time = value.getTime();
  const rest = ((time % 1_000) + 1_000) % 1_000;
  return { ms: time - rest, fraction: fractionText(String(rest).padStart(3, "0"), unit, path) };
}

function momentOfText(value: PlainValue, unit: TimestampUnit, zoned: boolean, path: string): Moment {
  if (typeof value !== "string") throw new ValueProblem(`needs a Date or text, not ${kindOf(value)}`, path);
  const day = dayOf(value.slice(0, 10), path);
  if (value.length === 10 && !zoned) return { ms: day, fraction: "" };
  if (!/^[T ]/.test(value.slice(10))) throw new ValueProblem("needs text as 2001-02-28T12:00:00.5", path);
  const { clock, offset } = splitOffset(value.slice(11), path);
  const { seconds, fraction } = readClock(clock, unit, undefined, path);
  if (!zoned) {
    if (offset !== "") throw new ValueProblem("has an offset, which its type drops: leave it out", path);
    return { ms: day + seconds * 1_000, fraction };
  }
  return { ms: day + (seconds - offsetSeconds(offset, path)) * 1_000, fraction };
}

/** Midnight UTC of a day as `2001-02-28`. */
function dayOf(text: string, path: string): number {
  const match = DATE_TEXT.exec(text);
  if (match === null) throw new ValueProblem("needs a date as 2001-02-28", path);
  const ms = Date.parse(`${text}T00:00:00Z`);
  // Date.parse takes some days that are not: 2001-02-30.
  if (Number.isNaN(ms) || new Date(ms).getUTCDate() !== Number(match[3]))
    throw new ValueProblem("is no day of the calendar", path);
  return ms;
}

function dateText(ms: number, path: string): string {
  const text = new Date(ms).toISOString();
  // Years outside of 0000 to 9999 have a sign.
  if (/^[+-]|^0000/.test(text)) throw new ValueProblem("is outside of the years 0001 to 9999", path);
  return text.slice(0, 10);
}

function splitOffset(text: string, path: string): { clock: string; offset: string } {
  const [, clock, offset = ""] = TIME_TEXT.exec(text) ?? [];
  if (clock === undefined) throw new ValueProblem("needs a time as 23:59:59.5", path);
  if (offset !== "" && offset !== "Z" && !OFFSET.test(offset))
    throw new ValueProblem("needs an offset as +01:00 or Z", path);
  return { clock, offset };
}

/** @param last a time that counts although a clock does not show it. */
function readClock(clock: string, unit: TimestampUnit, last: string | undefined, path: string) {
  const [, hours = "", minutes = "", seconds = "00", digits = ""] = CLOCK.exec(clock) ?? [];
  const fraction = fractionText(digits, unit, path);
  const text = `${hours}:${minutes}:${seconds}${fraction}`;
  if ((Number(hours) > 23 && text !== last) || Number(minutes) > 59 || Number(seconds) > 59) {
    throw new ValueProblem("is no time of the clock", path);
  }
  return { text, fraction, seconds: Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds) };
}

function fractionText(digits: string, unit: TimestampUnit, path: string): string {
  const significant = digits.replace(/0+$/, "");
  if (significant.length > FRACTION_DIGITS[unit]) {
    throw new ValueProblem(`has a finer fraction of a second than ${FRACTION_DIGITS[unit]} digits`, path);
  }
  return significant === "" ? "" : `.${significant}`;
}

function offsetSeconds(offset: string, path: string): number {
  if (offset === "Z") return 0;
  const match = OFFSET.exec(offset);
  if (match === null) throw new ValueProblem("needs an offset, as +01:00 or Z: without one it is no instant", path);
  const [, sign, hours, minutes = "0", seconds = "0"] = match;
  // DuckDB's own bound.
  if (Number(hours) > 15 || Number(minutes) > 59 || Number(seconds) > 59)
    throw new ValueProblem("has an offset beyond 15:59:59", path);
  return (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * (sign === "-" ? -1 : 1);
}

function offsetText(seconds: number): string {
  const [hours, minutes, rest] = new Date(Math.abs(seconds) * 1_000).toISOString().slice(11, 19).split(":");
  return `${seconds < 0 ? "-" : "+"}${hours}:${minutes}${rest === "00" ? "" : `:${rest}`}`;
}
