import { createHash } from "node:crypto";
import { types } from "node:util";
import { DefinitionFields } from "../jobs/definition-fields.js";
import { DefinitionProblems } from "../jobs/definition-problems.js";
import { nameProblem } from "../jobs/job-names.js";
import { kindOf } from "../jobs/plain-value.js";
import { LARGEST_COUNT, LONGEST_WAIT_MS } from "../jobs/read-execution.js";
import { canonicalJson, type JsonValue } from "../model/json.js";
import type { CatchUpPolicy, OverlapPolicy, ScheduleDefinition } from "../model/schedule.js";
import { readFiringTimes } from "./read-triggers.js";
import type { ScheduleSpec } from "./schedule-spec.js";

const SCHEDULE_DEFAULTS = {
  misfireGraceMs: 60_000,
  bufferLimit: 100,
  catchUpCount: 100,
  catchUpAgeMs: 7 * 86_400_000,
} as const;

/** Every kept firing is looked at in one go. */
const MOST_CAUGHT_UP = 10_000;

const KEYS: readonly (keyof ScheduleSpec)[] = [
  "id",
  "description",
  "trigger",
  "exclude",
  "startAt",
  "endAt",
  "job",
  "params",
  "times",
  "overlap",
  "catchUp",
  "misfireGraceMs",
  "jitterMs",
  "pauseAfterFailures",
  "maxFirings",
  "startImmediately",
  "createdBy",
];

/**
 * Checks a schedule and freezes it. Whether its zone, its expression, its job and its parameters exist is checked where it is
 * registered.
 *
 * @throws JobError `invalid_definition`: all mistakes in one message, `field` names the place of the first.
 */
export function defineSchedule(spec: ScheduleSpec): ScheduleDefinition {
  return scheduleFromSpec(spec);
}

/** As {@link defineSchedule}, for a definition of any origin. @param problems takes down each mistake by itself. */
export function scheduleFromSpec(spec: unknown, problems = new DefinitionProblems()): ScheduleDefinition {
  const fields = new DefinitionFields(spec, "", KEYS, problems);
  const id = fields.get("id");
  const idProblem = nameProblem(id);
  if (idProblem !== undefined) fields.add("id", idProblem);
  const count = (key: string, min: number, max: number) =>
    fields.has(key) ? fields.integer(key, { min, max, otherwise: min }) : null;
  const parameters = readParameters(fields);
  const definition = {
    id: typeof id === "string" ? id : "",
    description: fields.text("description") ?? null,
    times: readFiringTimes(fields, problems),
    job: readJob(fields),
    parameters,
    timeParameters: readTimeParameters(fields, problems, parameters),
    overlap: readOverlap(fields, problems),
    catchUp: readCatchUp(fields, problems),
    misfireGraceMs: count("misfireGraceMs", 0, LONGEST_WAIT_MS) ?? SCHEDULE_DEFAULTS.misfireGraceMs,
    jitterMs: count("jitterMs", 0, LONGEST_WAIT_MS) ?? 0,
    pauseAfterFailures: count("pauseAfterFailures", 1, LARGEST_COUNT),
    maxFirings: count("maxFirings", 1, Number.MAX_SAFE_INTEGER),
    startImmediately: fields.flag("startImmediately") ?? true,
    createdBy: fields.text("createdBy") ?? null,
  };
  problems.throwIfAny({ kind: "schedule", name: idProblem === undefined ? String(id) : undefined });
  const { createdBy: _, ...meaning } = definition;
  const text = canonicalJson(JSON.parse(JSON.stringify(meaning)) as JsonValue);
  const hash = createHash("sha256").update(text).digest("hex");
  return deepFreeze({ ...definition, hash });
}

function readJob(fields: DefinitionFields): string {
  const job = fields.get("job");
  const name: unknown = typeof job === "object" && job !== null && "name" in job ? job.name : job;
  const problem = nameProblem(name);
  if (problem !== undefined) fields.add("job", job === undefined ? "is missing" : problem);
  return typeof name === "string" ? name : "";
}

function readParameters(fields: DefinitionFields): Readonly<Record<string, JsonValue>> {
  const given = fields.get("params");
  if (given === undefined) return {};
  const problem = jsonProblem(given, "");
  if (problem === undefined && typeof given === "object" && given !== null && !Array.isArray(given)) {
    return JSON.parse(JSON.stringify(given)) as Readonly<Record<string, JsonValue>>;
  }
  fields.add(`params${problem?.path ?? ""}`, problem?.message ?? `must be an object, not ${kindOf(given)}`);
  return {};
}

