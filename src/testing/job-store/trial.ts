import assert from "node:assert/strict";
import { isJobError } from "../../model/job-error.js";
import type { ClaimRequest, RunTransition } from "../../model/run-change.js";
import type { RunEvent, RunEventBody } from "../../model/run-event.js";
import type { RunStatus } from "../../model/run-status.js";
import type { CreatedRun, JobRun, NewRun, RunError } from "../../model/run.js";
import type { ErrorCode } from "../../model/error-codes.js";
import type { Clock } from "../../ports/clock.js";
import type { JobStore, StoreContext } from "../../ports/job-store.js";

/** What a clause is given: a store of its own, with nothing in it. */
export interface JobStoreSubject {
  /** Not opened yet. */
  readonly store: JobStore;
  /**
   * The clock that the store dates by: it is opened with it. A store that goes by its database's clock needs a stand-in
   * of that, which this one moves.
   */
  readonly clock: Clock & { advance(byMs: number): Promise<void> };
  /**
   * Another store on the same ledger, not opened yet: what the next process would make, or another one at the same time.
   * Absent: runs do not outlive a store.
   */
  readonly reopen?: () => Promise<JobStore>;
  /** Begins a transaction of the host's on the ledger. Absent: the store has no `createRunsIn`. */
  readonly begin?: () => Promise<HostTransaction>;
  dispose?(): Promise<void>;
}

export interface HostTransaction {
  /** What `createRunsIn` takes. */
  readonly transaction: unknown;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

export type Clauses = Readonly<Record<string, (trial: Trial) => Promise<void>>>;

export const LEASE_MS = 30_000;

/** A store under test, and the steps that clauses are made of. */
export class Trial {
  readonly store: JobStore;
  readonly clock: JobStoreSubject["clock"];
  #submitted = 0;

  /** @param subject also the context that its store was opened with. */
  constructor(readonly subject: JobStoreSubject) {
    this.store = subject.store;
    this.clock = subject.clock;
  }

  /** Another store on the same ledger, open. */
  async reopened(context: Partial<StoreContext> = {}): Promise<JobStore> {
    const { reopen } = this.subject;
    assert(reopen, "The subject gives no reopen(): if its runs do not outlive it, go without this clause.");
    const store = await reopen();
    await store.open({ clock: this.clock, ...context });
    return store;
  }

  async begun(): Promise<HostTransaction> {
    const { begin } = this.subject;
    assert(begin, "The subject gives no begin(): if the store has no createRunsIn, go without this clause.");
    return begin();
  }

  newRun(parts: Partial<NewRun> = {}): NewRun {
    this.#submitted += 1;
    return {
      id: `run-${String(this.#submitted).padStart(4, "0")}`,
      jobName: "delays",
      definitionHash: "0123abcd",
      definition: DEFINITION,
      parameters: { min_distance: 500 },
      priority: 0,
      idempotencyKey: null,
      connections: [],
      concurrencyKey: null,
      redriveOf: null,
      runAt: null,
      startDeadline: null,
      ...parts,
    };
  }

  async submit(parts: Partial<NewRun> = {}): Promise<JobRun> {
    const { run, created } = await this.create(this.newRun(parts));
    assert(created);
    return run;
  }

  /** Stores one run. */
  async create(run: NewRun, store = this.store): Promise<CreatedRun> {
    const [answer, ...others] = await store.createRuns([run]);
    assert(answer && others.length === 0, "One run must have one answer.");
    return answer;
  }

  /** Submits so many runs, one after the other. */
  async submitMany(count: number, parts: Partial<NewRun> = {}): Promise<readonly JobRun[]> {
    const runs: JobRun[] = [];
    while (runs.length < count) runs.push(await this.submit(parts));
    return runs;
  }

  claim(parts: Partial<ClaimRequest> = {}): Promise<readonly JobRun[]> {
    return this.store.claimRuns({ owner: "worker", limit: 10, leaseMs: LEASE_MS, ...parts });
  }

  /** Claims, expecting exactly one run. */
  async claimOne(parts: Partial<ClaimRequest> = {}): Promise<JobRun> {
    const [run, ...others] = await this.claim({ limit: 1, ...parts });
    assert(run && others.length === 0, "A claim of one run must give that run.");
    return run;
  }

