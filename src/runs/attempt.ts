import { parseTemplate } from "../jobs/placeholders.js";
import { isJobError } from "../model/job-error.js";
import type { JobRun } from "../model/run.js";
import type { JobDestination, WriteRequest } from "../ports/job-destination.js";
import type { EngineQuery } from "../ports/query-engine.js";
import type { RowStream } from "../ports/row-stream.js";
import { AttemptControl, type Interruption } from "./attempt-control.js";
import { CommitGate } from "./commit-gate.js";
import { CountedRows } from "./counted-rows.js";
import { LeaseKeeper } from "./lease-keeper.js";
import { checkDestination, refuseMisfit } from "./preflight.js";
import { progressLog } from "./progress-log.js";
import { RunEnding, type EndState, type HeldRun } from "./run-ending.js";
import { INTERNAL, redactorFor, type RunServices } from "./run-services.js";
import { queryError, superviseWrite, type WriteEnd } from "./supervised-write.js";
import { onAbort, unlessAborted, within } from "./waiting.js";

/** A query that does not let go is left behind after this. */
const CLOSE_TIMEOUT_MS = 5_000;

/** One try of a run that was claimed for this executor: from `running` to the end of the attempt. */
export class Attempt {
  readonly control = new AttemptControl();
  readonly #abandoned = new AbortController();
  readonly #epoch: number;
  readonly #ending: RunEnding;
  readonly #keeper: LeaseKeeper;

  /** @param run as the claim gave it; replaced by what the ledger says after each move. */
  constructor(
    private run: JobRun,
    private readonly services: RunServices,
  ) {
    this.#epoch = run.lease?.epoch ?? 0;
    this.#ending = new RunEnding(services);
    this.#keeper = this.#keepLease();
  }

