import type { JobRun } from "../model/run.js";
import type { JobDestination, WriteRequest } from "../ports/job-destination.js";
import type { EngineQuery } from "../ports/query-engine.js";
import type { RowStream } from "../ports/row-stream.js";
import { AttemptControl } from "./attempt-control.js";
import { CommitGate } from "./commit-gate.js";
import { moveToCommitting } from "./commit-point.js";
import { CountedRows } from "./counted-rows.js";
import { Cue } from "./cue.js";
import type { KeptLease } from "./lease-keeper.js";
import { checkDestination, refuseMisfit } from "./preflight.js";
import { JobState, refuseMisfitState } from "./job-state.js";
import { ProgressLog } from "./progress-log.js";
import { RunEnding, type EndState, type HeldRun } from "./run-ending.js";
import { INTERNAL, redactorFor, type RunServices } from "./run-services.js";
import { queryError, superviseWrite, type WriteEnd } from "./supervised-write.js";
import { within } from "./waiting.js";

/** A query that does not let go is left behind after this. */
const CLOSE_TIMEOUT_MS = 5_000;

interface PreparedWrite {
  readonly rows: CountedRows;
  readonly destination: JobDestination;
  readonly createIfMissing: boolean;
  /** Null: the job remembers nothing. */
  readonly state: JobState | null;
}

/** One try of a run that was claimed for this executor: from `running` to the end of the attempt. */
export class Attempt {
  readonly control = new AttemptControl();
  readonly #abandoned = new Cue();
  readonly #epoch: number;
  readonly #ending: RunEnding;
  readonly #lease: KeptLease;
  #rows: CountedRows | undefined;

  /**
   * @param run as the claim gave it; replaced by what the ledger says after each move.
   * @param claimedAt when the claim was asked for.
   */
  constructor(
    private run: JobRun,
    private readonly services: RunServices,
    claimedAt: number,
  ) {
    this.#epoch = run.lease?.epoch ?? 0;
    this.#ending = new RunEnding(services);
    this.#lease = services.leases.keep(
      {
        runId: run.id,
        epoch: this.#epoch,
        onCancelRequested: (reason) => this.control.interrupt({ kind: "cancelled", reason }),
        onLost: () => this.control.interrupt({ kind: "lease_lost" }),
      },
      claimedAt,
    );
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
      this.#lease.stop();
    }
  }

  /** Nobody waits any longer: lets go of lease, timers and write, so that recovery can find out. */
  abandon(): void {
    this.#lease.stop();
    this.#abandoned.fire();
  }

  async #write(): Promise<WriteEnd> {
    try {
      this.control.signal.throwIfAborted();
      return await this.#writeRows(await this.control.unlessInterrupted(this.#prepare()));
    } catch (error) {
      return { kind: this.control.granted ? "unknown" : "not_committed", error };
    } finally {
      if (this.#rows) await this.#release(this.#rows);
    }
  }

  /** Opens the query, and looks whether its columns fit the destination as that is now. */
  async #prepare(): Promise<PreparedWrite> {
    const { connections, engine } = this.services;
    const { signal } = this.control;
    const { destination: definition, state: declared } = this.run.definition;
    const resolved = connections.destination(definition.table, definition.mode);
    const state = declared ? await JobState.read(resolved, this.run.jobName, declared, signal) : null;
    const query = this.#query(state);
    let stream: RowStream;
    try {
      const unstarted = resolved.destination.capabilities.writtenBy === engine.dialect;
      stream = await engine.stream(query, { signal, unstarted });
    } catch (error) {
      throw queryError(error);
    }
    const rows = new CountedRows(state ? state.watching(stream) : stream);
    if (signal.aborted) {
      // Nobody waits for it any longer.
      await rows.close();
      signal.throwIfAborted();
    }
    this.#rows = rows;
    const check = await checkDestination(resolved, definition, rows.schema, signal);
    refuseMisfit(resolved, check);
    if (declared) refuseMisfitState(resolved.table, declared, rows.schema);
    return { rows, destination: resolved.destination, createIfMissing: check.createIfMissing, state };
  }

  async #release(rows: CountedRows): Promise<void> {
    const { clock, logger } = this.services;
    try {
      const released = await within(clock, CLOSE_TIMEOUT_MS, rows.close(), this.#abandoned);
      if (released === "late") logger.warn("A query did not let go in time.", { runId: this.run.id });
    } catch (error) {
      logger.warn("A query could not be released.", this.#fields(error));
    }
  }

  async #writeRows({ rows, destination, createIfMissing, state }: PreparedWrite): Promise<WriteEnd> {
    const { clock, commitTimeoutMs } = this.services;
    const { control } = this;
    const { signal } = control;
    // A commit id that was settled as `never` is fenced for ever, so the next attempt takes another.
    const commitId = this.run.commitId === null ? this.run.id : `${this.run.id}.${this.#epoch}`;
    const progress = new ProgressLog(this.run.id, this.#epoch, this.services, control);
    const gate = new CommitGate(commitId, rows, control, async (rowsStaged) => {
      state?.mustBeTaken();
      await progress.stop();
      const point = { run: this.run, lease: this.#lease, control, services: this.services };
      const { refusal, run } = await moveToCommitting(point, commitId, rowsStaged);
      if (run) this.run = run;
      return refusal;
    });
    const request: WriteRequest = {
      commitId,
      mode: this.run.definition.destination.mode,
      schema: rows.schema,
      createIfMissing,
      ...(state && { state: () => state.change() }),
      signal,
      onProgress: (written, bytes) => progress.report(written, bytes),
      permit: (staged) => gate.permit(staged),
    };
    // A destination written in plain JavaScript may throw instead of rejecting.
    const writing = Promise.resolve().then(() => destination.write(rows, request));
    const settled = async (): Promise<boolean> => (await this.#ending.ask(this.#held())).state !== "in_doubt";
    const abandoned = this.#abandoned;
    try {
      return await superviseWrite({ writing, gate, rows, control, clock, commitTimeoutMs, abandoned, settled });
    } finally {
      await progress.stop();
    }
  }

  #end(end: WriteEnd): EndState | Promise<EndState> {
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

  #endWithoutCommit(error: unknown): EndState | Promise<EndState> {
    const { interruption } = this.control;
    switch (interruption?.kind) {
      case "lease_lost":
        return this.#ending.lose(this.#held());
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

  #query(state: JobState | null): EngineQuery {
    const { query, parameters } = this.run.definition;
    const { vault, templates } = this.services;
    const values = vault.reveal(this.run);
    const bound = parameters.map(({ name, type }) => [name, { type, value: values[name] ?? null }] as const);
    return { template: templates.of(query), parameters: new Map([...bound, ...(state?.values ?? [])]) };
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
