import { err, ok, ResultAsync, safeTry, type Result } from "neverthrow";
import type { BoundValue } from "../jobs/bound-value.js";
import { runDefinition, type AnyJob } from "../jobs/job-definition.js";
import type { JobRegistry } from "../jobs/job-registry.js";
import { checkParameters } from "../jobs/parameter-values.js";
import { kindOf } from "../jobs/plain-value.js";
import { ERROR_CODES, type ErrorCode, type ErrorPlane } from "../model/error-codes.js";
import type { ParameterValue } from "../model/job-definition.js";
import { isJobError, JobError, type ErrorDetails } from "../model/job-error.js";
import { sortedByKey } from "../model/json.js";
import type { JobRun, NewRun } from "../model/run.js";
import type { JobSubmitError } from "../model/submit-error.js";
import type { EngineQuery, QueryDescription, QueryEngine } from "../ports/query-engine.js";
import type { ResolvedDestination } from "./connections.js";
import { checkDestination, refuseMisfit, type DestinationCheck } from "./preflight.js";
import { Redactor } from "./redactor.js";
import { INTERNAL, type RunServices } from "./run-services.js";
import { leaves } from "./secret-vault.js";
import { storeRun } from "./store-run.js";
import { copiedOptions, submitOptionsFault, type SubmitOptions } from "./submit-options.js";
import { unlessAborted } from "./waiting.js";
import { hasSecrets, withoutSecrets, type QueryWithValues } from "./without-secrets.js";

/** A job and values that passed every check which needs no destination. */
export interface PlannedQuery {
  readonly job: AnyJob;
  readonly values: ReadonlyMap<string, BoundValue>;
  readonly query: QueryWithValues;
  readonly description: QueryDescription;
  readonly resolved: ResolvedDestination;
  readonly redactor: Redactor;
  /** Calls the submit off. */
  readonly signal: AbortSignal;
}

/** What a submit or a preview was given beside the job's name. */
export interface PlanCall {
  readonly parameters: Readonly<Record<string, unknown>> | undefined;
  readonly options: { readonly signal?: AbortSignal };
  /** What is wrong with the options, which may be anything. */
  readonly fault: (options: unknown, jobName: string) => JobError | null;
}

export interface StoredRun {
  readonly run: JobRun;
  readonly created: boolean;
}

type Submitted<T> = ResultAsync<T, JobSubmitError>;

const LIVE = new AbortController().signal;

/** The way from a job's name and parameters to a pending run. What is refused leaves no trace (law 5). */
export class Submission {
  constructor(
    private readonly jobs: JobRegistry,
    private readonly services: RunServices,
  ) {}

  /**
   * Checks, in this order: the job's name, the options, its parameters' names, their values, the kind of the query, the
   * destination by its first dotted segment, the plan, and whether the destination exists and fits; then stores the run.
   */
  submit(
    jobName: string,
    parameters: Readonly<Record<string, unknown>> | undefined,
    options: SubmitOptions,
  ): Submitted<StoredRun> {
    const copy = copiedOptions(options);
    const call = { parameters, options: copy, fault: submitOptionsFault };
    return this.plan(jobName, call).andThen((planned) =>
      this.typed(planned, planned.signal, async () => {
        refuseMisfit(planned.resolved, await this.check(planned, planned.signal));
        planned.signal.throwIfAborted();
        // From here on the run may be stored, so that what goes wrong is told as it is.
      }).andThen(() => this.typed(planned, LIVE, () => this.#store(planned, copy))),
    );
  }

  /** All checks up to the plan. */
  plan(jobName: string, { parameters, options, fault }: PlanCall): Submitted<PlannedQuery> {
    const { jobs } = this;
    const plan = this.#plan.bind(this);
    return safeTry(async function* () {
      const job = yield* findJob(jobs, jobName);
      const refusal = fault(options, job.name);
      if (refusal) return err(refusal as JobSubmitError);
      const values = yield* checkParameters(job, parameters);
      return plan(job, values, options.signal ?? LIVE);
    });
  }

  check({ resolved, job, description }: PlannedQuery, signal: AbortSignal): Promise<DestinationCheck> {
    return checkDestination(resolved, job.destination, description.schema, signal);
  }

  /** Runs a step that may throw anything, and types what it throws. */
  typed<T>(
    { job, redactor }: Pick<PlannedQuery, "job" | "redactor">,
    signal: AbortSignal,
    step: () => Promise<T>,
  ): Submitted<T> {
    return ResultAsync.fromPromise(step(), (error) => {
      const details = { jobName: job.name };
      return signal.aborted ? calledOff(details) : submitError(error, redactor, details);
    });
  }

  #plan(job: AnyJob, values: ReadonlyMap<string, BoundValue>, signal: AbortSignal): Submitted<PlannedQuery> {
    const { engine, connections } = this.services;
    const secrets = [...values.values()].filter(({ secret }) => secret).flatMap(({ value }) => leaves(value));
    const redactor = new Redactor([...connections.secrets, ...secrets]);
    const query = { template: job.template, parameters: values };
    return this.typed({ job, redactor }, signal, async () => {
      signal.throwIfAborted();
      const description = await describe(engine, query, signal);
      // The kind of the query comes before the destination, the plan after it.
      if ("error" in description && isJobError(description.error, "unsupported_query")) throw description.error;
      const resolved = connections.destination(job.destination.table, job.destination.mode);
      refuseUnfencedRetries(resolved, job);
      if ("error" in description) throw await planFailure(description.error, engine, query, signal);
      return { job, values, query, description, resolved, redactor, signal };
    });
  }

  async #store(planned: PlannedQuery, options: SubmitOptions): Promise<StoredRun> {
    const { vault } = this.services;
    const run = this.#newRun(planned, options);
    const secrets = secretValues(planned.values);
    const settleHold = vault.hold(run.id, secrets);
    const stored = await storeRun(run, this.services);
    // Secrets of a run that may be there are kept: it is carried out, if it is.
    settleHold(stored.kind === "unknown" || (stored.kind === "stored" && stored.created));
    if (stored.kind !== "stored") throw stored.error;
    if (!stored.created && !(stored.run.jobName === run.jobName && vault.sameParameters(stored.run, run, secrets))) {
      throw otherRun(stored.run, run);
    }
    return { run: stored.run, created: stored.created };
  }

