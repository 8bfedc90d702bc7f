import { setMaxListeners } from "node:events";
import { errAsync, type ResultAsync } from "neverthrow";
import { aesSecretBox } from "../adapters/system/aes-secret-box.js";
import { consoleLogger } from "../adapters/system/console-logger.js";
import { randomIds } from "../adapters/system/random-ids.js";
import { systemClock } from "../adapters/system/system-clock.js";
import type { AnyJob } from "../jobs/job-definition.js";
import type { JobNames, SubmitArgs } from "../jobs/job-params.js";
import { JobRegistry } from "../jobs/job-registry.js";
import { causeChain } from "../model/job-error.js";
import { isTerminal } from "../model/run-status.js";
import type { CancelOutcome, JobRun, RunPage, RunQuery } from "../model/run.js";
import type { JobSubmitError } from "../model/submit-error.js";
import { checkedReason, checkedRunId, checkedRunQuery, checkedStopOptions } from "../runs/checked-arguments.js";
import { Connections } from "../runs/connections.js";
import { Dispatcher } from "../runs/dispatcher.js";
import { preview, type JobPreview, type PreviewOptions } from "../runs/preview.js";
import { maskedLogger, Redactor } from "../runs/redactor.js";
import { Recovery, type RecoveryReport } from "../runs/recovery.js";
import { runEvents } from "../runs/run-events.js";
import { runHandle, runResult, type RunAccess, type RunHandle } from "../runs/run-handle.js";
import { RunLedger } from "../runs/run-ledger.js";
import type { RunServices } from "../runs/run-services.js";
import { SecretVault, withoutSeals } from "../runs/secret-vault.js";
import { Submission } from "../runs/submission.js";
import type { SubmitOptions } from "../runs/submit-options.js";
import { within } from "../runs/waiting.js";
import { checkedConnections, checkedLimits, type JobExecutorOptions } from "./executor-options.js";
import { Lifecycle } from "./lifecycle.js";
import { PendingPromises } from "./pending-promises.js";

/** What `start` found. */
export interface StartReport {
  /** Runs whose owner had died. */
  readonly recovered: RecoveryReport;
}

export interface StopOptions {
  /** How long running attempts may take to end, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  /**
   * `drain`: running attempts may end within `timeoutMs`, then they are interrupted. `cancel`: they are interrupted at
   * once. What is interrupted is handed back and runs again; the attempt does not count. Default `drain`.
   */
  readonly mode?: "drain" | "cancel";
}

/** What `stop` left behind. */
export interface StopReport {
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Failed, and pending again by the job's policy. */
  readonly retrying: number;
  /** Interrupted, and pending again. */
  readonly handedBack: number;
  /** Still `committing`, or not ended in time: recovery settles them. */
  readonly unfinished: number;
}

const DEFAULT_STOP_TIMEOUT_MS = 30_000;

/** A part that does not close in this time is left behind. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Runs jobs: SQL in, atomic commit out, and a ledger that never lies. Made of ports, all passed in; it decides nothing
 * itself.
 */
export class JobExecutor<const J extends readonly AnyJob[] = readonly AnyJob[]> implements AsyncDisposable {
  readonly #options: JobExecutorOptions<J>;
  readonly #jobs: JobRegistry;
  readonly #services: RunServices;
  readonly #submission: Submission;
  readonly #dispatcher: Dispatcher;
  readonly #recovery: Recovery;
  readonly #stopped = new AbortController();
  readonly #lifecycle: Lifecycle<StartReport, StopReport, StopOptions>;
  readonly #access: RunAccess;
  readonly #followed = new PendingPromises();
  #openedStore = false;

