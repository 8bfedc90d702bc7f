import { applyCancel } from "../../../model/apply-cancel.js";
import { applyEvents, applyRenewal } from "../../../model/apply-lease.js";
import { applyTransition } from "../../../model/apply-transition.js";
import { JobError } from "../../../model/job-error.js";
import { plainCopy } from "../../../model/plain-copy.js";
import type {
  ClaimRequest,
  LeaseRenewal,
  LeaseState,
  PendingCancel,
  RunTransition,
  TransitionOutcome,
} from "../../../model/run-change.js";
import type { RunEvent, RunEventBody } from "../../../model/run-event.js";
import { runPageRequest } from "../../../model/run-paging.js";
import { StoreOpeners } from "../../../model/store-openers.js";
import type { CancelOutcome, CreatedRun, JobRun, NewRun, RunPage, RunQuery } from "../../../model/run.js";
import type { JobStore, PruneRange, StoreCapabilities, StoreContext } from "../../../ports/job-store.js";
import type { ScheduleStore } from "../../../ports/schedule-store.js";
import type { SharedLedger } from "./shared-ledger.js";
import { SharedScheduleStore } from "./shared-schedule-store.js";

/** A store whose ledger lies on a server: what such stores have in common. */
export abstract class SharedJobStore<L extends SharedLedger> implements JobStore {
  readonly capabilities: StoreCapabilities = { shared: true, durable: true };
  readonly schedules: ScheduleStore = new SharedScheduleStore(() => this.opened().schedules);
  readonly #openers = new StoreOpeners<StoreContext>();
  #ledger: L | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param ledger names it in messages. */
  protected constructor(private readonly ledger: string) {}

  /** @param transaction a connection of the driver that the host has a transaction open on. */
  abstract createRunsIn(transaction: unknown, runs: readonly NewRun[]): Promise<readonly CreatedRun[]>;

  /** @param openers hear of changes. */
  protected abstract openLedger(context: StoreContext, openers: StoreOpeners<StoreContext>): Promise<L>;

  get isOpen(): boolean {
    return this.#ledger !== undefined;
  }

  open(context: StoreContext): Promise<void> {
    return this.#inTurn(async () => {
      this.#ledger ??= await this.openLedger(context, this.#openers);
      this.#openers.add(context);
      if (context.onChange) this.#ledger.watch();
    });
  }

  close(context?: StoreContext): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#openers.leave(context)) return;
      const ledger = this.#ledger;
      this.#ledger = undefined;
      await ledger?.close();
    });
  }

  async createRuns(runs: readonly NewRun[]): Promise<readonly CreatedRun[]> {
    return this.opened().creation.create(runs);
  }

  async getRun(id: string): Promise<JobRun | undefined> {
    return this.opened().reads.run(id);
  }

  async listRuns(query: RunQuery): Promise<RunPage> {
    const request = runPageRequest(query);
    return this.opened().reads.page(request);
  }

  async claimRuns(claim: ClaimRequest): Promise<readonly JobRun[]> {
    return this.opened().claims.takePending(plainCopy(claim));
  }

  async failOverdue(limit: number): Promise<readonly JobRun[]> {
    return this.opened().claims.failOverdue(limit);
  }

  async nextDueAt(): Promise<Date | undefined> {
    return this.opened().reads.nextDueAt();
  }

  async missingConnections(available: readonly string[]): Promise<readonly string[]> {
    return this.opened().reads.missingConnections([...available]);
  }

  async renewLease(id: string, renewal: LeaseRenewal): Promise<LeaseState> {
    const asked = plainCopy(renewal);
    return this.opened().changes.change<LeaseState>(id, QUICK, (record, now) => {
      if (!record) return { answer: { held: false } };
      const { state, step } = applyRenewal(record, asked, now);
      return { answer: state, ...(step && { step }) };
    });
  }

  async transition(id: string, change: RunTransition, events: readonly RunEventBody[]): Promise<TransitionOutcome> {
    const [asked, bodies] = [plainCopy(change), plainCopy(events)];
    // A delayed attempt's time stands in the event's body as well.
    const kind = { durable: asked.to !== "pending", relative: asked.delayMs === undefined };
    return this.opened().changes.change<TransitionOutcome>(id, kind, (record, now) => {
      if (!record) return { answer: { moved: false, reason: "unknown_run" } };
      const step = applyTransition(record, asked, bodies, now);
      if (typeof step === "string") return { answer: { moved: false, reason: step, run: record.run } };
      return { answer: { moved: true, run: step.record.run }, step };
    });
  }

  async appendEvents(id: string, epoch: number, events: readonly RunEventBody[]): Promise<boolean> {
    const bodies = plainCopy(events);
    return this.opened().changes.change(id, QUICK, (record, now) => {
      const step = record && applyEvents(record, epoch, bodies, now);
      return { answer: step !== undefined, ...(step && { step }) };
    });
  }

  async requestCancel(id: string, reason: string | null): Promise<CancelOutcome> {
    return this.opened().changes.change<CancelOutcome>(id, { durable: true, relative: false }, (record, now) => {
      if (!record) return { answer: "unknown_run" };
      const { outcome, step } = applyCancel(record, reason, now);
      return { answer: outcome, ...(step && { step }) };
    });
  }

  async cancelRequests(owner: string): Promise<readonly PendingCancel[]> {
    return this.opened().reads.cancelRequests(owner);
  }

  async claimExpired(claim: ClaimRequest): Promise<readonly JobRun[]> {
    return this.opened().claims.takeOver(plainCopy(claim));
  }

  async readEvents(id: string, { after, limit }: { after: number; limit: number }): Promise<readonly RunEvent[]> {
    return this.opened().reads.events(id, after, limit);
  }

  async pruneRuns(range: PruneRange): Promise<number> {
    return this.opened().retention.prune(plainCopy(range));
  }

  /** Throws `store_unavailable` while the store is closed. */
  protected opened(): L {
    if (this.#ledger) return this.#ledger;
    throw new JobError("store_unavailable", {
      message: `The ledger ${this.ledger} is not open.`,
      hint: "Start the executor, or call open() on the store; after close() a store takes no more calls.",
      nothingStored: true,
    });
  }

  // Opening and closing wait for each other.
  #inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(step);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

const QUICK = { durable: false, relative: true };
