import type { Result, ResultAsync } from "neverthrow";
import type { AnyJob } from "../jobs/job-definition.js";
import type { JobNames, SubmitArgs, SubmitItem } from "../jobs/job-params.js";
import { JobRegistry } from "../jobs/job-registry.js";
import type { CancelOutcome, JobRun, RunPage, RunQuery } from "../model/run.js";
import type { JobSubmitError } from "../model/submit-error.js";
import type { StoreContext } from "../ports/job-store.js";
import {
  checkedReason,
  checkedResultOptions,
  checkedRunId,
  checkedRunQuery,
  checkedStopOptions,
} from "../runs/checked-arguments.js";
import type { ExecutorEvent } from "../runs/executor-events.js";
import type { BulkItem, BulkOptions } from "../runs/bulk-submission.js";
import type { PreparedRun } from "../runs/prepared-run.js";
import type { JobStateValue } from "../runs/job-state.js";
import type { JobPreview, PreviewOptions } from "../runs/preview.js";
import { EndedElsewhere } from "../runs/ended-elsewhere.js";
import { NOTHING_RECOVERED } from "../runs/recovery.js";
import type { RedriveError, RedriveManyOptions, RedriveOptions } from "../runs/redrive.js";
import { runHandle, type RunAccess, type RunHandle } from "../runs/run-handle.js";
import { NO_ENDS } from "../runs/run-ending.js";
import type { RunServices } from "../runs/run-services.js";
import { withoutSeals } from "../runs/secret-vault.js";
import { Submission } from "../runs/submission.js";
import { engineOptionsFault, submitOptionsFault, type SubmitOptions } from "../runs/submit-options.js";
import { Worker } from "../runs/worker.js";
import type { ScheduleWork } from "../schedules/schedule-work.js";
import type { Schedules } from "../schedules/schedules.js";
import { closeParts } from "./close-parts.js";
import { connectionTables, type ConnectionTables } from "./connection-tables.js";
import { checkedLimits, type JobExecutorOptions } from "./executor-options.js";
import { executorServices } from "./executor-services.js";
import { Followers } from "./followers.js";
import { Lifecycle } from "./lifecycle.js";
import { RunSubmitter, type RedriveReport } from "./run-submitter.js";
import { scheduleSide, schedulesOf } from "./schedule-side.js";
import { stopReport, type StartReport, type StopOptions, type StopReport } from "./reports.js";

export type { StartReport, StopOptions, StopReport } from "./reports.js";

type UntypedArgs<Options> = [parameters?: Readonly<Record<string, unknown>>, options?: Options];

const DEFAULT_STOP_TIMEOUT_MS = 30_000;

/**
 * Runs jobs: SQL in, atomic commit out, and a ledger that never lies. Made of ports, all passed in; it decides nothing
 * itself.
 */
export class JobExecutor<const J extends readonly AnyJob[] = readonly AnyJob[]> implements AsyncDisposable {
  readonly #options: JobExecutorOptions<J>;
  readonly #jobs: JobRegistry;
  readonly #services: RunServices;
  readonly #submitter: RunSubmitter;
  /** Null: this executor leaves the work to others. */
  readonly #worker: Worker | null;
  /** Null: the ledger keeps no schedules, or this executor takes no runs. */
  readonly #scheduleWork: ScheduleWork | null;
  readonly #endedElsewhere: EndedElsewhere;
  readonly #lifecycle: Lifecycle<StartReport, StopReport, StopOptions>;
  readonly #access: RunAccess;
  readonly #followers: Followers;
  readonly #storeContext: StoreContext;

