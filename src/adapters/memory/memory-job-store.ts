import { applyCancel } from "../../model/apply-cancel.js";
import { applyClaim, applyOverdue, applyTakeOver } from "../../model/apply-claim.js";
import { applyEvents, applyRenewal, isExpired } from "../../model/apply-lease.js";
import { applyTransition } from "../../model/apply-transition.js";
import type { RunDefinition } from "../../model/job-definition.js";
import { JobError } from "../../model/job-error.js";
import { plainCopy } from "../../model/plain-copy.js";
import type {
  ClaimRequest,
  LeaseRenewal,
  LeaseState,
  PendingCancel,
  RunTransition,
  TransitionOutcome,
} from "../../model/run-change.js";
import type { RunEvent, RunEventBody } from "../../model/run-event.js";
import { runCopy } from "../../model/run-copy.js";
import { runCursor, runPageRequest } from "../../model/run-paging.js";
import { newRunRecord, runIdTaken, type RunRecord, type RunStep } from "../../model/run-record.js";
import { RUN_STATUSES } from "../../model/run-status.js";
import type { CancelOutcome, CreatedRun, JobRun, NewRun, RunPage, RunQuery } from "../../model/run.js";
import { StoreOpeners } from "../../model/store-openers.js";
import type { Clock } from "../../ports/clock.js";
import type { JobStore, PruneRange, StoreCapabilities, StoreContext } from "../../ports/job-store.js";
import type { ScheduleStore } from "../../ports/schedule-store.js";
import { MemoryScheduleStore, type MemoryScheduleSnapshot } from "./memory-schedule-store.js";
import { keptRun, newRunCopy, transitionCopy } from "./run-copies.js";
import type { RunEntry } from "./run-entry.js";
import { RunTable } from "./run-table.js";