/** The ledger keeps parameters as JSON, and gives them to the job as they are. */
function jsonProblem(
  value: unknown,
  path: string,
  depth = 0,
): { readonly path: string; readonly message: string } | undefined {
  if (value === null || typeof value === "string" || typeof value === "boolean") return undefined;
  if (typeof value === "number" && Number.isFinite(value)) return undefined;
  if (typeof value !== "object" || types.isProxy(value) || !(Array.isArray(value) || isPlain(value))) {
    return { path, message: `must be plain JSON, not ${kindOf(value)}: write dates and large integers as text` };
  }
  if (depth === DEEPEST) return { path, message: `is nested deeper than ${DEEPEST} levels` };
  for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
    if (property.enumerable !== true) continue;
    const part: unknown = property.value;
    const inner = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;
    if (!("value" in property)) return { path: inner, message: "is a getter, where data is needed" };
    const problem = part === undefined ? { path: inner, message: "is undefined" } : jsonProblem(part, inner, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const DEEPEST = 100;

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function readTimeParameters(
  fields: DefinitionFields,
  problems: DefinitionProblems,
  parameters: Readonly<Record<string, JsonValue>>,
): ScheduleDefinition["timeParameters"] {
  if (!fields.has("times")) return {};
  const times = new DefinitionFields(fields.get("times"), "times", undefined, problems);
  return Object.fromEntries(
    times.keys().map((name) => {
      if (Object.hasOwn(parameters, name)) times.add(name, "is given among params, too");
      return [name, times.choice(name, ["nominal", "previous"]) ?? "nominal"] as const;
    }),
  );
}

const OVERLAPS = ["skip", "buffer_one", "buffer_all", "cancel_running", "allow"] as const;

/** As a definition's `overlap`. @throws JobError `invalid_definition`. */
export function overlapOf(overlap: unknown): OverlapPolicy {
  const problems = new DefinitionProblems();
  const policy = readOverlap(new DefinitionFields({ overlap }, "", ["overlap"], problems), problems);
  problems.throwIfAny({ kind: "schedule", name: undefined });
  return policy;
}

function readOverlap(fields: DefinitionFields, problems: DefinitionProblems): OverlapPolicy {
  const overlap = fields.get("overlap");
  if (typeof overlap !== "object" || overlap === null) {
    const kind = fields.choice("overlap", OVERLAPS) ?? "skip";
    return kind === "buffer_all" ? { kind, limit: SCHEDULE_DEFAULTS.bufferLimit } : { kind };
  }
  const parts = new DefinitionFields(overlap, "overlap", ["kind", "limit"], problems);
  const kind = parts.choice("kind", OVERLAPS);
  if (kind === undefined && !parts.has("kind")) parts.add("kind", "is missing");
  if (kind !== "buffer_all") {
    if (parts.has("limit")) parts.add("limit", "goes with buffer_all only");
    return { kind: kind ?? "skip" };
  }
  const range = { min: 1, max: LARGEST_COUNT, otherwise: SCHEDULE_DEFAULTS.bufferLimit };
  return { kind, limit: parts.integer("limit", range) };
}

const CATCH_UPS = ["none", "latest", "all"] as const;

function readCatchUp(fields: DefinitionFields, problems: DefinitionProblems): CatchUpPolicy {
  const catchUp = fields.get("catchUp");
  const all = {
    kind: "all",
    maxCount: SCHEDULE_DEFAULTS.catchUpCount,
    maxAgeMs: SCHEDULE_DEFAULTS.catchUpAgeMs,
  } as const;
  if (typeof catchUp !== "object" || catchUp === null) {
    const kind = fields.choice("catchUp", CATCH_UPS) ?? "none";
    return kind === "all" ? all : { kind };
  }
  const parts = new DefinitionFields(catchUp, "catchUp", ["kind", "maxCount", "maxAgeMs"], problems);
  const kind = parts.choice("kind", CATCH_UPS);
  if (kind === undefined && !parts.has("kind")) parts.add("kind", "is missing");
  if (kind !== "all") {
    for (const key of ["maxCount", "maxAgeMs"]) if (parts.has(key)) parts.add(key, "goes with all only");
    return { kind: kind ?? "none" };
  }
  return {
    kind,
    maxCount: parts.integer("maxCount", { min: 1, max: MOST_CAUGHT_UP, otherwise: all.maxCount }),
    maxAgeMs: parts.integer("maxAgeMs", { min: 1, max: Number.MAX_SAFE_INTEGER, otherwise: all.maxAgeMs }),
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
