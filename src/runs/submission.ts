import { err, ok, ResultAsync, safeTry, type Result } from "neverthrow";
import type { BoundValue } from "../jobs/bound-value.js";
import { runDefinition, type AnyJob } from "../jobs/job-definition.js";
import type { JobRegistry } from "../jobs/job-registry.js";
import { checkParameters } from "../jobs/parameter-values.js";
import { ERROR_CODES, type ErrorCode, type ErrorPlane } from "../model/error-codes.js";
import { isJobError, JobError, type ErrorDetails } from "../model/job-error.js";
import { canonicalJson, sortedByKey } from "../model/json.js";
import type { JobRun, NewRun } from "../model/run.js";
import type { JobSubmitError } from "../model/submit-error.js";
import type { EngineQuery, QueryDescription } from "../ports/query-engine.js";
import type { ResolvedDestination } from "./connections.js";
import { checkDestination, refuseMisfit, type DestinationCheck } from "./preflight.js";
import { Redactor } from "./redactor.js";
import { INTERNAL, type RunServices } from "./run-services.js";
import { leaves, withoutSeals } from "./secret-vault.js";
import { checkSubmitOptions, type SubmitOptions } from "./submit-options.js";

/** A job and values that passed every check which needs no destination. */
export interface PlannedQuery {
  readonly job: AnyJob;
  readonly values: ReadonlyMap<string, BoundValue>;
  readonly query: EngineQuery;
  readonly description: QueryDescription;
  readonly resolved: ResolvedDestination;
  readonly redactor: Redactor;
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
   * Checks, in this order: the job's name, its parameters' names, their values, the kind of the query, the destination by
   * its first dotted segment, the plan, and whether the destination exists and fits; then stores the run.
   */
  submit(
    jobName: string,
    parameters: Readonly<Record<string, unknown>> | undefined,
    options: SubmitOptions,
  ): Submitted<StoredRun> {
    const signal = options.signal ?? LIVE;
    return this.plan(jobName, parameters, signal).andThen((planned) =>
      this.typed(planned, signal, async () => {
        checkSubmitOptions(options);
        refuseMisfit(planned.resolved, await this.check(planned, signal));
        signal.throwIfAborted();
        return this.#store(planned, options);
      }),
    );
  }

  /** All checks up to the plan. */
  plan(
    jobName: string,
    parameters: Readonly<Record<string, unknown>> | undefined,
    signal: AbortSignal,
  ): Submitted<PlannedQuery> {
    const { jobs } = this;
    const plan = this.#plan.bind(this);
    return safeTry(async function* () {
      const job = yield* findJob(jobs, jobName);
      const values = yield* checkParameters(job, parameters);
      return plan(job, values, signal);
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
      const description = await engine.describe(query, signal).catch((error: unknown) => ({ error }));
      // The kind of the query comes before the destination, the plan after it.
      if ("error" in description && isJobError(description.error, "unsupported_query")) throw description.error;
      const resolved = connections.destination(job.destination.table, job.destination.mode);
      if ("error" in description) throw planFailure(description.error);
      return { job, values, query, description, resolved, redactor };
    });
  }

  async #store(planned: PlannedQuery, options: SubmitOptions): Promise<StoredRun> {
    const { ledger, vault } = this.services;
    const run = this.#newRun(planned, options);
    vault.hold(
      run.id,
      new Map([...planned.values].filter(([, { secret }]) => secret).map(([name, { value }]) => [name, value])),
    );
    const stored = await ledger.create(run).catch((error: unknown) => {
      vault.forget(run.id);
      throw isJobError(error) ? error : storeUnavailable(error);
    });
    if (!stored.created) {
      vault.forget(run.id);
      refuseOtherRun(stored.run, run);
    }
    return stored;
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

function findJob(jobs: JobRegistry, jobName: string): Result<AnyJob, JobSubmitError> {
  const job = jobs.get(jobName);
  if (job) return ok(job);
  const near = jobs.nearest(jobName);
  return err(
    new JobError("unknown_job", {
      message: `There is no job named "${jobName}".`,
      hint: near === undefined ? "Pass the job to the executor's jobs." : `Did you mean "${near}"?`,
      jobName,
    }) as JobSubmitError,
  );
}

function refuseOtherRun(existing: JobRun, wanted: NewRun): void {
  const same =
    existing.jobName === wanted.jobName &&
    canonicalJson(withoutSeals(existing.parameters)) === canonicalJson(withoutSeals(wanted.parameters));
  if (same) return;
  throw new JobError("idempotency_conflict", {
    message: `The idempotency key "${wanted.idempotencyKey ?? ""}" names run ${existing.id}, which has another job or other parameters.`,
    hint: "Use a key that is derived from what is to be done, or submit with the first run's parameters.",
    runId: existing.id,
  });
}

function storeUnavailable(cause: unknown): JobError {
  return new JobError("store_unavailable", {
    message: "The run could not be stored",
    hint: "Nothing was submitted. Check the ledger, then submit again.",
    cause,
  });
}

function planFailure(error: unknown): JobError {
  if (isJobError(error) && isSubmitCode(error.code)) return error;
  return new JobError("sql_plan_failure", {
    message: "The query could not be planned",
    hint: "The message tells what the engine said.",
    cause: error,
  });
}

function calledOff(details: ErrorDetails): JobSubmitError {
  return new JobError("aborted", { message: "The submit was called off.", hint: "Nothing was stored.", ...details });
}

/** Whatever was thrown on the way to a pending run, as a value. */
export function submitError(error: unknown, redactor: Redactor, details: ErrorDetails): JobSubmitError {
  const typed = redactor.hostError(error, INTERNAL, details);
  // Every code of the submit plane has its fields from `details` and from the place that threw it.
  if (isSubmitCode(typed.code)) return typed as JobSubmitError;
  return new JobError("internal_error", { message: typed.message, hint: typed.hint, ...details });
}

function isSubmitCode(code: ErrorCode): boolean {
  const { planes } = ERROR_CODES[code];
  return (planes as readonly ErrorPlane[]).includes("submit");
}
