import type { Int32Writer, Int64Writer } from "../../arrow/columns/number-writers.js";
import { calendarDay } from "../../sql/calendar-day.js";
import type { PacketReader } from "./packet-reader.js";

const MICROS_PER_SECOND = 1_000_000;
const SECONDS_PER_DAY = 86_400;
/** So many seconds in microseconds are a safe integer. */
const SAFE_SECONDS = 9e9;

/** @param zeroIsNull dates without a year, a month or a day are null; otherwise they are refused. */
export function dayReader(column: Int32Writer, zeroIsNull: boolean): (packet: PacketReader) => void {
  return (packet) => {
    const end = packet.uint8() + packet.at;
    const day = dayAt(packet, end, zeroIsNull);
    packet.at = end;
    if (day === undefined) column.appendNull();
    else column.append(day);
  };
}

export function timestampReader(column: Int64Writer, zeroIsNull: boolean): (packet: PacketReader) => void {
  return (packet) => {
    const end = packet.uint8() + packet.at;
    const day = dayAt(packet, end, zeroIsNull);
    const seconds = packet.at < end ? clockSeconds(packet) : 0;
    const micros = packet.at < end ? packet.int32() : 0;
    packet.at = end;
    if (day === undefined) return column.appendNull();
    const all = day * SECONDS_PER_DAY + seconds;
    if (Math.abs(all) < SAFE_SECONDS) column.append(all * MICROS_PER_SECOND + micros);
    else column.appendBigInt(BigInt(all) * BigInt(MICROS_PER_SECOND) + BigInt(micros));
  };
}

/** Gives microseconds: a span, which may be negative and longer than a day. */
export function timeReader(): (packet: PacketReader) => number {
  return (packet) => {
    const end = packet.uint8() + packet.at;
    if (packet.at === end) return 0;
    const isNegative = packet.uint8() !== 0;
    const days = packet.int32();
    const seconds = days * SECONDS_PER_DAY + clockSeconds(packet);
    const micros = packet.at < end ? packet.int32() : 0;
    packet.at = end;
    const span = seconds * MICROS_PER_SECOND + micros;
    return isNegative ? -span : span;
  };
}

function clockSeconds(packet: PacketReader): number {
  const hours = packet.uint8();
  const minutes = packet.uint8();
  return (hours * 60 + minutes) * 60 + packet.uint8();
}

/** Days since 1970-01-01, undefined for a date that is to be null. A date of nothing but zeros has no bytes. */
function dayAt(packet: PacketReader, end: number, zeroIsNull: boolean): number | undefined {
  const isEmpty = packet.at === end;
  const year = isEmpty ? 0 : packet.uint16();
  const month = isEmpty ? 0 : packet.uint8();
  const day = isEmpty ? 0 : packet.uint8();
  if (year === 0 || month === 0 || day === 0) {
    if (zeroIsNull) return undefined;
    throw new RangeError("a date without a year, a month or a day");
  }
  const days = calendarDay(year, month, day);
  if (days === undefined) throw new RangeError("a date that no calendar has");
  return days;
}
