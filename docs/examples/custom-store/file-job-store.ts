import { readFile, rename, writeFile } from "node:fs/promises";
import { deserialize, serialize } from "node:v8";
import {
  applyCancel,
  applyClaim,
  applyEvents,
  applyOverdue,
  applyRenewal,
  applyTakeOver,
  applyTransition,
  fullGate,
  gatesOf,
  isExpired,
  isOverdue,
  isTerminal,
  isWaiting,
  JobError,
  newRunRecord,
  RUN_STATUSES,
  runCursor,
  runIdTaken,
  runPageRequest,
  StoreOpeners,
} from "millrace";
import type { CancelOutcome, ClaimRequest, Clock, CreatedRun, JobRun, JobStore, LeaseRenewal } from "millrace";
import type { LeaseState, NewRun, PendingCancel, PruneRange, RunEvent, RunEventBody, RunPage } from "millrace";
import type { RunQuery, RunRecord, RunStatus, RunStep, RunTransition, StoreContext } from "millrace";
import type { TransitionOutcome } from "millrace";

/** A run as it stands in the file. Runs are numbered in the order of their making. */
interface Entry {
  readonly number: number;
  readonly events: RunEvent[];
  record: RunRecord;
}

/** A ledger in one file that every act writes anew: for one process, and a handful of runs a minute. */
export class FileJobStore implements JobStore {
  readonly capabilities = { shared: false, durable: true };
  private readonly openers = new StoreOpeners<StoreContext>();
  private clock: Clock | undefined;
  private ledger: { made: number; runs: Entry[] } = { made: 0, runs: [] };
  private lastAct: Promise<unknown> = Promise.resolve();

  constructor(private readonly path: string) {}

  get isOpen(): boolean {
    return this.clock !== undefined;
  }

  async open(context: StoreContext): Promise<void> {
    const opening = this.lastAct.then(async () => {
      if (!this.isOpen) await this.load();
      this.clock ??= context.clock;
      this.openers.add(context);
    });
    this.lastAct = opening.catch(() => undefined);
    await opening;
  }

  async close(context?: StoreContext): Promise<void> {
    if (!this.openers.leave(context)) return;
    this.clock = undefined;
    await this.lastAct;
  }

  createRuns(runs: readonly NewRun[]): Promise<readonly CreatedRun[]> {
    return this.act(runs, (given, now) => given.map((run) => this.create(run, now)));
  }

  getRun(id: string): Promise<JobRun | undefined> {
    return this.act(id, () => this.find(id)?.record.run);
  }

  listRuns(query: RunQuery): Promise<RunPage> {
    return this.act(query, (given) => {
      const { jobName, statuses, limit, before } = runPageRequest(given);
      const found = this.ledger.runs
        .filter(({ number, record: { run } }) => number < before && (jobName ?? run.jobName) === run.jobName)
        .filter(({ record }) => statuses?.includes(record.run.status) ?? true)
        .reverse();
      const runs = found.slice(0, limit).map(({ record }) => record.run);
      const last = found[limit - 1];
      return { runs, ...(last && found.length > limit && { nextCursor: runCursor(last.number) }) };
    });
  }

  claimRuns(claim: ClaimRequest): Promise<readonly JobRun[]> {
    return this.act(claim, (given, now) => {
      const failed = this.overdue(now)
        .slice(0, given.limit)
        .map((entry) => this.write(entry, applyOverdue(entry.record, now)));
      const ready = this.having("pending")
        .filter(({ record }) => !isWaiting(record.run, now) && mayTake(record.run, given))
        .sort((left, right) => right.record.run.priority - left.record.run.priority);
      const claimed: JobRun[] = [];
      for (const entry of ready) {
        if (failed.length + claimed.length >= given.limit) break;
        if (fullGate(entry.record.run, ({ name }) => this.behind(name))) continue;
        claimed.push(this.write(entry, applyClaim(entry.record, given, now)));
      }
      return [...failed, ...claimed];
    });
  }