  /** Never rejects: whatever happens ends in the ledger or is left to recovery. */
  async carryOut(): Promise<EndState> {
    const callOff = this.#startTimeout();
    try {
      return await this.#end(await this.#write());
    } catch (error) {
      this.services.logger.error("An attempt ended in a defect.", this.#fields(error));
      return "lost";
    } finally {
      callOff();
      this.#keeper.stop();
    }
  }

  /** Renews the lease now, after the process may have slept. */
  renewLease(): Promise<void> {
    return this.#keeper.renewNow();
  }

  /** Nobody waits any longer: lets go of lease, timers and write, so that recovery can find out. */
  abandon(): void {
    this.#keeper.stop();
    this.#abandoned.abort();
  }

  async #write(): Promise<WriteEnd> {
    const { definition } = this.run;
    const { signal } = this.control;
    let rows: CountedRows | undefined;
    try {
      const resolved = this.services.connections.destination(definition.destination.table, definition.destination.mode);
      rows = new CountedRows(await this.#openRows());
      const check = await checkDestination(resolved, definition.destination, rows.schema, signal);
      refuseMisfit(resolved, check);
      return await this.#writeRows(resolved.destination, rows, check.createIfMissing);
    } catch (error) {
      return { kind: this.control.granted ? "unknown" : "not_committed", error };
    } finally {
      if (rows) await this.#release(rows);
    }
  }

  async #release(rows: CountedRows): Promise<void> {
    const { clock, logger } = this.services;
    const left = Promise.race([rows.close(), onAbort(this.#abandoned.signal)]);
    const released = await within(clock, CLOSE_TIMEOUT_MS, left).catch((error: unknown) => {
      logger.warn("A query could not be released.", this.#fields(error));
    });
    if (released === "late") logger.warn("A query did not let go in time.", { runId: this.run.id });
  }

  async #writeRows(destination: JobDestination, rows: CountedRows, createIfMissing: boolean): Promise<WriteEnd> {
    const { clock, commitTimeoutMs } = this.services;
    const { control } = this;
    const { signal } = control;
    // A commit id that was settled as `never` is fenced for ever, so the next attempt takes another.
    const commitId = this.run.commitId === null ? this.run.id : `${this.run.id}.${this.#epoch}`;
    const progress = progressLog(this.run.id, this.#epoch, this.services, signal);
    const gate = new CommitGate(commitId, rows, control, async (rowsStaged) => {
      await progress.stop();
      return this.#moveToCommitting(commitId, rowsStaged);
    });
    const request: WriteRequest = {
      commitId,
      mode: this.run.definition.destination.mode,
      schema: rows.schema,
      createIfMissing,
      signal,
      onProgress: progress.report,
      permit: (staged) => gate.permit(staged),
    };
    // A destination written in plain JavaScript may throw instead of rejecting.
    const writing = Promise.resolve().then(() => destination.write(rows, request));
    const settled = async (): Promise<boolean> => (await this.#ending.ask(this.#held())).state !== "in_doubt";
    const abandoned = this.#abandoned.signal;
    try {
      return await superviseWrite({ writing, gate, rows, control, clock, commitTimeoutMs, abandoned, settled });
    } finally {
      await progress.stop();
    }
  }

  async #end(end: WriteEnd): Promise<EndState> {
    switch (end.kind) {
      case "committed":
        return this.#ending.succeed(this.#held(), end.receipt);
      case "unknown":
        return this.#ending.settle(this.#held(), () => this.#fail(end.error));
      case "not_committed":
        return this.#endWithoutCommit(end.error);
      case "abandoned":
        return "lost";
    }
  }

  async #endWithoutCommit(error: unknown): Promise<EndState> {
    const { interruption } = this.control;
    switch (interruption?.kind) {
      case "lease_lost":
        return "lost";
      case "stopping":
        return this.#ending.handBack(this.#held());
      case "cancelled":
        return this.#ending.cancel(this.#held(), interruption.reason);
      case "timed_out":
        return this.#fail(this.control.signal.reason);
      case undefined:
        return this.#fail(error);
    }
  }

  #fail(error: unknown): Promise<EndState> {
    return this.#ending.fail(this.#held(), redactorFor(this.services, this.run.id).runError(error, INTERNAL));
  }

  /** The commit point: null when the run is `committing` now, otherwise what stands against it. */
  async #moveToCommitting(commitId: string, rowsStaged: number): Promise<Interruption | null> {
    const { ledger, leaseMs } = this.services;
    const change = {
      from: "running",
      to: "committing",
      epoch: this.#epoch,
      commitId,
      renewLeaseMs: leaseMs,
      unlessCancelRequested: true,
    } as const;
    const event = { type: "run.committing", commitId, rowsStaged } as const;
    const outcome = await ledger.move(this.run.id, change, [event]).catch(async (error: unknown) => {
      // Only the answer may have been lost.
      const run = await ledger.get(this.run.id);
      if (run?.status === "committing" && run.lease?.epoch === this.#epoch) return { moved: true, run } as const;
      throw error;
    });
    if (outcome.run) this.run = outcome.run;
    if (outcome.moved) return null;
    if (outcome.reason !== "cancel_requested") return { kind: "lease_lost" };
    return { kind: "cancelled", reason: outcome.run?.cancelRequest?.reason ?? null };
  }

  async #openRows(): Promise<RowStream> {
    const { signal } = this.control;
    signal.throwIfAborted();
    const query = this.#query();
    const opening = Promise.resolve().then(() => this.services.engine.stream(query, { signal }));
    return unlessAborted(signal, opening).catch((error: unknown) => {
      // One that opens after all must not stay open.
      opening.then((late) => late.close()).catch(() => undefined);
      throw isJobError(error) ? error : queryError(error);
    });
  }

  #query(): EngineQuery {
    const { query, parameters } = this.run.definition;
    const values = this.services.vault.reveal(this.run);
    const bound = parameters.map(({ name, type }) => [name, { type, value: values[name] ?? null }] as const);
    return { template: parseTemplate(query), parameters: new Map(bound) };
  }

  #keepLease(): LeaseKeeper {
    const { ledger, clock, leaseMs } = this.services;
    return new LeaseKeeper({
      clock,
      leaseMs,
      renew: () => ledger.renew(this.run.id, { epoch: this.#epoch, leaseMs }),
      onCancelRequested: (reason) => this.control.interrupt({ kind: "cancelled", reason }),
      onLost: () => this.control.interrupt({ kind: "lease_lost" }),
      onError: (error) => this.services.logger.warn("A lease could not be renewed.", this.#fields(error)),
    });
  }

  #startTimeout(): () => void {
    const { timeoutMs } = this.run.definition.execution;
    if (timeoutMs === 0) return () => undefined;
    return this.services.clock.after(timeoutMs, () => this.control.interrupt({ kind: "timed_out", timeoutMs }));
  }

  #held(): HeldRun {
    return { run: this.run, from: this.run.status === "committing" ? "committing" : "running", epoch: this.#epoch };
  }

  #fields(error: unknown): Readonly<Record<string, unknown>> {
    const { code, message } = redactorFor(this.services, this.run.id).runError(error, INTERNAL);
    return { runId: this.run.id, code, message };
  }
}
