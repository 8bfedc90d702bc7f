import { Cron } from "croner";
import type { NextWallTime } from "./cron-times.js";

/**
 * What a cron expression matches, in wall-clock time.
 *
 * @throws what croner throws, for what is no expression.
 */
export function cronExpression(expression: string): NextWallTime {
  // As if in UTC: croner's own reading of zones takes thirty times as long.
  const cron = new Cron(expression, { utcOffset: 0, paused: true });
  const next = (after: number): number | undefined => {
    try {
      return cron.nextRun(new Date(after))?.getTime();
    } catch (error) {
      // croner 10 calls itself for each month that has no such day: thousands of years of them are too many.
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  };
  return (after) => {
    let found = next(after);
    // croner 10 takes 30 February for 2 March, and passes over what matches before that: each month is asked by itself.
    for (let month = monthAfter(after); found !== undefined && month <= found; month = monthAfter(month)) {
      found = next(month - 1);
    }
    return found;
  };
}

function monthAfter(time: number): number {
  const date = new Date(time);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}