  failOverdue(limit: number): Promise<readonly JobRun[]> {
    return this.act(limit, (given, now) => {
      const overdue = this.overdue(now).slice(0, given);
      return overdue.map((entry) => this.write(entry, applyOverdue(entry.record, now)));
    });
  }

  nextDueAt(): Promise<Date | undefined> {
    return this.act(null, (_, now) => {
      const times = this.having("pending").flatMap(({ record: { run } }) => [
        isWaiting(run, now) ? timeOf(run.runAt) : Infinity,
        run.startedAt === null ? timeOf(run.startDeadline) : Infinity,
      ]);
      const earliest = Math.min(...times);
      return earliest === Infinity ? undefined : new Date(earliest);
    });
  }

  missingConnections(available: readonly string[]): Promise<readonly string[]> {
    return this.act(available, (given, now) => {
      const ready = this.having("pending").filter(({ record }) => !isWaiting(record.run, now));
      const needed = new Set([...ready, ...this.expired(now)].flatMap(({ record }) => record.run.connections));
      return [...needed].filter((name) => !given.includes(name)).sort();
    });
  }

  renewLease(id: string, renewal: LeaseRenewal): Promise<LeaseState> {
    return this.act(renewal, (given, now) => {
      const entry = this.find(id);
      if (!entry) return { held: false };
      const { state, step } = applyRenewal(entry.record, given, now);
      if (step) this.write(entry, step);
      return state;
    });
  }

  transition(id: string, change: RunTransition, events: readonly RunEventBody[]): Promise<TransitionOutcome> {
    return this.act({ change, events }, (given, now) => {
      const entry = this.find(id);
      if (!entry) return { moved: false, reason: "unknown_run" };
      const next = applyTransition(entry.record, given.change, given.events, now);
      if (typeof next === "string") return { moved: false, reason: next, run: entry.record.run };
      return { moved: true, run: this.write(entry, next) };
    });
  }

  appendEvents(id: string, epoch: number, events: readonly RunEventBody[]): Promise<boolean> {
    return this.act(events, (given, now) => {
      const entry = this.find(id);
      const step = entry && applyEvents(entry.record, epoch, given, now);
      if (entry && step) this.write(entry, step);
      return step !== undefined;
    });
  }

  requestCancel(id: string, reason: string | null): Promise<CancelOutcome> {
    return this.act(reason, (given, now) => {
      const entry = this.find(id);
      if (!entry) return "unknown_run";
      const { outcome, step } = applyCancel(entry.record, given, now);
      if (step) this.write(entry, step);
      return outcome;
    });
  }

  cancelRequests(owner: string): Promise<readonly PendingCancel[]> {
    return this.act(owner, (given) =>
      this.having("running").flatMap(({ record: { run } }) => {
        const { id: runId, lease, cancelRequest } = run;
        if (lease?.owner !== given || cancelRequest === null) return [];
        return [{ runId, epoch: lease.epoch, reason: cancelRequest.reason }];
      }),
    );
  }

  claimExpired(claim: ClaimRequest): Promise<readonly JobRun[]> {
    return this.act(claim, (given, now) =>
      this.expired(now)
        .filter(({ record }) => mayTake(record.run, given))
        .slice(0, given.limit)
        .map((entry) => this.write(entry, applyTakeOver(entry.record, given, now))),
    );
  }

  readEvents(id: string, range: { readonly after: number; readonly limit: number }): Promise<readonly RunEvent[]> {
    return this.act(range, ({ after, limit }) => this.find(id)?.events.slice(after, after + limit) ?? []);
  }

