import type { RunEvent, RunEventBody } from "../model/run-event.js";
import { isTerminal, type RunStatus } from "../model/run-status.js";
import type { CancelOutcome, JobRun, NewRun, RunPage, RunQuery } from "../model/run.js";
import type { ClaimRequest, JobStore, LeaseState, RunTransition, TransitionOutcome } from "../ports/job-store.js";
import { RunSignals, type RunChange } from "./run-signals.js";

/**
 * The store as the executor uses it: every change that was made also rings in `signals`, and what a store throws instead
 * of rejecting becomes a rejection.
 */
export class RunLedger {
  readonly signals = new RunSignals();

  constructor(readonly store: JobStore) {}

  async create(run: NewRun): Promise<{ readonly run: JobRun; readonly created: boolean }> {
    const stored = await this.store.createRun(run);
    if (stored.created) this.signals.emit(stored.run.id, "pending");
    return stored;
  }

  async get(id: string): Promise<JobRun | undefined> {
    return this.store.getRun(id);
  }

  async list(query: RunQuery): Promise<RunPage> {
    return this.store.listRuns(query);
  }

  async claim(request: ClaimRequest): Promise<readonly JobRun[]> {
    const runs = await this.store.claimRuns(request);
    for (const { id, status } of runs) this.signals.emit(id, changeTo(status));
    return runs;
  }

  async claimExpired(request: ClaimRequest): Promise<readonly JobRun[]> {
    return this.store.claimExpired(request);
  }

  async nextRunAt(): Promise<Date | undefined> {
    return this.store.nextRunAt();
  }

  async renew(id: string, renewal: { readonly epoch: number; readonly leaseMs: number }): Promise<LeaseState> {
    return this.store.renewLease(id, renewal);
  }

  async move(id: string, change: RunTransition, events: readonly RunEventBody[]): Promise<TransitionOutcome> {
    const outcome = await this.store.transition(id, change, events);
    if (outcome.moved) this.signals.emit(id, changeTo(change.to));
    return outcome;
  }

  async append(id: string, epoch: number, events: readonly RunEventBody[]): Promise<boolean> {
    const held = await this.store.appendEvents(id, epoch, events);
    if (held) this.signals.emit(id, "any");
    return held;
  }

  async requestCancel(id: string, reason: string | null): Promise<CancelOutcome> {
    const outcome = await this.store.requestCancel(id, reason);
    if (outcome === "cancelled") this.signals.emit(id, "ended");
    if (outcome === "requested") this.signals.emit(id, "any");
    return outcome;
  }

  async readEvents(
    id: string,
    range: { readonly after: number; readonly limit: number },
  ): Promise<readonly RunEvent[]> {
    return this.store.readEvents(id, range);
  }
}

function changeTo(status: RunStatus): RunChange {
  if (status === "pending") return "pending";
  return isTerminal(status) ? "ended" : "any";
}
