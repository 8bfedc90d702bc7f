import { err, ok, type Result } from "neverthrow";
import { isJobError, JobError } from "../model/job-error.js";
import type { CreatedRun, JobRun } from "../model/run.js";
import { checkedRedriveManyOptions, checkedRedriveOptions, checkedRunId } from "./checked-arguments.js";
import { Redactor } from "./redactor.js";
import { redriveKey } from "./reserved-keys.js";
import type { RunDraft } from "./run-draft.js";
import type { RunServices } from "./run-services.js";
import { leaves } from "./secret-vault.js";
import { storeDraft, storeDrafts } from "./store-drafts.js";

/** How a redriven run differs from the one that it repeats. */
export interface RedriveOptions {
  /** Default: that of the run. */
  readonly priority?: number;
  /** Not to be started before. Default: at once. */
  readonly runAt?: Date;
}

export interface RedriveManyOptions {
  /** Only runs of this job. */
  readonly jobName?: string;
  /** How many failed runs are looked at. Default 1,000, at most 10,000. */
  readonly limit?: number;
  /** `nextCursor` of the call before. */
  readonly cursor?: string;
}

const REDRIVE_CODES = [
  "unknown_run",
  "not_redrivable",
  "secret_unavailable",
  "idempotency_conflict",
  "store_unavailable",
  "not_started",
  "executor_stopped",
  "work_only",
  "invalid_definition",
  "internal_error",
] as const;

/** Why a run was not redriven: a union on `code`. Nothing was stored. */
export type RedriveError = { [C in (typeof REDRIVE_CODES)[number]]: JobError<C> }[(typeof REDRIVE_CODES)[number]];

/** How many failed runs are read, and redriven in one act. */
const PAGE = 500;
const DEFAULT_LIMIT = 1_000;

/** What became of a run that {@link Redrive.many} looked at. */
export interface RedrivenRun {
  readonly runId: string;
  readonly redriven: Result<CreatedRun, RedriveError>;
}

/** Runs what failed or was cancelled once more, as a new run: a run that has ended stays as it ended. */
export class Redrive {
  constructor(private readonly services: RunServices) {}

  /** The new run; that of an earlier redrive, with `created: false`, when there was one. */
  async one(id: string, options: RedriveOptions | undefined): Promise<Result<CreatedRun, RedriveError>> {
    try {
      const checked = checkedRedriveOptions(options);
      const run = await this.services.ledger.get(checkedRunId(id));
      if (!run) throw unknownRun(id);
      const draft = this.#draft(run, checked);
      if (draft.isErr()) return err(draft.error);
      return (await storeDraft(draft.value, this.services)).mapErr((error) => this.#typed(error));
    } catch (error) {
      return err(this.#typed(error));
    }
  }

  /** Walks the failed runs, newest first, in steps of `PAGE`. @throws JobError as `listRuns`. */
  async many(
    options: RedriveManyOptions | undefined,
  ): Promise<{ readonly results: readonly RedrivenRun[]; readonly nextCursor: string | undefined }> {
    const { jobName, limit = DEFAULT_LIMIT, ...given } = checkedRedriveManyOptions(options);
    const results: RedrivenRun[] = [];
    let { cursor } = given;
    do {
      const page = await this.services.ledger.list({
        status: "failed",
        limit: Math.min(PAGE, limit - results.length),
        ...(jobName !== undefined && { jobName }),
        ...(cursor !== undefined && { cursor }),
      });
      const redriven = await storeDrafts(
        page.runs.map((run) => this.#draft(run, {})),
        this.services,
      );
      results.push(
        ...redriven.map((one, i) => ({
          runId: page.runs[i]?.id ?? "",
          redriven: one.mapErr((error) => this.#typed(error)),
        })),
      );
      results.push(
        ...(page.unreadable ?? []).map(({ id, reason }) => ({ runId: id, redriven: unreadable(id, reason) })),
      );
      cursor = page.nextCursor;
    } while (cursor !== undefined && results.length < limit);
    return { results, nextCursor: cursor };
  }

  #draft(failed: JobRun, { priority = failed.priority, runAt }: RedriveOptions): Result<RunDraft, RedriveError> {
    const { vault, ids } = this.services;
    const { id, status, jobName, definitionHash, definition, parameters, connections, concurrencyKey } = failed;
    if (status !== "failed" && status !== "cancelled") return err(notRedrivable(failed));
    try {
      const secrets = vault.secretsOf(failed);
      const run = {
        id: ids.next(),
        jobName,
        definitionHash,
        definition,
        // Secrets stay sealed as they are.
        parameters,
        priority,
        idempotencyKey: redriveKey(id),
        connections,
        concurrencyKey,
        redriveOf: id,
        runAt: runAt ?? null,
        // That of the first one may have passed.
        startDeadline: null,
      };
      return ok({ run, secrets, jobName, redactor: () => this.#redactor([...secrets.values()].flatMap(leaves)) });
    } catch (error) {
      return err(this.#typed(error));
    }
  }

  #typed(error: unknown): RedriveError {
    if (isRedriveError(error)) return error;
    const hint = "The ledger could not be read. Call again.";
    const failure = this.#redactor([]).hostError(error, { code: "store_unavailable", hint });
    return isRedriveError(failure) ? failure : new JobError("internal_error", failure);
  }

  #redactor(secrets: readonly string[]): Redactor {
    return new Redactor([...this.services.connections.secrets, ...secrets]);
  }
}

function isRedriveError(error: unknown): error is RedriveError {
  return isJobError(error) && REDRIVE_CODES.some((code) => code === error.code);
}

function unknownRun(runId: string): RedriveError {
  return new JobError("unknown_run", {
    message: `There is no run "${runId}".`,
    hint: "Check the id; a run that was pruned is gone.",
    runId,
  });
}

function notRedrivable({ id, status }: JobRun): RedriveError {
  const ended = status === "succeeded";
  return new JobError("not_redrivable", {
    message: `Run ${id} is ${status}: only a run that failed or was cancelled can be run once more.`,
    hint: ended ? "To run the job again, submit it." : "Wait for its end, or cancel it first.",
    runId: id,
  });
}

function unreadable(runId: string, reason: string): Result<never, RedriveError> {
  return err(
    new JobError("store_unavailable", {
      message: `Run ${runId} cannot be read: ${reason}.`,
      hint: "Somebody changed the ledger by hand. Repair or delete that row.",
      retryable: false,
      runId,
    }),
  );
}
