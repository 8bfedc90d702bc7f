import type { Result } from "neverthrow";
import { concurrencyKeyOf } from "../jobs/concurrency-key.js";
import { runDefinition, type AnyJob } from "../jobs/job-definition.js";
import type { JobRegistry } from "../jobs/job-registry.js";
import { checkParameters, type BoundValues } from "../jobs/parameter-values.js";
import { kindOf } from "../jobs/plain-value.js";
import type { RunDefinition } from "../model/job-definition.js";
import { isJobError, JobError } from "../model/job-error.js";
import { frozenCopy } from "../model/plain-copy.js";
import type { JobSubmitError } from "../model/submit-error.js";
import type { QueryDescription } from "../ports/query-engine.js";
import { initialValues, JobState, refuseMisfitState, refuseUnsupportedState, type JobStateValue } from "./job-state.js";
import { connectionRoot, type ResolvedDestination } from "./connections.js";
import { describeQuery, planFailure } from "./plan-failure.js";
import { checkDestination, refuseMisfit, type DestinationCheck } from "./preflight.js";
import { Redactor } from "./redactor.js";
import type { RunServices } from "./run-services.js";
import type { RunDraft } from "./run-draft.js";
import { leaves } from "./secret-vault.js";
import type { SharedPlans } from "./shared-plans.js";
import { typed, type FailingSubmit } from "./submit-failure.js";
import { copiedOptions, type SubmitOptions, type SubmitOptionsFault } from "./submit-options.js";
import { manyListeners, NEVER_ABORTED, unlessAborted } from "./waiting.js";
import type { QueryWithValues } from "./without-secrets.js";

/** A job and values that passed every check which needs no destination. */
export interface PlannedQuery extends FailingSubmit {
  readonly job: AnyJob;
  readonly values: BoundValues;
  readonly query: QueryWithValues;
  readonly description: QueryDescription;
  readonly resolved: ResolvedDestination;
  /** Those of destination and sources, as a run names them. */
  readonly connections: readonly string[];
}

/** What a submit or a preview was given beside the job's name. */
export interface PlanCall {
  readonly parameters: Readonly<Record<string, unknown>> | undefined;
  readonly options: { readonly signal?: AbortSignal };
  /** What is wrong with the options, which may be anything. */
  readonly fault: (options: unknown, jobName: string) => JobError | null;
}

/** A submit that passed every check. */
export interface AcceptedSubmit {
  readonly planned: PlannedQuery;
  readonly options: SubmitOptions;
  readonly concurrencyKey: string | null;
}

/**
 * The checks between a job's name and a run that may be stored. What is refused leaves no trace (law 5): each method
 * rejects with a `JobSubmitError`, and stores nothing.
 */
export class Submission {
  readonly #definitions = new Map<AnyJob, RunDefinition>();

  constructor(
    private readonly jobs: JobRegistry,
    private readonly services: RunServices,
    private readonly optionsFault: SubmitOptionsFault,
  ) {}

  /**
   * Checks, in this order: the job's name, the options, its parameters' names, their values, what they make of its
   * concurrency key, the kind of the query, the destination by its first dotted segment, the plan, and whether the
   * destination exists and fits. What has no schema is read before this returns.
   *
   * @param shared where equal plans of one bulk are made once.
   */
  async accept(
    jobName: string,
    parameters: Readonly<Record<string, unknown>> | undefined,
    given: SubmitOptions,
    shared?: SharedPlans,
  ): Promise<AcceptedSubmit> {
    const options = copiedOptions(given);
    const job = this.#job(jobName, options, this.optionsFault);
    const values = valueOrThrow(await checkParameters(job, parameters));
    const concurrencyKey = options.concurrencyKey ?? valueOrThrow(concurrencyKeyOf(job, values));
    const { signal } = options;
    if (signal) manyListeners(signal);
    // One that can be called off by itself must not take others with it.
    const planned = await (shared && !signal
      ? shared.planOf(job, values, () => this.#planFitting(job, values, shared.signal))
      : this.#planFitting(job, values, signal ?? shared?.signal ?? NEVER_ABORTED));
    return { planned, options, concurrencyKey };
  }

  /** All checks up to the plan. */
  async plan(jobName: string, call: PlanCall): Promise<PlannedQuery> {
    const job = this.#job(jobName, call.options, call.fault);
    const values = valueOrThrow(await checkParameters(job, call.parameters));
    const subject = this.#subject(job, values);
    const { signal = NEVER_ABORTED } = call.options;
    return typed(subject, signal, () => this.#plan(job, values, subject, signal));
  }

  /** What the job remembers, as the destination has it now. */
  async state(jobName: string): Promise<readonly JobStateValue[]> {
    const job = findJob(this.jobs, jobName);
    const { destination, state } = job;
    return typed(this.#subject(job, new Map()), NEVER_ABORTED, async () => {
      if (!state) return [];
      const resolved = this.services.connections.destination(destination.table, destination.mode);
      return (await JobState.read(resolved, job.name, state, NEVER_ABORTED)).shown;
    });
  }

  check({ resolved, job, description }: PlannedQuery, signal: AbortSignal): Promise<DestinationCheck> {
    return unlessAborted(signal, checkDestination(resolved, job.destination, description.schema, signal));
  }

  /** What is stored of an accepted submit. */
  draft({ planned, options, concurrencyKey }: AcceptedSubmit): RunDraft {
    const { vault, ids } = this.services;
    const { job, values, redactor } = planned;
    const given = [...values];
    const parameters = given.map(([name, { value, secret }]) => [name, secret ? vault.marker(value) : value] as const);
    const secrets = given.flatMap(([name, { value, secret }]) => (secret ? [[name, value] as const] : []));
    const run = {
      id: ids.next(),
      jobName: job.name,
      definitionHash: job.hash,
      definition: this.#definition(job, values, options),
      parameters: Object.fromEntries(parameters),
      priority: options.priority ?? job.execution.priority,
      idempotencyKey: options.idempotencyKey ?? null,
      connections: planned.connections,
      concurrencyKey,
      redriveOf: null,
      runAt: options.runAt ?? null,
      startDeadline: options.startDeadline ?? null,
    };
    return { run, secrets: new Map(secrets), jobName: job.name, redactor };
  }

  /** One for all runs of a job that differ in no part of it. */
  #definition(job: AnyJob, values: BoundValues, { timeoutMs }: SubmitOptions): RunDefinition {
    const known = this.#definitions.get(job);
    if (known && timeoutMs === undefined) return known;
    const definition = frozenCopy(runDefinition(job, values));
    if (timeoutMs !== undefined) return { ...definition, execution: { ...definition.execution, timeoutMs } };
    // Types that were inferred from these values say nothing of the next ones.
    if (job.parameters.every(({ type }) => type !== null)) this.#definitions.set(job, definition);
    return definition;
  }

  #job<O>(jobName: unknown, options: O, fault: (options: O, jobName: string) => JobError | null): AnyJob {
    const job = findJob(this.jobs, jobName);
    const refusal = fault(options, job.name);
    if (refusal) throw refusal;
    return job;
  }

