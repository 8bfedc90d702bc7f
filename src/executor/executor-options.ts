import { types } from "node:util";
import type { AnyJob } from "../jobs/job-definition.js";
import { kindOf } from "../jobs/plain-value.js";
import { LARGEST_COUNT, LONGEST_WAIT_MS } from "../jobs/read-execution.js";
import { JobError } from "../model/job-error.js";
import type { Clock } from "../ports/clock.js";
import type { Connection } from "../ports/connection.js";
import type { IdSource } from "../ports/ids.js";
import type { JobStore } from "../ports/job-store.js";
import type { Logger } from "../ports/logger.js";
import type { ScheduleDefinition } from "../model/schedule.js";
import type { QueryEngine } from "../ports/query-engine.js";
import type { Scheduler } from "../ports/scheduler.js";
import { optionFault, wholeNumber, type OptionRule } from "../runs/option-check.js";
import type { RetentionTimes } from "../runs/retention.js";
import { KEEP_ALL, RETENTION, ROLE, type ExecutorRole } from "./working-options.js";

/** What a {@link JobExecutor} is made of. */
export interface JobExecutorOptions<J extends readonly AnyJob[] = readonly AnyJob[]> {
  readonly engine: QueryEngine;
  /** The ledger. One that is open already is left open by `stop`. */
  readonly store: JobStore;
  /** By the name that queries and destinations use; case does not matter. */
  readonly connections: Readonly<Record<string, Connection>>;
  readonly jobs: J;
  /** Put when the executor starts: made, or changed where they differ from what the ledger holds. Those made at run time stay. */
  readonly schedules?: readonly ScheduleDefinition[];
  /** A folder with one JSON file for each schedule: read when the executor starts, and kept up with what is made at run time. */
  readonly scheduleFolder?: string;
  /** Computes firing times. Default: croner's. */
  readonly scheduler?: Scheduler;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Default: random UUIDs of version 7. */
  readonly ids?: IdSource;
  /** Default: warnings and errors go to the console, the rest nowhere. */
  readonly logger?: Logger;
  /**
   * What this process does of it all. `submit`: it takes runs, and follows and cancels them, but leaves the work to others.
   * `work`: it carries runs out and takes none. Default `both`.
   */
  readonly role?: ExecutorRole;
  /** How long runs are kept after they have ended. `forever`: none is ever deleted. Default: see {@link RetentionTimes}. */
  readonly retention?: RetentionTimes | "forever";
  /** Runs carried out side by side. Default 4. */
  readonly maxConcurrentRuns?: number;
  /** How long a worker that died keeps its runs, in milliseconds. Default 30,000, at least 100. */
  readonly leaseMs?: number;
  /** How long a granted commit may go unanswered before it is settled, in milliseconds. Default 60,000. */
  readonly commitTimeoutMs?: number;
  /**
   * 32 bytes that seal secret parameters in the ledger, the same in every process that shares it. Default: none; then
   * secret values live only in the memory of the process that submitted the run.
   */
  readonly secretKey?: Uint8Array;
}

const SMALLEST_LEASE_MS = 100;
const KEY_BYTES = 32;

const SECRET_KEY: OptionRule = {
  fits: (key) => types.isUint8Array(key) && key.byteLength === KEY_BYTES,
  wanted: `a Uint8Array of ${KEY_BYTES} bytes (crypto.randomBytes(${KEY_BYTES}))`,
};

const OPTIONS: Readonly<Record<keyof JobExecutorOptions, OptionRule>> = {
  engine: port("a query engine, such as new DuckDBEngine()", "open", "describe", "explain", "stream", "close"),
  store: port("a job store, such as new MemoryJobStore()", "open", "createRuns", "getRun", "claimRuns", "close"),
  connections: { fits: isRecord, wanted: "a plain object of connections, { name: connection }" },
  jobs: { fits: Array.isArray, wanted: "an array of jobs" },
  schedules: { fits: Array.isArray, wanted: "an array of schedules" },
  scheduleFolder: { fits: (folder) => typeof folder === "string" && folder !== "", wanted: "the path of a folder" },
  scheduler: port("a scheduler, such as new CronerScheduler(clock)", "nextFireTime", "start", "wakeAt", "stop"),
  clock: port("a clock", "now", "after"),
  ids: port("a source of ids", "next", "random"),
  logger: port("a logger, such as console", "debug", "info", "warn", "error"),
  role: ROLE,
  retention: RETENTION,
  maxConcurrentRuns: wholeNumber(1, LARGEST_COUNT),
  leaseMs: wholeNumber(SMALLEST_LEASE_MS, LONGEST_WAIT_MS, "a whole number of milliseconds"),
  commitTimeoutMs: wholeNumber(1, LONGEST_WAIT_MS, "a whole number of milliseconds"),
  secretKey: SECRET_KEY,
};

const REQUIRED = ["engine", "store", "connections", "jobs"] as const;

/**
 * Checks every option, and gives the plain ones with their defaults.
 *
 * @throws JobError `invalid_definition`, naming the option in `field`.
 */
