import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { applyCancel } from "../../model/apply-cancel.js";
import { applyEvents, applyRenewal } from "../../model/apply-lease.js";
import { applyTransition } from "../../model/apply-transition.js";
import { JobError } from "../../model/job-error.js";
import { plainCopy } from "../../model/plain-copy.js";
import type {
  ClaimRequest,
  LeaseRenewal,
  LeaseState,
  RunTransition,
  TransitionOutcome,
} from "../../model/run-change.js";
import type { RunEvent, RunEventBody } from "../../model/run-event.js";
import { runPageRequest } from "../../model/run-paging.js";
import { newRunRecord, runIdTaken } from "../../model/run-record.js";
import { isTerminal } from "../../model/run-status.js";
import type { CancelOutcome, JobRun, NewRun, RunPage, RunQuery } from "../../model/run.js";
import type { Clock } from "../../ports/clock.js";
import type { JobStore, StoreCapabilities } from "../../ports/job-store.js";
import type { Logger } from "../../ports/logger.js";
import { IN_MEMORY, Ledger } from "./ledger/ledger.js";
import { notOpen } from "./ledger/sqlite-failure.js";

export interface SqliteJobStoreOptions {
  /** The ledger's file, made with its folders when it is not there; or `:memory:`, which lives as long as it is open. */
  readonly path: string;
}

/**
 * A ledger in a SQLite file of its own, on a local disk; processes of one machine may share it. Every answer survives the
 * end of the process. A submission, a wish to cancel, the point of no return and the end of a run survive a power cut as
 * well; other steps may then be lost, newest first. A run whose owner was killed is free at once, not when its lease ends.
 */
export class SqliteJobStore implements JobStore {
  readonly #path: string;
  #ledger: Ledger | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ path }: SqliteJobStoreOptions) {
    if (path.trim() !== path || path === "") {
      const hint = "Give the path of a file, or :memory:.";
      throw new JobError("invalid_definition", {
        field: "path",
        message: `${JSON.stringify(path)} is not a path for a ledger.`,
        hint,
      });
    }
    this.#path = path === IN_MEMORY ? path : resolve(path);
  }

  get capabilities(): StoreCapabilities {
    if (this.#path === IN_MEMORY) return { shared: false, durable: false };
    return { shared: true, durable: true, resource: `file:${realPath(this.#path)}` };
  }

  get isOpen(): boolean {
    return this.#ledger !== undefined;
  }

  open(context: { readonly clock: Clock; readonly logger?: Logger }): Promise<void> {
    return this.#inTurn(async () => {
      this.#ledger ??= await Ledger.open(this.#path, context);
    });
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      const ledger = this.#ledger;
      this.#ledger = undefined;
      await ledger?.close();
    });
  }

  async createRun(run: NewRun): Promise<{ readonly run: JobRun; readonly created: boolean }> {
    const given = plainCopy(run);
    const ledger = this.#opened();
    const create = (now: number): { readonly run: JobRun; readonly created: boolean } => {
      const known = ledger.runs.byIdempotencyKey(given.idempotencyKey);
      if (known) return { run: known.record.run, created: false };
      if (ledger.runs.get(given.id)) throw runIdTaken(given.id);
      const step = newRunRecord(given, now);
      ledger.runs.add(step, now);
      return { run: step.record.run, created: true };
    };
    return ledger.write(create, ({ created }) => created);
  }

  async getRun(id: string): Promise<JobRun | undefined> {
    const ledger = this.#opened();
    return ledger.read(() => ledger.runs.get(id)?.record.run);
  }

  async listRuns(query: RunQuery): Promise<RunPage> {
    const request = runPageRequest(query);
    const ledger = this.#opened();
    return ledger.read(() => ledger.runs.page(request));
  }

  async claimRuns(claim: ClaimRequest): Promise<readonly JobRun[]> {
    const asked = plainCopy(claim);
    const ledger = this.#opened();
    return ledger.write(
      (now) => ledger.claims.takePending(asked, now),
      (runs) => runs.some(({ status }) => isTerminal(status)),
    );
  }

  async nextRunAt(): Promise<Date | undefined> {
    const ledger = this.#opened();
    return ledger.read((now) => ledger.claims.nextRunAt(now));
  }

  async renewLease(id: string, renewal: LeaseRenewal): Promise<LeaseState> {
    const asked = plainCopy(renewal);
    const ledger = this.#opened();
    return ledger.write((now) => {
      const run = ledger.runs.get(id);
      if (!run) return { held: false };
      const { state, step } = applyRenewal(run.record, asked, now);
      if (step) ledger.runs.write(run.seq, step, now);
      return state;
    }, notDurable);
  }

  async transition(id: string, change: RunTransition, events: readonly RunEventBody[]): Promise<TransitionOutcome> {
    const [asked, bodies] = [plainCopy(change), plainCopy(events)];
    const ledger = this.#opened();
    const move = (now: number): TransitionOutcome => {
      const run = ledger.runs.get(id);
      if (!run) return { moved: false, reason: "unknown_run" };
      const next = applyTransition(run.record, asked, bodies, now);
      if (typeof next === "string") return { moved: false, reason: next, run: run.record.run };
      ledger.runs.write(run.seq, next, now);
      return { moved: true, run: next.record.run };
    };
    return ledger.write(move, ({ moved }) => moved && asked.to !== "pending");
  }

  async appendEvents(id: string, epoch: number, events: readonly RunEventBody[]): Promise<boolean> {
    const bodies = plainCopy(events);
    const ledger = this.#opened();
    return ledger.write((now) => {
      const run = ledger.runs.get(id);
      const step = run && applyEvents(run.record, epoch, bodies, now);
      if (run && step) ledger.runs.write(run.seq, step, now);
      return step !== undefined;
    }, notDurable);
  }

  async requestCancel(id: string, reason: string | null): Promise<CancelOutcome> {
    const ledger = this.#opened();
    const cancel = (now: number): CancelOutcome => {
      const run = ledger.runs.get(id);
      if (!run) return "unknown_run";
      const { outcome, step } = applyCancel(run.record, reason, now);
      if (step) ledger.runs.write(run.seq, step, now);
      return outcome;
    };
    return ledger.write(cancel, (outcome) => outcome === "cancelled" || outcome === "requested");
  }

  async claimExpired(claim: ClaimRequest): Promise<readonly JobRun[]> {
    const asked = plainCopy(claim);
    const ledger = this.#opened();
    return ledger.write((now) => ledger.claims.takeOver(asked, now), notDurable);
  }

  async readEvents(id: string, { after, limit }: { after: number; limit: number }): Promise<readonly RunEvent[]> {
    const ledger = this.#opened();
    return ledger.read(() => ledger.runs.events(id, after, limit));
  }

  async pruneRuns({ finishedBefore, limit }: { finishedBefore: Date; limit: number }): Promise<number> {
    const before = finishedBefore.getTime();
    const ledger = this.#opened();
    return ledger.write(() => ledger.runs.prune(before, limit), notDurable);
  }

  #opened(): Ledger {
    if (this.#ledger) return this.#ledger;
    throw notOpen(this.#path);
  }

  // Opening and closing wait for each other.
  #inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(step);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

function notDurable(): boolean {
  return false;
}

// Also of a file that is not there yet.
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return dirname(path) === path ? path : join(realPath(dirname(path)), basename(path));
  }
}
