import type { DataType } from "../../src/model/data-type.js";

/** A destination that keeps a type, and not all of its values. */
export interface ValueLimit {
  /** What is kept, or what becomes of the others, for people. */
  readonly keeps: string;
  readonly of: (type: DataType) => boolean;
  /** What is kept, as a condition on `{}`. */
  readonly where: string;
}

const isText = ({ kind }: DataType): boolean => ["text", "json", "enum"].includes(kind);
const isFloat = ({ kind }: DataType): boolean => kind === "float";
const isDate = ({ kind }: DataType): boolean => kind === "date";
const isInstant = (type: DataType): boolean => type.kind === "timestamp" && type.zoned;
const isReading = (type: DataType): boolean => type.kind === "timestamp" && !type.zoned;
/** Nanoseconds reach no farther than from 1677 to 2262. */
const isNano = (type: DataType): boolean => type.kind === "timestamp" && type.unit === "ns";
const isDay = (type: DataType): boolean => isDate(type) || (type.kind === "timestamp" && !isNano(type));
const NOT_MINUS_ZERO = "({} <> 0 or not signbit({}))";
const FOUR_DIGITS = "({} >= '0001-01-01' and {} < '10000-01-01')";

export const VALUE_LIMITS: Readonly<Record<string, readonly ValueLimit[]>> = {
  sqlite: [
    {
      keeps: "days and times of the years 1 to 9999 and infinity are kept",
      of: isDay,
      where: `not isfinite({}) or ${FOUR_DIGITS}`,
    },
    {
      keeps: "nanoseconds are stored, and refused when they are read, but whole microseconds",
      of: isNano,
      where: "epoch_ns({}) % 1000 = 0",
    },
    {
      keeps: "the same goes for times of day",
      of: (type) => type.kind === "time" && type.unit === "ns",
      where: "{}::time::time_ns = {}",
    },
    { keeps: "floats but NaN are kept, and -0 as 0", of: isFloat, where: `not isnan({}) and ${NOT_MINUS_ZERO}` },
  ],
  postgres: [
    { keeps: "texts without the character NUL are kept", of: isText, where: "not contains({}::varchar, chr(0))" },
    {
      keeps: "days from 4713 BC to the year 5874897 and infinity are kept",
      of: isDate,
      where: "not isfinite({}) or ({} >= '4714-11-24 (BC)' and {} < '5874898-01-01')",
    },
    {
      keeps: "times from 4713 BC on and infinity are kept",
      of: ({ kind }) => kind === "timestamp",
      where: "not isfinite({}) or {} >= '4714-11-24 (BC)'",
    },
  ],
  mysql: [
    { keeps: "finite floats are kept, and -0 as 0", of: isFloat, where: `isfinite({}) and ${NOT_MINUS_ZERO}` },
    { keeps: "days of the years 1 to 9999 are kept", of: isDate, where: `isfinite({}) and ${FOUR_DIGITS}` },
    { keeps: "times of the years 1 to 9999 are kept", of: isReading, where: `isfinite({}) and ${FOUR_DIGITS}` },
    {
      keeps: "instants from 1970-01-01 00:00:01 to 2038-01-19 03:14:07 UTC are kept",
      of: isInstant,
      where: "isfinite({}) and epoch_us({}) >= 1000000 and epoch_us({}) < 2147483648000000",
    },
  ],
};

/** The column, with null in place of each value that this destination refuses when it comes. */
export function withinLimits(destination: string, column: string, type: DataType): string {
  const conditions = (VALUE_LIMITS[destination] ?? []).filter((limit) => limit.of(type));
  return conditions.reduce(
    (value, { where }) => `case when ${where.replaceAll("{}", column)} then ${value} end`,
    column,
  );
}