export function checkedLimits(options: JobExecutorOptions) {
  const fault = optionFault(options, OPTIONS);
  if (fault) refuse(fault.option, fault.message);
  for (const name of REQUIRED) {
    if (options[name] === undefined) refuse(name, `is missing; it is ${OPTIONS[name].wanted}`);
  }
  options.jobs.forEach((job: unknown, index) => {
    if (!isDefined(job)) refuse(`jobs[${index}]`, "must be a job that defineJob or loadJobs made");
  });
  refuseLostSecrets(options);
  refuseUnkeptSchedules(options);
  const { role = "both", retention = {}, maxConcurrentRuns = 4, leaseMs = 30_000, commitTimeoutMs = 60_000 } = options;
  return {
    role,
    retention: { ...(retention === "forever" ? KEEP_ALL : retention) },
    maxConcurrentRuns,
    leaseMs,
    commitTimeoutMs,
  };
}

function refuseUnkeptSchedules({ schedules = [], scheduleFolder, store, role }: JobExecutorOptions): void {
  schedules.forEach((schedule: unknown, index) => {
    const isDefinition = typeof schedule === "object" && schedule !== null && "hash" in schedule && "times" in schedule;
    if (!isDefinition) refuse(`schedules[${index}]`, "must be a schedule that defineSchedule or loadSchedules made");
  });
  const ids = schedules.map(({ id }) => id);
  const twice = ids.findIndex((id, index) => ids.indexOf(id) < index);
  if (twice !== -1) refuse(`schedules[${twice}]`, `is the second one with the id "${ids[twice] ?? ""}"`);
  if (schedules.length === 0 && scheduleFolder === undefined) return;
  if (store.schedules === undefined) refuse("schedules", "cannot be kept: the store keeps no schedules");
  if (role === "work") refuse("schedules", 'are fired by executors whose role is "both" or "submit"');
}

/** Nobody could carry out a run whose secrets are in the memory of an executor that carries out none. */
function refuseLostSecrets({ role, secretKey, jobs }: JobExecutorOptions): void {
  if (role !== "submit" || secretKey !== undefined) return;
  const job = jobs.find(({ parameters }) => parameters.some(({ secret }) => secret));
  if (job === undefined) return;
  refuse(
    "secretKey",
    `is missing, and job "${job.name}" has a secret parameter: this executor leaves its runs to other processes`,
    "Give all processes that share the ledger the same secretKey, so that it keeps such values sealed.",
  );
}

/** By what only a checked job has, since another build of the package may have made it. */
function isDefined(job: unknown): boolean {
  if (typeof job !== "object" || job === null) return false;
  const { name, hash, template, parameters, checks } = job as Partial<AnyJob>;
  return (
    typeof name === "string" &&
    typeof hash === "string" &&
    Array.isArray(template) &&
    Array.isArray(parameters) &&
    typeof checks === "object"
  );
}

/**
 * Checks the connections' names, and that no two parts hold the same single-writer resource.
 *
 * @throws JobError `invalid_definition`.
 */
export function checkedConnections({ connections, store }: JobExecutorOptions): ReadonlyMap<string, Connection> {
  const seen = new Map<string, string>();
  for (const [name, connection] of Object.entries(connections)) {
    const field = `connections.${name}`;
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      refuse(
        field,
        "must be a plain identifier",
        "Use letters, digits and _, and begin with a letter: it is the first segment of table names.",
      );
    }
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined)
      refuse(field, `differs from connections.${twin} in case only`, "Names of connections ignore case. Rename one.");
    seen.set(name.toLowerCase(), name);
    if (!isConnection(connection)) {
      refuse(
        field,
        `must be a connection, not ${kindOf(connection)}`,
        "Make one with csv(…), sqlite(…), memory() or the like.",
      );
    }
    const { resource } = connection.capabilities;
    if (
      resource !== undefined &&
      resource === store.capabilities.resource &&
      connection.capabilities.write === "transactional"
    ) {
      refuse(
        field,
        "is the ledger's own file",
        "A load holds the file's write lock until its commit, so the ledger could not be written meanwhile. Give the ledger a file of its own.",
      );
    }
  }
  return new Map(Object.entries(connections));
}

function port(wanted: string, ...methods: readonly string[]): OptionRule {
  return { fits: (value) => hasMethods(value, methods), wanted: `${wanted} (with ${methods.join(", ")})` };
}

function hasMethods(value: unknown, methods: readonly string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return methods.every((method) => typeof (value as Readonly<Record<string, unknown>>)[method] === "function");
}

/** An object whose keys are what it holds: no Map, no array, no instance of a class. */
function isRecord(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function isConnection(value: unknown): boolean {
  if (!hasMethods(value, ["close"])) return false;
  const { capabilities } = value as Partial<Connection>;
  return typeof capabilities === "object";
}

function refuse(option: string | null, what: string, hint = "Correct the option."): never {
  throw new JobError("invalid_definition", {
    message: `The executor's ${option === null ? "options" : `option ${option}`} ${what}.`,
    hint,
    field: option ?? "options",
  });
}