/** All that a {@link MemoryJobStore} holds, as plain data. */
export interface MemorySnapshot extends MemoryScheduleSnapshot {
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
  readonly #openers = new StoreOpeners<StoreContext>();
  #clock: Clock | undefined;
  #table = new RunTable();
  readonly #definitions = new WeakSet<RunDefinition>();
  readonly #schedules = new MemoryScheduleStore({
    now: () => this.#now(),
    byId: (id) => this.#runOf(this.#table.get(id)),
    byIdempotencyKey: (key) => this.#runOf(this.#table.byIdempotencyKey(key)),
  });

  constructor({ snapshot }: MemoryJobStoreOptions = {}) {
    if (snapshot) this.restore(snapshot);
  }

  get schedules(): ScheduleStore {
    return this.#schedules;
  }

  get isOpen(): boolean {
    return this.#clock !== undefined;
  }

  async open(context: StoreContext): Promise<void> {
    await Promise.resolve();
    this.#openers.add(context);
    this.#clock ??= context.clock;
  }

  async close(context?: StoreContext): Promise<void> {
    await Promise.resolve();
    if (this.#openers.leave(context)) this.#clock = undefined;
  }

  /** A copy of all runs and their logs, leases included, and of all schedules: what a crash would leave. */
  snapshot(): MemorySnapshot {
    const runs = this.#table.entries().map(({ number, record, events }) => ({ number, record, events }));
    return { runs: plainCopy(runs), ...this.#schedules.snapshot() };
  }

  /** Replaces all that the store holds. The leases in the snapshot hold until they expire, as after a crash. */
  restore({ runs, ...schedules }: MemorySnapshot): void {
    this.#table = new RunTable();
    this.#schedules.restore(schedules);
    // With no time passed, whatever has a `runAt` waits; the first claim finds what is due.
    for (const { number, record, events } of runs) {
      const kept = { ...record, run: keptRun(record.run) };
      this.#table.restore(number, kept, [...plainCopy(events)], -Infinity);
    }
  }

  async createRuns(runs: readonly NewRun[]): Promise<readonly CreatedRun[]> {
    const given = runs.map((run) => newRunCopy(run, this.#definitions));
    const now = await this.#now();
    // All are looked at before the first is stored.
    const made = new Map<string, RunStep>();
    const byKey = new Map<string, RunStep>();
    const answers = given.map((run): CreatedRun => {
      const { id, idempotencyKey: key } = run;
      const known = this.#table.byIdempotencyKey(key) ?? (key === null ? undefined : byKey.get(key));
      if (known) return { run: runOf(known), created: false };
      if (this.#table.get(id) ?? made.get(id)) throw runIdTaken(id);
      const step = newRunRecord(run, now);
      made.set(id, step);
      if (key !== null) byKey.set(key, step);
      return { run: runOf(step), created: true };
    });
    for (const step of made.values()) {
      this.#table.add(step, now);
      this.#openers.tellStep(step);
    }
    return answers;
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
    const [asked, connections] = [{ ...claim }, claim.connections && new Set(claim.connections)];
    return this.#inGoes((now) => {
      const claimed = this.#failOverdue(asked.limit, now);
      while (claimed.length < asked.limit) {
        const entry = this.#table.pending.next(connections);
        if (entry === "later" && claimed.length === 0) return "later";
        if (entry === undefined || entry === "later") break;
        this.#write(entry, applyClaim(entry.record, asked, now), now);
        claimed.push(runOf(entry));
      }
      return claimed;
    });
  }

  async failOverdue(limit: number): Promise<readonly JobRun[]> {
    return this.#failOverdue(limit, await this.#now());
  }

  async nextDueAt(): Promise<Date | undefined> {
    const dueAt = await this.#inGoes(() => this.#table.pending.nextDueAt());
    return dueAt && new Date(dueAt.getTime());
  }

  async missingConnections(available: readonly string[]): Promise<readonly string[]> {
    const given = new Set(available);
    return this.#inGoes((now) => {
      const needed = [
        ...this.#table.pending.needed(),
        ...this.#expired(now).flatMap(({ record }) => record.run.connections),
      ];
      return [...new Set(needed)].filter((name) => !given.has(name)).sort();
    });
  }

  async renewLease(id: string, renewal: LeaseRenewal): Promise<LeaseState> {
    const now = await this.#now();
    const entry = this.#table.get(id);
    if (!entry) return { held: false };
    const { state, step } = applyRenewal(entry.record, renewal, now);
    if (step) this.#write(entry, step, now);
    return plainCopy(state);
  }

  async transition(id: string, change: RunTransition, events: readonly RunEventBody[]): Promise<TransitionOutcome> {
    const [asked, bodies] = [transitionCopy(change), plainCopy(events)];
    const now = await this.#now();
    const entry = this.#table.get(id);
    if (!entry) return { moved: false, reason: "unknown_run" };
    const next = applyTransition(entry.record, asked, bodies, now);
    if (typeof next === "string") return { moved: false, reason: next, run: runOf(entry) };
    this.#write(entry, next, now);
    return { moved: true, run: runOf(entry) };
  }

  async appendEvents(id: string, epoch: number, events: readonly RunEventBody[]): Promise<boolean> {
    const bodies = plainCopy(events);
    const now = await this.#now();
    const entry = this.#table.get(id);
    const step = entry && applyEvents(entry.record, epoch, bodies, now);
    if (entry && step) this.#write(entry, step, now);
    return step !== undefined;
  }

  async requestCancel(id: string, reason: string | null): Promise<CancelOutcome> {
    const now = await this.#now();
    const entry = this.#table.get(id);
    if (!entry) return "unknown_run";
    const { outcome, step } = applyCancel(entry.record, reason, now);
    if (step) this.#write(entry, step, now);
    return outcome;
  }

  async cancelRequests(owner: string): Promise<readonly PendingCancel[]> {
    await this.#now();
    return this.#table.active().flatMap(({ record: { run } }) => {
      const { id: runId, status, lease, cancelRequest } = run;
      if (status !== "running" || lease?.owner !== owner || cancelRequest === null) return [];
      return { runId, epoch: lease.epoch, reason: cancelRequest.reason };
    });
  }

  async claimExpired(claim: ClaimRequest): Promise<readonly JobRun[]> {
    const asked = plainCopy(claim);
    const now = await this.#now();
    const expired = this.#expired(now).filter(({ record: { run } }) =>
      run.connections.every((name) => asked.connections?.includes(name) ?? true),
    );
    return expired.slice(0, Math.max(0, asked.limit)).map((entry) => {
      this.#write(entry, applyTakeOver(entry.record, asked, now), now);
      return runOf(entry);
    });
  }

  async readEvents(id: string, { after, limit }: { after: number; limit: number }): Promise<readonly RunEvent[]> {
    await this.#now();
    // Events are numbered from 1 without gaps.
    const from = Math.max(0, after);
    return plainCopy(this.#table.get(id)?.events.slice(from, from + Math.max(0, limit)) ?? []);
  }

  async pruneRuns({ olderThanMs, limit, statuses = RUN_STATUSES }: PruneRange): Promise<number> {
    const asked = [...statuses];
    return this.#table.prune((await this.#now()) - olderThanMs, limit, asked);
  }

  #runOf(entry: RunEntry | undefined): JobRun | undefined {
    return entry && runOf(entry);
  }

  #write(entry: RunEntry, step: RunStep, now: number): void {
    this.#table.write(entry, step, now);
    this.#openers.tellStep(step);
  }

  #expired(now: number): readonly RunEntry[] {
    return this.#table.active().filter(({ record: { run } }) => run.lease !== null && isExpired(run.lease, now));
  }

  #failOverdue(limit: number, now: number): JobRun[] {
    const failed: JobRun[] = [];
    while (failed.length < limit) {
      const entry = this.#table.pending.overdue(now);
      if (!entry) break;
      this.#write(entry, applyOverdue(entry.record, now), now);
      failed.push(runOf(entry));
    }
    return failed;
  }

  // Once every run is ready whose time has come. What takes too long goes on after the host had its turn.
  async #inGoes<T>(act: (now: number) => T | "later"): Promise<T> {
    for (;;) {
      const now = await this.#now();
      const answer = this.#table.pending.ripen(now) ? act(now) : "later";
      if (answer !== "later") return answer;
      await new Promise((resolve) => void setImmediate(resolve));
    }
  }

  // Every act awaits this first: it is later than the call, as in every other store, and then happens in one go.
  #now(): Promise<number> {
    if (this.#clock) return Promise.resolve(this.#clock.now());
    const closed = new JobError("store_unavailable", {
      message: "The memory ledger is not open.",
      nothingStored: true,
      hint: "Start the executor, or call open() on the store; after close() a store takes no more calls.",
    });
    return Promise.reject(closed);
  }
}

function runOf({ record }: { readonly record: RunRecord }): JobRun {
  return runCopy(record.run);
}