  takeOver(parts: Partial<ClaimRequest> = {}): Promise<readonly JobRun[]> {
    return this.store.claimExpired({ owner: "heir", limit: 10, leaseMs: LEASE_MS, ...parts });
  }

  /** Makes a move with its event, as its owner, expecting that it is made. */
  async move(run: JobRun, to: RunStatus, parts: Partial<RunTransition> = {}): Promise<JobRun> {
    const outcome = await this.store.transition(run.id, moveOf(run, to, parts), [eventOf(to, run)]);
    assert(outcome.moved, `${run.status} must move to ${to}.`);
    return outcome.run;
  }

  /** A fresh run, brought to a status the way that runs come there. No other run may be pending. */
  async runAt(status: RunStatus, parts: Partial<NewRun> = {}): Promise<JobRun> {
    const pending = await this.submit(parts);
    if (status === "pending") return pending;
    const running = await this.claimOne();
    if (status === "running") return running;
    if (status === "failed") return this.move(running, "failed", { error: ERROR });
    if (status === "cancelled") return this.move(running, "cancelled");
    const committing = await this.move(running, "committing", { commitId: running.id });
    return status === "committing" ? committing : this.move(committing, "succeeded", { rowsWritten: 7 });
  }

  async get(id: string): Promise<JobRun> {
    const run = await this.store.getRun(id);
    assert(run, `Run ${id} must be there.`);
    return run;
  }

  events(id: string): Promise<readonly RunEvent[]> {
    return this.store.readEvents(id, { after: 0, limit: 1_000 });
  }

  /** Now, as a date. */
  now(laterMs = 0): Date {
    return new Date(this.clock.now() + laterMs);
  }

  /** Runs `act`, which must leave the run and its log as they are. */
  async unchanged(id: string, act: () => Promise<void>): Promise<void> {
    const before = [await this.store.getRun(id), await this.events(id)];
    await act();
    assert.deepEqual([await this.store.getRun(id), await this.events(id)], before);
  }
}

/** A move by whoever holds the run, or held it last. */
export function moveOf(run: JobRun, to: RunStatus, parts: Partial<RunTransition> = {}): RunTransition {
  return { from: run.status, to, epoch: run.lease?.epoch ?? 1, ...parts };
}

export async function refused(code: ErrorCode, act: () => Promise<unknown>): Promise<{ readonly field?: string }> {
  try {
    await act();
  } catch (error) {
    if (isJobError(error, code)) return error;
    throw error;
  }
  assert.fail(`This must be refused with ${code}.`);
}

export function ids(runs: readonly { readonly id: string }[]): readonly string[] {
  return runs.map(({ id }) => id);
}

export const ERROR: RunError = {
  code: "query_failed",
  message: "division by zero",
  hint: "Look at row 3.",
  retryable: true,
  columns: ["avg_delay"],
};

export const PROGRESS = { type: "run.progress", rows: 2_048, bytes: null } satisfies RunEventBody;

export const DEFINITION: NewRun["definition"] = {
  query: "select origin, avg(delay) as avg_delay from flights where distance >= {min_distance} group by origin",
  parameters: [{ name: "min_distance", type: null, required: true, secret: false }],
  destination: { table: "lake.delays", mode: { kind: "upsert", keys: ["origin"] }, createIfMissing: true },
  execution: {
    timeoutMs: 60_000,
    maxAttempts: 3,
    retryOn: ["query_failed", "destination_failed"],
    maxRecoveries: 3,
    backoff: { kind: "exponential", delayMs: 1_000, maxDelayMs: 300_000, jitter: 0.5 },
    priority: 0,
    maxConcurrent: 0,
    concurrencyKey: null,
    maxConcurrentPerKey: 1,
  },
};

function eventOf(to: RunStatus, { id, jobName }: JobRun): RunEventBody {
  switch (to) {
    case "pending":
      return { type: "run.retrying", cause: "error", error: ERROR, nextAttemptAt: null };
    case "running":
      return { type: "run.pending", jobName };
    case "committing":
      return { type: "run.committing", commitId: id, rowsStaged: 7 };
    case "succeeded":
      return { type: "run.succeeded", rowsWritten: 7, snapshotId: null };
    case "failed":
      return { type: "run.failed", error: ERROR };
    case "cancelled":
      return { type: "run.cancelled", reason: null };
  }
}
