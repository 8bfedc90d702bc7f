import { DefinitionFields } from "../jobs/definition-fields.js";
import type { DefinitionProblems } from "../jobs/definition-problems.js";
import { kindOf } from "../jobs/plain-value.js";
import type { ExcludedTimes, FiringTimes, Trigger } from "../model/trigger.js";
import { isInstant } from "./instant-range.js";

const SHORTEST_INTERVAL_MS = 1_000;
/** Ten years. */
const LONGEST_INTERVAL_MS = 315_576_000_000;

const TRIGGER_KEYS = ["cron", "timeZone", "gap", "overlap", "everyMs", "anchor", "at"];
const EXCLUSION_KEYS = ["dates", "cron", "timeZone", "from", "to"];

/** Reads what makes up the times of a schedule. Whether an expression and a zone exist is not looked at here. */
export function readFiringTimes(schedule: DefinitionFields, problems: DefinitionProblems): FiringTimes {
  const triggers = listed(schedule, "trigger").map(({ value, path }) => readTrigger(value, path, problems));
  const [first, ...others] = triggers.filter((trigger) => trigger !== undefined);
  if (!schedule.has("trigger"))
    schedule.add("trigger", 'is missing: { cron: "0 6 * * *" }, { everyMs: 60_000 } or { at }');
  else if (triggers.length === 0) schedule.add("trigger", "must name at least one");
  const exclude = schedule.has("exclude")
    ? listed(schedule, "exclude").map(({ value, path }) => readExclusion(value, path, problems))
    : [];
  const startAt = readInstant(schedule, "startAt") ?? null;
  const endAt = readInstant(schedule, "endAt") ?? null;
  if (startAt !== null && endAt !== null && endAt <= startAt) schedule.add("endAt", "must be later than startAt");
  const times = { exclude: exclude.filter((one) => one !== undefined), startAt, endAt };
  return { triggers: [first ?? { kind: "once", at: 0 }, ...others], ...times };
}

function readTrigger(value: unknown, path: string, problems: DefinitionProblems): Trigger | undefined {
  const fields = new DefinitionFields(value, path, TRIGGER_KEYS, problems);
  const kind = kindOfFields(fields, WITH_TRIGGER);
  if (kind === undefined) {
    problems.add(path, "must have one of cron, everyMs and at");
    return undefined;
  }
  switch (kind) {
    case "cron":
      return {
        kind: "cron",
        expression: fields.text("cron") ?? "",
        timeZone: fields.text("timeZone") ?? "UTC",
        gap: fields.choice("gap", ["shift", "skip"]) ?? "shift",
        overlap: fields.choice("overlap", ["first", "last", "both"]) ?? "first",
      };
    case "everyMs": {
      const range = { min: SHORTEST_INTERVAL_MS, max: LONGEST_INTERVAL_MS, otherwise: SHORTEST_INTERVAL_MS };
      const anchor = readInstant(fields, "anchor");
      const from = fields.has("anchor") ? "anchor" : "completion";
      return { kind: "interval", everyMs: fields.integer("everyMs", range), from, anchor: anchor ?? 0 };
    }
    default:
      return { kind: "once", at: readInstant(fields, "at") ?? 0 };
  }
}

/** What goes with each kind. */
const WITH_TRIGGER = { cron: ["timeZone", "gap", "overlap"], everyMs: ["anchor"], at: [] } as const;
const WITH_EXCLUSION = { dates: ["timeZone"], cron: ["timeZone"], from: ["to"] } as const;

/** The kind that the fields are of, and what does not go with it is told; undefined: of none, or of several. */
function kindOfFields<K extends string>(
  fields: DefinitionFields,
  allowed: Readonly<Record<K, readonly string[]>>,
): K | undefined {
  const [kind, ...others] = (Object.keys(allowed) as K[]).filter((key) => fields.has(key));
  if (kind === undefined || others.length > 0) return undefined;
  for (const key of fields.keys()) {
    if (key !== kind && !allowed[kind].includes(key)) fields.add(key, `does not go with ${kind}`);
  }
  return kind;
}

function readExclusion(value: unknown, path: string, problems: DefinitionProblems): ExcludedTimes | undefined {
  const fields = new DefinitionFields(value, path, EXCLUSION_KEYS, problems);
  const kind = kindOfFields(fields, WITH_EXCLUSION);
  const timeZone = fields.text("timeZone") ?? "UTC";
  if (kind === "dates") return { kind, dates: readDates(fields), timeZone };
  if (kind === "cron") return { kind, expression: fields.text("cron") ?? "", timeZone };
  const [from, to] = kind === "from" ? [readInstant(fields, kind), readInstant(fields, "to")] : [];
  if (from === undefined || to === undefined) {
    problems.add(path, "must have one of dates, cron, and from with to");
    return undefined;
  }
  if (to <= from) fields.add("to", "must be later than from");
  return { kind: "range", from, to };
}

function readDates(fields: DefinitionFields): readonly string[] {
  const dates = fields.get("dates");
  if (!Array.isArray(dates)) {
    fields.add("dates", `must be an array of dates as 2026-12-25, not ${kindOf(dates)}`);
    return [];
  }
  dates.forEach((date: unknown, at) => {
    const isDate = typeof date === "string" && /^\d{4}-\d\d-\d\d$/.test(date) && isReal(date);
    if (!isDate) fields.add(`dates[${at}]`, "must be a date as 2026-12-25");
  });
  return dates.filter((date) => typeof date === "string");
}

function isReal(date: string): boolean {
  const time = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date);
}

/** With a zone: without one it would be another instant on another machine. */
const ISO_INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;

function readInstant(fields: DefinitionFields, key: string): number | undefined {
  const value = fields.get(key);
  if (value === undefined) return undefined;
  const time = value instanceof Date ? value.getTime() : isInstantText(value) ? Date.parse(value) : NaN;
  if (isInstant(time)) return time;
  fields.add(key, "must be a Date or an instant with its zone, as 2026-12-24T18:00:00Z");
  return undefined;
}

function isInstantText(value: unknown): value is string {
  return typeof value === "string" && ISO_INSTANT.test(value) && isReal(value.slice(0, 10));
}

/** One alone counts as a list of one. */
function listed(fields: DefinitionFields, key: string): readonly { readonly value: unknown; readonly path: string }[] {
  const value = fields.get(key);
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [{ value, path: fields.at(key) }];
  return value.map((one: unknown, at) => ({ value: one, path: `${fields.at(key)}[${at}]` }));
}