  /** @throws JobError `invalid_definition`, naming the option in `field`. */
  constructor(options: JobExecutorOptions<J>) {
    const { role, maxConcurrentRuns, retention, ...times } = checkedLimits(options);
    this.#options = options;
    this.#jobs = new JobRegistry(options.jobs);
    this.#services = executorServices(options, times);
    const { clock, logger, ledger } = this.#services;
    this.#storeContext = { clock, logger, onChange: (change) => ledger.hear(change) };
    this.#worker = role === "submit" ? null : new Worker(this.#services, { maxConcurrentRuns, retention });
    this.#endedElsewhere = new EndedElsewhere(this.#services);
    this.#lifecycle = new Lifecycle(
      () => this.#start(),
      (stopOptions) => this.#stop(stopOptions),
      role !== "work",
    );
    this.#followers = new Followers(this.#services, () => this.#lifecycle.mustBeReadable());
    this.#access = {
      get: (id) => this.getRun(id),
      events: (id, eventsOptions) => this.#followers.events(id, eventsOptions),
      result: (id, resultOptions) => this.#followers.result(id, resultOptions),
      cancel: (id, reason) => this.cancel(id, reason),
    };
    const submission = new Submission(this.#jobs, this.#services, submitOptionsFault);
    this.#submitter = new RunSubmitter(submission, this.#services, this.#access, this.#lifecycle);
    const cancelRun = (id: string, reason: string): Promise<CancelOutcome> => this.cancel(id, reason);
    const firings = new Submission(this.#jobs, this.#services, engineOptionsFault);
    const parts = { runs: this.#services, submission: firings, jobs: this.#jobs, cancelRun };
    this.#scheduleWork = scheduleSide(options, parts, this.#lifecycle);
  }

  /**
   * Opens store and engine, recovers the runs of owners that died, and begins to claim. Called again, gives the same
   * report.
   *
   * @throws JobError `store_unavailable`, `store_incompatible`, `executor_stopped`, `invalid_definition`.
   */
  start(): Promise<StartReport> {
    return this.#lifecycle.start();
  }

  /**
   * Stops claiming, lets runs end or hands them back, and closes what `start` opened. Called again, gives the same report;
   * with `mode: "cancel"`, it also ends the patience of a drain that is under way.
   */
  async stop(options?: StopOptions): Promise<StopReport> {
    const checked = checkedStopOptions(options);
    if (checked.mode === "cancel") this.#worker?.interruptAll();
    return this.#lifecycle.stop(checked);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /**
   * Submits a run. Resolves when the run is in the ledger; the refusal is a value, and leaves no trace.
   *
   * @param args the job's parameters, when it has any without a default, and {@link SubmitOptions}.
   */
  submit<N extends JobNames<J>>(
    name: N,
    ...args: SubmitArgs<J, N, SubmitOptions>
  ): ResultAsync<RunHandle, JobSubmitError> {
    const [parameters, options = {}] = args as UntypedArgs<SubmitOptions>;
    return this.#submitter.submit(name, parameters, options);
  }

  /** As {@link submit}, but a refusal is thrown. */
  async submitOrThrow<N extends JobNames<J>>(name: N, ...args: SubmitArgs<J, N, SubmitOptions>): Promise<RunHandle> {
    const submitted = await this.submit(name, ...args);
    if (submitted.isErr()) throw submitted.error;
    return submitted.value;
  }

  /**
   * Submits many runs. Those that pass their checks are stored by 500 in one act; what is refused leaves no trace, and
   * keeps no other from being stored. Leave the items as they are until this resolves.
   *
   * @returns a result for each item, in their order.
   * @throws JobError `invalid_definition` for arguments that are none.
   */
  async submitMany<const N extends readonly JobNames<J>[]>(
    items: { readonly [I in keyof N]: SubmitItem<J, N[I], SubmitOptions> },
    options?: BulkOptions,
  ): Promise<readonly Result<RunHandle, JobSubmitError>[]> {
    return this.#submitter.submitMany(items as readonly BulkItem[], options);
  }

  /** Checks a run as {@link submit} does, and stores nothing: it is inserted in a transaction of the host's own. */
  prepare<N extends JobNames<J>>(
    name: N,
    ...args: SubmitArgs<J, N, SubmitOptions>
  ): ResultAsync<PreparedRun, JobSubmitError> {
    const [parameters, options = {}] = args as UntypedArgs<SubmitOptions>;
    return this.#submitter.prepare(name, parameters, options);
  }

  /**
   * Runs a run that failed or was cancelled once more, as it was submitted: a new run, whose `redriveOf` names it. Called
   * again, gives the same new run with `created: false`.
   */
  redrive(runId: string, options?: RedriveOptions): ResultAsync<RunHandle, RedriveError> {
    return this.#submitter.redrive(runId, options);
  }

  /**
   * Redrives the failed runs, newest first, in bounded steps; `listRuns({ status: "failed" })` lists them.
   *
   * @throws JobError `not_started`, `executor_stopped`, `work_only`, `store_unavailable`, `invalid_definition`.
   */
  redriveMany(options?: RedriveManyOptions): Promise<RedriveReport> {
    return this.#submitter.redriveMany(options);
  }

  /** A dry run: plan, schema difference and sample rows. Writes nothing. */
  preview<N extends JobNames<J>>(
    name: N,
    ...args: SubmitArgs<J, N, PreviewOptions>
  ): ResultAsync<JobPreview, JobSubmitError> {
    const [parameters, options = {}] = args as UntypedArgs<PreviewOptions>;
    return this.#submitter.preview(name, parameters, options);
  }

  /**
   * What the query of a job would be bound with now for each `{last.<name>}`: what its last commit left in the destination,
   * or the initial value. Empty for a job without state.
   */
  jobState(name: JobNames<J>): ResultAsync<readonly JobStateValue[], JobSubmitError> {
    return this.#submitter.state(name);
  }

  /** The registered jobs, in order of their names. */
  listJobs(): readonly AnyJob[] {
    return this.#jobs.list();
  }

  getJob(name: string): AnyJob | undefined {
    return this.#jobs.get(name);
  }

  /** @throws JobError `not_started`, `executor_stopped`, `store_unavailable`. */
  async getRun(id: string): Promise<JobRun | undefined> {
    this.#lifecycle.mustBeReadable();
    const run = await this.#services.ledger.get(checkedRunId(id));
    return run && { ...run, parameters: withoutSeals(run) };
  }

  /** Newest first, a page at a time. @throws JobError `not_started`, `executor_stopped`, `store_unavailable`. */
  async listRuns(query?: RunQuery): Promise<RunPage> {
    this.#lifecycle.mustBeReadable();
    const page = await this.#services.ledger.list(checkedRunQuery(query));
    return { ...page, runs: page.runs.map((run) => ({ ...run, parameters: withoutSeals(run) })) };
  }

  /** Follows a run by its id, whoever submitted it. Whether there is such a run shows when the handle is used. */
  handle(id: string): RunHandle {
    return runHandle(checkedRunId(id), null, false, this.#access);
  }

  /** Asks for a run to be cancelled, and says what became of that. */
  async cancel(id: string, reason?: string): Promise<CancelOutcome> {
    this.#lifecycle.mustBeReadable();
    const runId = checkedRunId(id);
    const why = checkedReason(reason);
    const outcome = await this.#services.ledger.requestCancel(runId, why);
    if (outcome === "requested") this.#worker?.interrupt(runId, { kind: "cancelled", reason: why });
    return outcome;
  }

  /**
   * When jobs fire by themselves: made, changed, paused, fired by hand, and asked why.
   *
   * @throws JobError `invalid_definition` where the ledger keeps no schedules; `work_only` for an executor that takes no runs.
   */
  get schedules(): Schedules {
    return schedulesOf(this.#scheduleWork, this.#lifecycle);
  }

  /** Which tables the connections have, and their columns. */
  get tables(): ConnectionTables {
    return connectionTables(this.#services, this.#lifecycle);
  }

  /**
   * What happens to the executor itself, from now on: outages of the ledger, runs that nobody here can work on, leases that
   * were lost, runs that were recovered or deleted. Ends when the executor has stopped. A reader that is 1,000 events
   * behind loses the oldest, and is told how many.
   *
   * @param options its `signal` ends the iteration by throwing `aborted`.
   */
  events(options?: { readonly signal?: AbortSignal }): AsyncIterableIterator<ExecutorEvent> {
    return this.#services.events.follow(checkedResultOptions(options).signal);
  }

  async #start(): Promise<StartReport> {
    const { store, engine } = this.#options;
    const { clock, logger, connections } = this.#services;
    try {
      await store.open(this.#storeContext);
      await engine.open({ connections: connections.all, clock, logger });
      const recovered = (await this.#worker?.start()) ?? NOTHING_RECOVERED;
      this.#endedElsewhere.start();
      const badScheduleFiles = (await this.#scheduleWork?.start()) ?? [];
      return { recovered, badScheduleFiles };
    } catch (error) {
      await this.#scheduleWork?.stop();
      this.#endedElsewhere.stop();
      await this.#worker?.stop(0, "cancel");
      await this.#close();
      throw error;
    }
  }

  async #stop({ timeoutMs = DEFAULT_STOP_TIMEOUT_MS, mode = "drain" }: StopOptions): Promise<StopReport> {
    await this.#scheduleWork?.stop();
    const counts = (await this.#worker?.stop(timeoutMs, mode)) ?? { ended: NO_ENDS, unfinished: 0 };
    this.#services.leases.stop();
    this.#endedElsewhere.stop();
    await this.#followers.stop();
    this.#services.events.close();
    await this.#close();
    return stopReport(counts);
  }

  /** Frees everything that can be freed. */
  async #close(): Promise<void> {
    const { engine, store } = this.#options;
    const { connections, logger, clock } = this.#services;
    const parts = [engine, ...connections.all.values()].map((part) => [part, () => part.close()] as const);
    // Others may have it open too, the host among them.
    await closeParts([...parts, [store, () => store.close(this.#storeContext)]], clock, logger);
  }
}
