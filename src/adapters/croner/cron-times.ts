import type { CronTrigger } from "../../model/trigger.js";
import type { ZoneOffsets, ZoneStretch } from "./zone-offsets.js";

/** The first matching wall-clock time strictly after another, both as milliseconds since 1970 as if in UTC. */
export type NextWallTime = (after: number) => number | undefined;

type Policy = Pick<CronTrigger, "gap" | "overlap">;

/** Wall clocks differ by less: no firing comes earlier than this before its wall-clock time in another stretch. */
const FARTHEST = 2 * 86_400_000;

/**
 * The first instant, at `from` or later, at which a zone's wall clock shows a matching time.
 *
 * Within a stretch of one offset the two clocks run side by side. Where the wall clock is put forward, the times that it
 * never showed are those of the old offset, which reach into the new stretch; where it is put back, the last times of the old
 * stretch are the first of the new one.
 */
export function nextCronTime(policy: Policy, next: NextWallTime, zone: ZoneOffsets, from: number): number | undefined {
  for (;;) {
    const stretch = zone.stretchAt(from);
    const regular = nextRegular(policy, next, stretch, from);
    const shifted = policy.gap === "shift" ? nextShifted(next, stretch, from) : undefined;
    const end = policy.overlap === "last" ? stretch.to - lostAt(stretch.offset, stretch.offsetAfter) : stretch.to;
    const found = Math.min(shifted ?? Infinity, regular !== undefined && regular < end ? regular : Infinity);
    if (found !== Infinity) return found;
    // Where the wall clock is put back, times that matched come once more.
    if (stretch.offsetAfter < stretch.offset) from = stretch.to;
    else if (regular === undefined) return undefined;
    else from = Math.max(stretch.to, regular - FARTHEST);
  }
}

/** May lie beyond the stretch: nothing matches before it. */
function nextRegular(
  { overlap }: Policy,
  next: NextWallTime,
  { from, offset, offsetBefore }: ZoneStretch,
  earliest: number,
): number | undefined {
  const start = overlap === "first" ? Math.max(earliest, from + lostAt(offsetBefore, offset)) : earliest;
  const wall = next(start + offset - 1);
  return wall === undefined ? undefined : wall - offset;
}

/** By the offset of before: a time that the wall clock left out happens so much later. */
function nextShifted(
  next: NextWallTime,
  { from, offset, offsetBefore }: ZoneStretch,
  earliest: number,
): number | undefined {
  const end = from + lostAt(offset, offsetBefore);
  if (earliest >= end) return undefined;
  const wall = next(earliest + offsetBefore - 1);
  return wall !== undefined && wall - offsetBefore < end ? wall - offsetBefore : undefined;
}

/** By how much one offset is larger than another. */
function lostAt(larger: number, smaller: number): number {
  return Math.max(0, larger - smaller);
}
