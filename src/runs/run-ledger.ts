import { gatesOf } from "../model/concurrency-gate.js";
import type { RunEvent, RunEventBody } from "../model/run-event.js";
import { isTerminal, type RunStatus } from "../model/run-status.js";
import type { CancelOutcome, CreatedRun, JobRun, NewRun, RunPage, RunQuery } from "../model/run.js";
import type {
  ClaimRequest,
  JobStore,
  LeaseState,
  PendingCancel,
  PruneRange,
  RunTransition,
  StoreChange,
  TransitionOutcome,
} from "../ports/job-store.js";
import { RunSignals, type RunChange } from "./run-signals.js";

/**
 * The store as the executor uses it: every change that was made also rings in `signals`, and what a store throws instead
 * of rejecting becomes a rejection.
 */
export class RunLedger {
  readonly signals = new RunSignals();

  constructor(readonly store: JobStore) {}

  /** What the store tells of other processes: a cue, like the ones of this process. */
  hear(change: StoreChange): void {
    switch (change.kind) {
      case "pending":
        return this.signals.emit(null, "pending");
      case "cancel":
        return this.signals.emit(change.runId, "cancel");
      case "run":
        return this.signals.emitToFollowersOf(change.runId, "unknown");
      case "unknown":
        return this.signals.emitUnknown();
    }
  }

  async createAll(runs: readonly NewRun[]): Promise<readonly CreatedRun[]> {
    const stored = await this.store.createRuns(runs);
    for (const { run, created } of stored) if (created) this.signals.emit(run.id, "pending");
    return stored;
  }

  async get(id: string): Promise<JobRun | undefined> {
    return this.store.getRun(id);
  }

  async list(query: RunQuery): Promise<RunPage> {
    return this.store.listRuns(query);
  }

  async claim(request: ClaimRequest): Promise<readonly JobRun[]> {
    return this.#changed(await this.store.claimRuns(request));
  }

  async claimExpired(request: ClaimRequest): Promise<readonly JobRun[]> {
    return this.store.claimExpired(request);
  }

  async failOverdue(limit: number): Promise<readonly JobRun[]> {
    return this.#changed(await this.store.failOverdue(limit));
  }

  async nextDueAt(): Promise<Date | undefined> {
    return this.store.nextDueAt();
  }

  async missingConnections(available: readonly string[]): Promise<readonly string[]> {
    return this.store.missingConnections(available);
  }

  async cancelRequests(owner: string): Promise<readonly PendingCancel[]> {
    return this.store.cancelRequests(owner);
  }

  async prune(range: PruneRange): Promise<number> {
    return this.store.pruneRuns(range);
  }

  async renew(id: string, renewal: { readonly epoch: number; readonly leaseMs: number }): Promise<LeaseState> {
    return this.store.renewLease(id, renewal);
  }

  async move(id: string, change: RunTransition, events: readonly RunEventBody[]): Promise<TransitionOutcome> {
    const outcome = await this.store.transition(id, change, events);
    if (outcome.moved) this.signals.emit(id, changeTo(change.to));
    if (outcome.moved && change.to !== "committing" && gatesOf(outcome.run).length > 0) this.#gateOpened();
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

  #changed(runs: readonly JobRun[]): readonly JobRun[] {
    for (const { id, status } of runs) this.signals.emit(id, changeTo(status));
    return runs;
  }

  /** A run left its gates, so that one which waited there may start. */
  #gateOpened(): void {
    this.signals.emit(null, "pending");
  }
}

function changeTo(status: RunStatus): RunChange {
  if (status === "pending") return "pending";
  return isTerminal(status) ? "ended" : "any";
}
