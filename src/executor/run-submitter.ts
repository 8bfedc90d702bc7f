import { err, errAsync, ok, ResultAsync, type Result } from "neverthrow";
import { isTerminal } from "../model/run-status.js";
import type { CreatedRun } from "../model/run.js";
import type { JobSubmitError } from "../model/submit-error.js";
import { submitBulk, type BulkItem, type BulkOptions } from "../runs/bulk-submission.js";
import { checkedBulk } from "../runs/checked-arguments.js";
import type { JobStateValue } from "../runs/job-state.js";
import { DraftToInsert, type PreparedRun } from "../runs/prepared-run.js";
import { preview, type JobPreview, type PreviewOptions } from "../runs/preview.js";
import { Redrive, type RedriveError, type RedriveManyOptions, type RedriveOptions } from "../runs/redrive.js";
import { runHandle, type RunAccess, type RunHandle } from "../runs/run-handle.js";
import type { RunServices } from "../runs/run-services.js";
import { storeDraft } from "../runs/store-drafts.js";
import type { Submission } from "../runs/submission.js";
import { asSubmitError, calledOff } from "../runs/submit-failure.js";
import type { SubmitOptions } from "../runs/submit-options.js";
import { cancelWithSignal } from "./cancel-with-signal.js";
import type { Refusal } from "./lifecycle.js";

type Parameters = Readonly<Record<string, unknown>> | undefined;

/** What became of one run of many that were to be redriven. */
export interface RedriveResult {
  /** The run that failed. */
  readonly runId: string;
  readonly redriven: Result<RunHandle, RedriveError>;
}

export interface RedriveReport {
  /** Newest first. */
  readonly results: readonly RedriveResult[];
  /** Where to go on; absent when all failed runs were looked at. */
  readonly nextCursor?: string;
}

/** The side of an executor that takes: submits of every kind, dry runs and redrives. Its answers are handles. */
export class RunSubmitter {
  readonly #redrive: Redrive;

  constructor(
    private readonly submission: Submission,
    private readonly services: RunServices,
    private readonly access: RunAccess,
    private readonly lifecycle: Refusal,
  ) {
    this.#redrive = new Redrive(services);
  }

  submit(name: string, parameters: Parameters, options: SubmitOptions): ResultAsync<RunHandle, JobSubmitError> {
    return this.#taking(async () => {
      const accepted = await this.submission.accept(name, parameters, options);
      const stored = await storeDraft(this.submission.draft(accepted), this.services);
      return stored.map((run) => this.#handle(run, accepted.options.signal));
    });
  }

  async submitMany(
    items: readonly BulkItem[],
    options: BulkOptions | undefined,
  ): Promise<readonly Result<RunHandle, JobSubmitError>[]> {
    const { submission, services, lifecycle } = this;
    const checked = checkedBulk(items, options);
    const stored = await submitBulk(items, checked, { submission, services, refusal: () => lifecycle.refusal });
    return stored.map((one, i) => one.map((run) => this.#handle(run, items[i]?.options?.signal)));
  }

  prepare(name: string, parameters: Parameters, options: SubmitOptions): ResultAsync<PreparedRun, JobSubmitError> {
    return this.#taking(async () => {
      const accepted = await this.submission.accept(name, parameters, options);
      const { signal } = accepted.options;
      const parts = {
        services: this.services,
        mustRun: () => {
          this.#mustTake();
          if (signal?.aborted === true) throw calledOff(name);
        },
        handle: (run: CreatedRun) => this.#handle(run, signal),
      };
      return ok(new DraftToInsert(this.submission.draft(accepted), parts));
    });
  }

  redrive(runId: string, options: RedriveOptions | undefined): ResultAsync<RunHandle, RedriveError> {
    const { refusal } = this.lifecycle;
    if (refusal) return errAsync(refusal);
    return new ResultAsync(this.#redrive.one(runId, options)).map((run) => this.#handle(run));
  }

  async redriveMany(options: RedriveManyOptions | undefined): Promise<RedriveReport> {
    this.#mustTake();
    const { results, nextCursor } = await this.#redrive.many(options);
    const handled = results.map(({ runId, redriven }) => ({
      runId,
      redriven: redriven.map((run) => this.#handle(run)),
    }));
    return { results: handled, ...(nextCursor !== undefined && { nextCursor }) };
  }

  preview(name: string, parameters: Parameters, options: PreviewOptions): ResultAsync<JobPreview, JobSubmitError> {
    const { useRefusal } = this.lifecycle;
    if (useRefusal) return errAsync(useRefusal);
    return ResultAsync.fromPromise(preview(this.submission, this.services, name, parameters, options), asSubmitError);
  }

  state(name: string): ResultAsync<readonly JobStateValue[], JobSubmitError> {
    const { useRefusal } = this.lifecycle;
    if (useRefusal) return errAsync(useRefusal);
    return ResultAsync.fromPromise(this.submission.state(name), asSubmitError);
  }

  #taking<T>(take: () => Promise<Result<T, JobSubmitError>>): ResultAsync<T, JobSubmitError> {
    const { refusal } = this.lifecycle;
    if (refusal) return errAsync(refusal);
    return new ResultAsync(take().catch((error: unknown) => err(asSubmitError(error))));
  }

  #mustTake(): void {
    const { refusal } = this.lifecycle;
    if (refusal) throw refusal;
  }

  #handle({ run, created }: CreatedRun, signal?: AbortSignal): RunHandle {
    const { id } = run;
    if (signal && !isTerminal(run.status)) {
      cancelWithSignal(signal, id, this.services, (why) => this.access.cancel(id, why));
    }
    return runHandle(id, run.jobName, created, this.access);
  }
}
