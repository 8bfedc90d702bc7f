import type { DataType } from "../../src/model/data-type.js";

/** Days, ticks and unscaled integers as text, by JavaScript's own calendar and none of the code under test. */

export function isoDate(days: number | bigint): string {
  return new Date(Number(days) * 86_400_000).toISOString().slice(0, 10);
}

export function isoTime(ticks: bigint, perSecond: bigint): string {
  const fraction = String(ticks % perSecond)
    .padStart(String(perSecond).length - 1, "0")
    .replace(/0+$/, "");
  const clock = new Date(Number(ticks / perSecond) * 1_000).toISOString().slice(11, 19);
  return fraction === "" || perSecond === 1n ? clock : `${clock}.${fraction}`;
}

export function isoTimestamp(ticks: bigint, type: DataType & { readonly kind: "timestamp" }): string {
  const perSecond = { s: 1n, ms: 1_000n, us: 1_000_000n, ns: 1_000_000_000n }[type.unit];
  const perDay = perSecond * 86_400n;
  const ofDay = ((ticks % perDay) + perDay) % perDay;
  return `${isoDate((ticks - ofDay) / perDay)} ${isoTime(ofDay, perSecond)}`;
}

export function decimalDigits(unscaled: bigint, scale: number): string {
  const digits = String(unscaled)
    .replace("-", "")
    .padStart(scale + 1, "0");
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