  #planFitting(job: AnyJob, values: BoundValues, signal: AbortSignal): Promise<PlannedQuery> {
    const subject = this.#subject(job, values);
    return typed(subject, signal, async () => {
      const planned = await this.#plan(job, values, subject, signal);
      refuseMisfit(planned.resolved, await this.check(planned, signal));
      refuseMisfitState(planned.resolved.table, job.state ?? [], planned.description.schema);
      signal.throwIfAborted();
      return planned;
    });
  }

  async #plan(job: AnyJob, values: BoundValues, subject: FailingSubmit, signal: AbortSignal): Promise<PlannedQuery> {
    const { engine, connections } = this.services;
    // Without a state no map is copied: bulks plan the same query over and over.
    const parameters = job.state ? new Map([...values, ...initialValues(job.state)]) : values;
    const query = { template: job.template, parameters };
    signal.throwIfAborted();
    const description = await describeQuery(engine, query, signal);
    // The kind of the query comes before the destination, the plan after it.
    if ("error" in description && isJobError(description.error, "unsupported_query")) throw description.error;
    const resolved = connections.destination(job.destination.table, job.destination.mode);
    if (job.state) refuseUnsupportedState(resolved);
    refuseUnfencedRetries(resolved, job);
    if ("error" in description) throw await planFailure(description.error, engine, query, signal);
    // Every field by name: spreading costs as much as all the checks together.
    const { jobName, redactor } = subject;
    const needed = connectionsOf(resolved, description);
    return { jobName, redactor, job, values, query, description, resolved, connections: needed };
  }

  #subject(job: AnyJob, values: BoundValues): FailingSubmit {
    const redactor = (): Redactor => {
      const secrets = [...values.values()].filter(({ secret }) => secret).flatMap(({ value }) => leaves(value));
      return new Redactor([...this.services.connections.secrets, ...secrets]);
    };
    return { jobName: job.name, redactor };
  }
}

/** By the first dotted segments of the names. Frozen, since many runs may share it. */
function connectionsOf({ table }: ResolvedDestination, { tables }: QueryDescription): readonly string[] {
  return Object.freeze([...new Set([table, ...tables].map(connectionRoot))].sort());
}

function valueOrThrow<T>(result: Result<T, JobSubmitError>): T {
  if (result.isErr()) throw result.error;
  return result.value;
}

function findJob(jobs: JobRegistry, jobName: unknown): AnyJob {
  const name = typeof jobName === "string" ? jobName : kindOf(jobName);
  const job = typeof jobName === "string" ? jobs.get(jobName) : undefined;
  if (job) return job;
  const near = typeof jobName === "string" ? jobs.nearest(jobName) : undefined;
  throw new JobError("unknown_job", {
    message: typeof jobName === "string" ? `There is no job named "${name}".` : `A job's name is a text, not ${name}.`,
    hint: near === undefined ? "Pass the job to the executor's jobs." : `Did you mean "${near}"?`,
    jobName: name,
  });
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
