import type { AnyJob } from "../jobs/job-definition.js";
import type { DataType } from "../model/data-type.js";
import type { Occurrence } from "../model/occurrence.js";
import type { ScheduleDefinition } from "../model/schedule.js";

/** The values of the parameters that get the firing's own times, in the form in which a submit takes them. */
export function timeValues(
  { timeParameters, times }: ScheduleDefinition,
  job: AnyJob | undefined,
  { nominalAt, previousAt }: Pick<Occurrence, "nominalAt" | "previousAt">,
): Readonly<Record<string, unknown>> {
  const timeZone = times.triggers.find((trigger) => trigger.kind === "cron")?.timeZone ?? "UTC";
  return Object.fromEntries(
    Object.entries(timeParameters).map(([name, which]) => {
      const type = job?.parameters.find((parameter) => parameter.name === name)?.type ?? null;
      return [name, timeValue(which === "nominal" ? nominalAt : previousAt, type, timeZone)];
    }),
  );
}

/** Whether a parameter of this type can hold a firing's time. */
export function holdsTime(type: DataType | null): boolean {
  if (type === null) return true;
  if (type.kind === "integer") return type.bits === 64 && type.signed;
  return type.kind === "timestamp" || type.kind === "date" || type.kind === "text";
}

function timeValue(time: Date, type: DataType | null, timeZone: string): unknown {
  switch (type?.kind) {
    case "integer":
      return BigInt(time.getTime());
    case "text":
      return time.toISOString();
    case "date":
      return wallClock(time, timeZone).slice(0, 10);
    case "timestamp":
      return type.zoned ? time : wallClock(time, timeZone);
    default:
      return time;
  }
}

/** As `2026-12-24 18:00:00.000`, as the wall clock of the zone shows it. */
function wallClock(time: Date, timeZone: string): string {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
  });
  const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, value]));
  const of = (...types: readonly Intl.DateTimeFormatPartTypes[]) => types.map((type) => parts.get(type));
  return `${of("year", "month", "day").join("-")} ${of("hour", "minute", "second").join(":")}.${parts.get("fractionalSecond") ?? "000"}`;
}
