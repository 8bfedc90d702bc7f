import type { ScheduleDefinition } from "../model/schedule.js";

/** By how much a firing is put off, in milliseconds: always the same for the same firing, whoever computes it. */
export function jitterOf({ id, jitterMs }: Pick<ScheduleDefinition, "id" | "jitterMs">, nominal: number): number {
  if (jitterMs === 0) return 0;
  return Math.floor((hash(`${id}@${nominal}`) / 0x1_0000_0000) * jitterMs);
}

/** FNV-1a, and the last step of MurmurHash3, so that neighbouring times lie far apart. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
