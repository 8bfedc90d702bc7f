import { applyCancel } from "../../model/apply-cancel.js";
import { applyClaim, applyTakeOver } from "../../model/apply-claim.js";
import { applyEvents, applyRenewal, isExpired } from "../../model/apply-lease.js";
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
import { runCursor, runPageRequest } from "../../model/run-paging.js";
import { newRunRecord, runIdTaken, type RunRecord } from "../../model/run-record.js";
import type { CancelOutcome, JobRun, NewRun, RunPage, RunQuery } from "../../model/run.js";
import type { Clock } from "../../ports/clock.js";
import type { JobStore, StoreCapabilities } from "../../ports/job-store.js";
import { RunTable, type RunEntry } from "./run-table.js";

/** All that a {@link MemoryJobStore} holds, as plain data. */
export interface MemorySnapshot {
  readonly runs: readonly {
    readonly number: number;
    readonly record: RunRecord;
    readonly events: readonly RunEvent[];
  }[];
}

export interface MemoryJobStoreOptions {
  /** What the store holds at first. Default: nothing. */
  readonly snapshot?: MemorySnapshot;
}

/**
 * A ledger in the memory of this process, for tests and for work that may be lost with it. It keeps every promise of
 * {@link JobStore} but durability, and keeps its runs while it is closed.
 */
export class MemoryJobStore implements JobStore {
  readonly capabilities: StoreCapabilities = { shared: false, durable: false };
  #clock: Clock | undefined;
  #table = new RunTable();

  constructor({ snapshot }: MemoryJobStoreOptions = {}) {
    if (snapshot) this.restore(snapshot);
  }

  get isOpen(): boolean {
    return this.#clock !== undefined;
  }

  async open({ clock }: { readonly clock: Clock }): Promise<void> {
    await Promise.resolve();
    this.#clock ??= clock;
  }

  async close(): Promise<void> {
    await Promise.resolve();
    this.#clock = undefined;
  }

  /** A copy of all runs and their logs, leases included: what a crash would leave. */
  snapshot(): MemorySnapshot {
    return plainCopy({ runs: this.#table.entries() });
  }

  /** Replaces all that the store holds. The leases in the snapshot hold until they expire, as after a crash. */
  restore({ runs }: MemorySnapshot): void {
    this.#table = new RunTable();
    // With no time passed, whatever has a `runAt` waits; the first claim finds what is due.
    for (const entry of plainCopy(runs)) this.#table.restore({ ...entry, events: [...entry.events] }, -Infinity);
  }

  async createRun(run: NewRun): Promise<{ readonly run: JobRun; readonly created: boolean }> {
    const given = plainCopy(run);
    const now = await this.#now();
    const known = this.#table.byIdempotencyKey(given.idempotencyKey);
    if (known) return { run: runOf(known), created: false };
    if (this.#table.get(given.id)) throw runIdTaken(given.id);
    const step = newRunRecord(given, now);
    this.#table.add(step, now);
    return { run: plainCopy(step.record.run), created: true };
  }

  async getRun(id: string): Promise<JobRun | undefined> {
    await this.#now();
    const entry = this.#table.get(id);
    return entry && runOf(entry);
  }

  async listRuns(query: RunQuery): Promise<RunPage> {
    const request = runPageRequest(query);
    await this.#now();
    const found = this.#table.page(request);
    const page = found.slice(0, request.limit);
    const last = page.at(-1);
    return { runs: page.map(runOf), ...(last && found.length > page.length && { nextCursor: runCursor(last.number) }) };
  }

  async claimRuns(claim: ClaimRequest): Promise<readonly JobRun[]> {
    const now = await this.#now();
    const claimed: JobRun[] = [];
    while (claimed.length < claim.limit) {
      const entry = this.#table.next(now);
      if (!entry) break;
      this.#table.write(entry, applyClaim(entry.record, claim, now), now);
      claimed.push(runOf(entry));
    }
    return claimed;
  }

  async nextRunAt(): Promise<Date | undefined> {
    const runAt = this.#table.nextRunAt(await this.#now());
    return runAt && new Date(runAt);
  }

  async renewLease(id: string, renewal: LeaseRenewal): Promise<LeaseState> {
    const now = await this.#now();
    const entry = this.#table.get(id);
    if (!entry) return { held: false };
    const { state, step } = applyRenewal(entry.record, renewal, now);
    if (step) this.#table.write(entry, step, now);
    return plainCopy(state);
  }

  async transition(id: string, change: RunTransition, events: readonly RunEventBody[]): Promise<TransitionOutcome> {
    const [asked, bodies] = [plainCopy(change), plainCopy(events)];
    const now = await this.#now();
    const entry = this.#table.get(id);
    if (!entry) return { moved: false, reason: "unknown_run" };
    const next = applyTransition(entry.record, asked, bodies, now);
    if (typeof next === "string") return { moved: false, reason: next, run: runOf(entry) };
    this.#table.write(entry, next, now);
    return { moved: true, run: runOf(entry) };
  }

  async appendEvents(id: string, epoch: number, events: readonly RunEventBody[]): Promise<boolean> {
    const bodies = plainCopy(events);
    const now = await this.#now();
    const entry = this.#table.get(id);
    const step = entry && applyEvents(entry.record, epoch, bodies, now);
    if (entry && step) this.#table.write(entry, step, now);
    return step !== undefined;
  }

  async requestCancel(id: string, reason: string | null): Promise<CancelOutcome> {
    const now = await this.#now();
    const entry = this.#table.get(id);
    if (!entry) return "unknown_run";
    const { outcome, step } = applyCancel(entry.record, reason, now);
    if (step) this.#table.write(entry, step, now);
    return outcome;
  }

  async claimExpired(claim: ClaimRequest): Promise<readonly JobRun[]> {
    const now = await this.#now();
    const expired = this.#table.active().filter(({ record: { run } }) => run.lease && isExpired(run.lease, now));
    return expired.slice(0, Math.max(0, claim.limit)).map((entry) => {
      this.#table.write(entry, applyTakeOver(entry.record, claim, now), now);
      return runOf(entry);
    });
  }

  async readEvents(id: string, { after, limit }: { after: number; limit: number }): Promise<readonly RunEvent[]> {
    await this.#now();
    // Events are numbered from 1 without gaps.
    const from = Math.max(0, after);
    return plainCopy(this.#table.get(id)?.events.slice(from, from + Math.max(0, limit)) ?? []);
  }

  async pruneRuns({ finishedBefore, limit }: { finishedBefore: Date; limit: number }): Promise<number> {
    const before = finishedBefore.getTime();
    await this.#now();
    return this.#table.prune(before, limit);
  }

  // Every act awaits this first: it is later than the call, as in every other store, and then happens in one go.
  async #now(): Promise<number> {
    if (this.#clock) return this.#clock.now();
    throw new JobError("store_unavailable", {
      message: "The memory ledger is not open.",
      hint: "Start the executor, or call open() on the store; after close() a store takes no more calls.",
    });
  }
}

function runOf({ record }: RunEntry): JobRun {
  return plainCopy(record.run);
}
