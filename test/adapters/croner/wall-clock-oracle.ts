import type { CronTrigger } from "../../../src/model/trigger.js";

/** The fields of a cron expression as sets of numbers; null: `*`. */
export interface CronFields {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[] | null;
  readonly months: readonly number[] | null;
  /** 0 is Sunday. */
  readonly daysOfWeek: readonly number[] | null;
}

export function expressionOf({ minutes, hours, daysOfMonth, months, daysOfWeek }: CronFields): string {
  return [minutes, hours, daysOfMonth, months, daysOfWeek].map((field) => field?.join(",") ?? "*").join(" ");
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * All firings from `from` until before `to`, by going through the calendar day by day and asking `Intl` what the wall clock
 * shows: nothing of it is shared with what is tested.
 */
export function firingsOf(
  fields: CronFields,
  { timeZone, gap, overlap }: CronTrigger,
  from: number,
  to: number,
): readonly number[] {
  const shown = wallClock(timeZone);
  const firings = new Set<number>();
  for (let day = Math.floor(from / DAY) * DAY - 3 * DAY; day < to + 3 * DAY; day += DAY) {
    if (!matchesDay(fields, new Date(day))) continue;
    for (const hour of fields.hours) {
      for (const minute of fields.minutes) {
        const wall = day + hour * HOUR + minute * MINUTE;
        for (const time of instantsOf(wall, shown, gap, overlap)) if (time >= from && time < to) firings.add(time);
      }
    }
  }
  return [...firings].sort((left, right) => left - right);
}

function instantsOf(
  wall: number,
  shown: (time: number) => number,
  gap: CronTrigger["gap"],
  overlap: CronTrigger["overlap"],
): readonly number[] {
  const offsets = [wall - 30 * HOUR, wall + 30 * HOUR].map((time) => shown(time) - time);
  const candidates = [...new Set(offsets)].map((offset) => wall - offset).sort((left, right) => left - right);
  const exact = candidates.filter((time) => shown(time) === wall);
  if (exact.length === 0) return gap === "skip" ? [] : candidates.filter((time) => shown(time) > wall);
  if (overlap === "both") return exact;
  return overlap === "first" ? exact.slice(0, 1) : exact.slice(-1);
}

/** Where both fields for days are given, either is enough, as in Vixie's cron. */
function matchesDay({ daysOfMonth, months, daysOfWeek }: CronFields, date: Date): boolean {
  if (months !== null && !months.includes(date.getUTCMonth() + 1)) return false;
  const byMonth = daysOfMonth?.includes(date.getUTCDate());
  const byWeek = daysOfWeek?.includes(date.getUTCDay());
  if (byMonth !== undefined && byWeek !== undefined) return byMonth || byWeek;
  return byMonth ?? byWeek ?? true;
}

/** What the wall clock shows at an instant, as milliseconds as if in UTC. */
function wallClock(timeZone: string): (time: number) => number {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hourCycle: "h23",
    ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" },
  });
  return (time) => {
    const [day = 0, month = 0, year = 0, hour, minute, second] = (format.format(time).match(/\d+/g) ?? []).map(Number);
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
}