  pruneRuns(range: PruneRange): Promise<number> {
    return this.act(range, ({ olderThanMs, limit, statuses = RUN_STATUSES }, now) => {
      const old = this.having(...statuses.filter(isTerminal))
        .filter(({ record: { run } }) => timeOf(run.finishedAt) < now - olderThanMs)
        .filter(({ record: { run } }) => run.redriveOf === null || !this.find(run.redriveOf))
        .sort((left, right) => timeOf(left.record.run.finishedAt) - timeOf(right.record.run.finishedAt))
        .slice(0, limit);
      this.ledger.runs = this.ledger.runs.filter((entry) => !old.includes(entry));
      return old.length;
    });
  }

  /** One act after the other, each whole or not at all, with copies of what goes in and comes out. */
  private act<G, T>(given: G, change: (given: G, now: number) => T): Promise<T> {
    const copy = structuredClone(given);
    const act = this.lastAct.then(async () => {
      if (!this.clock) throw unavailable("is not open");
      const before = serialize(this.ledger);
      try {
        const answer = structuredClone(change(copy, this.clock.now()));
        if ((await this.save(before)) && this.openers.areSeveral) this.openers.tell({ kind: "unknown" });
        return answer;
      } catch (error) {
        this.ledger = deserialize(before) as typeof this.ledger;
        throw error;
      }
    });
    this.lastAct = act.catch(() => undefined);
    return act;
  }

  private create(run: NewRun, now: number): CreatedRun {
    const key = run.idempotencyKey;
    const known = this.ledger.runs.find(({ record }) => key !== null && record.run.idempotencyKey === key);
    if (known) return { run: known.record.run, created: false };
    if (this.find(run.id)) throw runIdTaken(run.id);
    const { record, events } = newRunRecord(run, now);
    this.ledger.made += 1;
    this.ledger.runs.push({ number: this.ledger.made, events: [...events], record });
    return { run: record.run, created: true };
  }

  /** The runs that stand so, oldest first. */
  private having(...statuses: readonly RunStatus[]): Entry[] {
    return this.ledger.runs.filter(({ record }) => statuses.includes(record.run.status));
  }

  /** The runs under way whose owner let its lease run out. */
  private expired(now: number): Entry[] {
    const active = this.having("running", "committing");
    return active.filter(({ record: { run } }) => run.lease !== null && isExpired(run.lease, now));
  }

  private overdue(now: number): Entry[] {
    const overdue = this.having("pending").filter(({ record }) => isOverdue(record.run, now));
    return overdue.sort(
      (left, right) => timeOf(left.record.run.startDeadline) - timeOf(right.record.run.startDeadline),
    );
  }

  /** How many runs are behind a gate. */
  private behind(gate: string): number {
    const active = this.having("running", "committing");
    return active.filter(({ record }) => gatesOf(record.run).some(({ name }) => name === gate)).length;
  }

  private find(id: string): Entry | undefined {
    return this.ledger.runs.find(({ record }) => record.run.id === id);
  }

  private write(entry: Entry, { record, events }: RunStep): JobRun {
    entry.record = record;
    entry.events.push(...events);
    return record.run;
  }

  private async load(): Promise<void> {
    try {
      this.ledger = deserialize(await readFile(this.path)) as typeof this.ledger;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw unavailable("cannot be read", error);
    }
  }

  // A file that is written aside and takes the place of the old one is there whole or not at all. False: nothing changed.
  private async save(before: Buffer): Promise<boolean> {
    const after = serialize(this.ledger);
    if (after.equals(before)) return false;
    try {
      await writeFile(`${this.path}.new`, after, { flush: true });
      await rename(`${this.path}.new`, this.path);
      return true;
    } catch (error) {
      throw unavailable("cannot be written", error);
    }
  }
}

function mayTake(run: JobRun, { connections }: ClaimRequest): boolean {
  return connections === undefined || run.connections.every((name) => connections.includes(name));
}

function timeOf(date: Date | null): number {
  return date?.getTime() ?? Infinity;
}

function unavailable(what: string, cause?: unknown): JobError {
  const hint = "Look at the file's folder and its disk; a store takes calls between open() and close().";
  return new JobError("store_unavailable", { message: `The ledger ${what}.`, hint, nothingStored: true, cause });
}