  #newRun({ job, values }: PlannedQuery, options: SubmitOptions): NewRun {
    const definition = runDefinition(job, values);
    const { vault, ids } = this.services;
    const parameters = [...values].map(
      ([name, { value, secret }]) => [name, secret ? vault.marker(value) : value] as const,
    );
    return {
      id: ids.next(),
      jobName: job.name,
      definitionHash: job.hash,
      definition: {
        ...definition,
        execution: { ...definition.execution, timeoutMs: options.timeoutMs ?? definition.execution.timeoutMs },
      },
      parameters: sortedByKey(Object.fromEntries(parameters)),
      priority: options.priority ?? job.execution.priority,
      idempotencyKey: options.idempotencyKey ?? null,
      runAt: options.runAt ?? null,
      startDeadline: options.startDeadline ?? null,
    };
  }
}

function findJob(jobs: JobRegistry, jobName: unknown): Result<AnyJob, JobSubmitError> {
  const name = typeof jobName === "string" ? jobName : kindOf(jobName);
  const job = typeof jobName === "string" ? jobs.get(jobName) : undefined;
  if (job) return ok(job);
  const near = typeof jobName === "string" ? jobs.nearest(jobName) : undefined;
  return err(
    new JobError("unknown_job", {
      message:
        typeof jobName === "string" ? `There is no job named "${name}".` : `A job's name is a text, not ${name}.`,
      hint: near === undefined ? "Pass the job to the executor's jobs." : `Did you mean "${near}"?`,
      jobName: name,
    }) as JobSubmitError,
  );
}

/** Engines in plain JavaScript may throw instead of rejecting, or not listen to the signal. */
async function describe(
  engine: QueryEngine,
  query: EngineQuery,
  signal: AbortSignal,
): Promise<QueryDescription | { readonly error: unknown }> {
  try {
    return await unlessAborted(signal, engine.describe(query, signal));
  } catch (error) {
    return { error };
  }
}

function secretValues(values: ReadonlyMap<string, BoundValue>): ReadonlyMap<string, ParameterValue> {
  return new Map([...values].filter(([, { secret }]) => secret).map(([name, { value }]) => [name, value]));
}

/** A second attempt is safe only where the first one's commit can be ruled out. */
function refuseUnfencedRetries(
  { destination, table }: ResolvedDestination,
  { execution, destination: to }: AnyJob,
): void {
  const { commitFence } = destination.capabilities;
  if (commitFence === "fenced" || execution.maxAttempts === 1) return;
  throw new JobError("unsupported_write_mode", {
    message: `Destination "${table}" cannot rule out that the commit of a lost attempt lands later (its commitFence is "${commitFence}"), so a run into it has one attempt; execution.maxAttempts is ${execution.maxAttempts}.`,
    hint: "Set execution.maxAttempts to 1, or write to a destination that fences its commits.",
    field: "execution.maxAttempts",
    table,
    mode: to.mode.kind,
  });
}

function otherRun(existing: JobRun, wanted: NewRun): JobError {
  return new JobError("idempotency_conflict", {
    message: `The idempotency key "${wanted.idempotencyKey ?? ""}" names run ${existing.id}, which has another job or other parameters.`,
    hint: "Use a key that is derived from what is to be done, or submit with the first run's parameters.",
    runId: existing.id,
  });
}

/** Of a query with secrets, what the engine says is told only as it says it of the query without them. */
async function planFailure(
  error: unknown,
  engine: QueryEngine,
  query: QueryWithValues,
  signal: AbortSignal,
): Promise<JobError> {
  if (!hasSecrets(query)) return typedPlanFailure(error);
  const harmless = await describe(engine, withoutSecrets(query), signal);
  if ("error" in harmless) return typedPlanFailure(harmless.error);
  return new JobError("sql_plan_failure", {
    message:
      "The query cannot be planned with the secret values that were given. What the engine said could quote them.",
    hint: "Check that the values are of the kind that the query needs where they stand.",
  });
}

function typedPlanFailure(error: unknown): JobError {
  if (isJobError(error) && isSubmitCode(error.code)) return error;
  return new JobError("sql_plan_failure", {
    message: "The query could not be planned",
    hint: "The message tells what the engine said.",
    cause: error,
  });
}

function calledOff(details: ErrorDetails): JobSubmitError {
  return new JobError("aborted", {
    message: "The submit was called off by its signal.",
    hint: "Nothing was stored. Submit again when it is wanted after all.",
    ...details,
  });
}

/** Whatever was thrown on the way to a pending run, as a value. */
function submitError(error: unknown, redactor: Redactor, details: ErrorDetails): JobSubmitError {
  const typed = redactor.hostError(error, INTERNAL, details);
  // Every code of the submit plane has its fields from `details` and from the place that threw it.
  if (isSubmitCode(typed.code)) return typed as JobSubmitError;
  return new JobError("internal_error", { message: typed.message, hint: typed.hint, ...details });
}

function isSubmitCode(code: ErrorCode): boolean {
  const { planes } = ERROR_CODES[code];
  return (planes as readonly ErrorPlane[]).includes("submit");
}
