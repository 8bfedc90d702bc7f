import type { AnyJob } from "../jobs/job-definition.js";
import type { JobRegistry } from "../jobs/job-registry.js";
import { checkParameters } from "../jobs/parameter-values.js";
import { isJobError, JobError } from "../model/job-error.js";
import type { ScheduleDefinition } from "../model/schedule.js";
import type { Scheduler } from "../ports/scheduler.js";
import { nextFiring } from "./firing-times.js";
import { newSchedule } from "./new-schedule.js";
import { holdsTime, timeValues } from "./time-values.js";

/**
 * What a definition alone does not tell: that its expressions and zones exist, that it fires at all, and that its job is
 * there and takes its parameters.
 *
 * @throws JobError `invalid_definition` with `field`, `unknown_job`, or what a submit refuses of parameters.
 */
export async function checkSchedule(
  definition: ScheduleDefinition,
  jobs: JobRegistry,
  scheduler: Scheduler,
  now: Date,
): Promise<void> {
  await checkTimes(definition, scheduler, now);
  const job = jobs.get(definition.job);
  if (job === undefined) throw unknownJob(definition, jobs);
  refuseSecrets(definition, job);
  for (const name of Object.keys(definition.timeParameters)) {
    const type = job.parameters.find((parameter) => parameter.name === name)?.type ?? null;
    if (!holdsTime(type)) {
      throw invalid(
        definition,
        `times.${name}`,
        `the parameter "${name}" of "${job.name}" cannot hold a time`,
        TIME_TYPES,
      );
    }
  }
  const times = timeValues(definition, job, { nominalAt: now, previousAt: now });
  const values = await checkParameters(job, { ...definition.parameters, ...times });
  if (values.isErr()) throw values.error;
}

/** @throws JobError `invalid_definition`, with the part of the schedule in `field`. */
async function checkTimes(definition: ScheduleDefinition, scheduler: Scheduler, now: Date): Promise<void> {
  const { times } = definition;
  times.triggers.forEach((trigger, at) => {
    const path = times.triggers.length === 1 ? "trigger" : `trigger[${at}]`;
    within(definition, path, () => scheduler.nextFireTime(trigger, now.getTime()));
  });
  times.exclude.forEach((excluded, at) => {
    const path = times.exclude.length === 1 ? "exclude" : `exclude[${at}]`;
    if (excluded.kind === "cron") {
      const trigger = { ...excluded, gap: "skip", overlap: "both" } as const;
      within(definition, path, () => scheduler.nextFireTime(trigger, now.getTime()));
    } else if (excluded.kind === "dates") {
      const everyDay = { kind: "cron", expression: "0 0 * * *", gap: "skip", overlap: "both" } as const;
      within(definition, path, () =>
        scheduler.nextFireTime({ ...everyDay, timeZone: excluded.timeZone }, now.getTime()),
      );
    }
  });
  const firsts = times.triggers.map((trigger) => {
    return nextFiring({ triggers: [trigger], exclude: [], startAt: null, endAt: null }, scheduler, now.getTime());
  });
  const never = (await Promise.all(firsts)).indexOf(undefined);
  if (never !== -1) {
    const path = times.triggers.length === 1 ? "trigger" : `trigger[${never}]`;
    throw invalid(
      definition,
      path,
      "it never fires from now on",
      "Look for days that no month has, and times that are past.",
    );
  }
  if ((await newSchedule(definition, now, scheduler)).nextAt === null) {
    throw invalid(
      definition,
      times.exclude.length > 0 ? "exclude" : "endAt",
      "nothing is left of its firings",
      "Look at startAt, endAt and exclude.",
    );
  }
}

function within(definition: ScheduleDefinition, path: string, act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (!isJobError(error, "invalid_definition")) throw error;
    // As the host wrote it, not as the port calls it.
    const part = error.field === "expression" ? "cron" : error.field;
    throw new JobError("invalid_definition", {
      message: `Schedule "${definition.id}": ${error.message}`,
      hint: error.hint,
      field: `${path}.${part ?? ""}`,
      cause: error.cause,
    });
  }
}

function unknownJob({ id, job }: ScheduleDefinition, jobs: JobRegistry): JobError {
  const nearest = jobs.nearest(job);
  return new JobError("unknown_job", {
    message: `Schedule "${id}" fires the job "${job}", which is not registered.`,
    hint: nearest === undefined ? "Give the executor the job." : `Did you mean "${nearest}"?`,
    jobName: job,
    field: "job",
  });
}

function refuseSecrets(definition: ScheduleDefinition, job: AnyJob): void {
  const secret = job.parameters.find(
    ({ name, secret: isSecret }) => isSecret && Object.hasOwn(definition.parameters, name),
  );
  if (secret === undefined) return;
  throw invalid(
    definition,
    `params.${secret.name}`,
    "the parameter is secret, and a schedule's parameters stand in the ledger",
    "Give the parameter a default, or let a connection hold the secret.",
  );
}

const TIME_TYPES = "Declare it as TIMESTAMPTZ, TIMESTAMP, DATE, VARCHAR or BIGINT.";

function invalid({ id }: ScheduleDefinition, field: string, message: string, hint: string): JobError {
  return new JobError("invalid_definition", { message: `Schedule "${id}": ${message}.`, hint, field });
}