  /** @throws JobError `invalid_definition`, naming the option in `field`. */
  constructor(options: JobExecutorOptions<J>) {
    const { maxConcurrentRuns, leaseMs, commitTimeoutMs } = checkedLimits(options);
    const { clock = systemClock, ids = randomIds(clock), secretKey } = options;
    const connections = new Connections(checkedConnections(options));
    const logger = maskedLogger(options.logger ?? consoleLogger, new Redactor(connections.secrets));
    this.#options = options;
    this.#jobs = new JobRegistry(options.jobs);
    this.#services = {
      ledger: new RunLedger(options.store),
      engine: options.engine,
      connections,
      clock,
      ids,
      logger,
      vault: new SecretVault(secretKey ? aesSecretBox(secretKey) : null),
      owner: ids.next(),
      leaseMs,
      commitTimeoutMs,
    };
    this.#submission = new Submission(this.#jobs, this.#services);
    this.#dispatcher = new Dispatcher(this.#services, maxConcurrentRuns);
    this.#recovery = new Recovery(this.#services, () => this.#dispatcher.renewLeases());
    this.#lifecycle = new Lifecycle(
      () => this.#start(),
      (stopOptions) => this.#stop(stopOptions),
    );
    // One listener for each run that is followed.
    setMaxListeners(0, this.#stopped.signal);
    const { ledger, vault } = this.#services;
    const source = { ledger, clock, stopped: this.#stopped.signal, mayRead: () => this.#mustBeReadable() };
    this.#access = {
      get: (id) => this.getRun(id),
      events: (id, eventsOptions) => runEvents(id, eventsOptions, source),
      result: (id, resultOptions) => this.#followed.add(runResult(id, resultOptions, source)),
      cancel: (id, reason) => this.cancel(id, reason),
    };
    ledger.signals.subscribe((change, runId) => {
      if (change === "ended") vault.forget(runId);
    });
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
    if (checked.mode === "cancel") this.#dispatcher.interruptAll();
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
    const [parameters, options = {}] = args as [Readonly<Record<string, unknown>>?, SubmitOptions?];
    const { refusal } = this.#lifecycle;
    if (refusal) return errAsync(refusal);
    // Read now, since the host may use its options again. Null comes from plain JavaScript and is refused below.
    const signal = (options as SubmitOptions | null)?.signal;
    return this.#submission.submit(name, parameters, options).map(({ run, created }) => {
      if (signal && !isTerminal(run.status)) this.#cancelWith(signal, run.id);
      return runHandle(run.id, run.jobName, created, this.#access);
    });
  }

  /** As {@link submit}, but a refusal is thrown. */
  async submitOrThrow<N extends JobNames<J>>(name: N, ...args: SubmitArgs<J, N, SubmitOptions>): Promise<RunHandle> {
    const submitted = await this.submit(name, ...args);
    if (submitted.isErr()) throw submitted.error;
    return submitted.value;
  }

  /** A dry run: plan, schema difference and sample rows. Writes nothing. */
  preview<N extends JobNames<J>>(
    name: N,
    ...args: SubmitArgs<J, N, PreviewOptions>
  ): ResultAsync<JobPreview, JobSubmitError> {
    const [parameters, options = {}] = args as [Readonly<Record<string, unknown>>?, PreviewOptions?];
    const { refusal } = this.#lifecycle;
    if (refusal) return errAsync(refusal);
    return preview(this.#submission, this.#services, name, parameters, options);
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
    this.#mustBeReadable();
    const run = await this.#services.ledger.get(checkedRunId(id));
    return run && { ...run, parameters: withoutSeals(run) };
  }

  /** Newest first, a page at a time. @throws JobError `not_started`, `executor_stopped`, `store_unavailable`. */
  async listRuns(query?: RunQuery): Promise<RunPage> {
    this.#mustBeReadable();
    const page = await this.#services.ledger.list(checkedRunQuery(query));
    return { ...page, runs: page.runs.map((run) => ({ ...run, parameters: withoutSeals(run) })) };
  }

  /** Follows a run by its id, whoever submitted it. Whether there is such a run shows when the handle is used. */
  handle(id: string): RunHandle {
    return runHandle(checkedRunId(id), null, false, this.#access);
  }

  /** Asks for a run to be cancelled, and says what became of that. */
  async cancel(id: string, reason?: string): Promise<CancelOutcome> {
    this.#mustBeReadable();
    const runId = checkedRunId(id);
    const why = checkedReason(reason);
    const outcome = await this.#services.ledger.requestCancel(runId, why);
    if (outcome === "requested") this.#dispatcher.interrupt(runId, { kind: "cancelled", reason: why });
    return outcome;
  }

  async #start(): Promise<StartReport> {
    const { store, engine } = this.#options;
    const { clock, logger, connections } = this.#services;
    this.#openedStore = !store.isOpen;
    try {
      await store.open({ clock, logger });
      await engine.open({ connections: connections.all, clock, logger });
      // A destination that answers slowly must not keep the other runs waiting.
      this.#dispatcher.start();
      return { recovered: await this.#recovery.start() };
    } catch (error) {
      await this.#dispatcher.stop(0, "cancel");
      await this.#close();
      throw error;
    }
  }

  async #stop({ timeoutMs = DEFAULT_STOP_TIMEOUT_MS, mode = "drain" }: StopOptions): Promise<StopReport> {
    this.#recovery.stop();
    const { ended, unfinished } = await this.#dispatcher.stop(timeoutMs, mode);
    this.#stopped.abort();
    // Whoever waits for a run that has ended meanwhile still reads it.
    await within(this.#services.clock, CLOSE_TIMEOUT_MS, this.#followed.settled());
    await this.#close();
    const { succeeded, failed, cancelled, retrying, handed_back: handedBack, in_doubt, lost } = ended;
    return { succeeded, failed, cancelled, retrying, handedBack, unfinished: unfinished + in_doubt + lost };
  }

  /** Frees everything that can be freed, and tells of what cannot. */
  async #close(): Promise<void> {
    const { engine, store } = this.#options;
    const { connections, logger, clock } = this.#services;
    const parts = [engine, ...connections.all.values(), ...(this.#openedStore ? [store] : [])];
    const close = async (part: { close(): Promise<void> }): Promise<void> => {
      try {
        if ((await within(clock, CLOSE_TIMEOUT_MS, part.close())) !== "late") return;
        logger.warn("Something did not close in time.", { part: part.constructor.name, timeoutMs: CLOSE_TIMEOUT_MS });
      } catch (error) {
        logger.warn("Something could not be closed.", { part: part.constructor.name, message: causeChain(error) });
      }
    };
    await Promise.all(parts.map(close));
  }

  #mustBeReadable(): void {
    const { readRefusal } = this.#lifecycle;
    if (readRefusal) throw readRefusal;
  }

  #cancelWith(signal: AbortSignal, runId: string): void {
    const cancel = (): void => {
      this.cancel(runId, "the submitter's signal was aborted").catch((error: unknown) => {
        this.#services.logger.warn("A run could not be cancelled by its signal.", {
          runId,
          message: causeChain(error),
        });
      });
    };
    if (signal.aborted) return cancel();
    signal.addEventListener("abort", cancel, { once: true });
    const forget = (): void => {
      signal.removeEventListener("abort", cancel);
      this.#stopped.signal.removeEventListener("abort", forget);
      unsubscribe();
    };
    const unsubscribe = this.#services.ledger.signals.subscribeTo(runId, (change) => {
      if (change === "ended") forget();
    });
    this.#stopped.signal.addEventListener("abort", forget, { once: true });
  }
}
