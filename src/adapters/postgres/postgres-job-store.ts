import { applyCancel } from "../../model/apply-cancel.js";
import { applyEvents, applyRenewal } from "../../model/apply-lease.js";
import { applyTransition } from "../../model/apply-transition.js";
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
import { runPageRequest } from "../../model/run-paging.js";
import { StoreOpeners } from "../../model/store-openers.js";
import type { CancelOutcome, CreatedRun, JobRun, NewRun, RunPage, RunQuery } from "../../model/run.js";
import type { JobStore, PruneRange, StoreCapabilities, StoreContext } from "../../ports/job-store.js";
import { checkedClient, ledgerSettings, ledgerSource, type PostgresJobStoreOptions } from "./job-store-options.js";
import { Ledger, type LedgerSettings } from "./ledger/ledger.js";
import { checkedPrefix, checkedSchema } from "./ledger/ledger-place.js";
import { postgresMigrationScript } from "./ledger/migrate.js";
import { notOpen } from "./ledger/postgres-failure.js";

/**
 * A ledger in Postgres (13 or newer), shared by any number of processes and machines. The database's clock decides every
 * time and lease. A crash of a process or of the server loses nothing that was answered; a power cut may lose the newest
 * claims, renewals and progress, and nothing else.
 */
export class PostgresJobStore implements JobStore {
  readonly capabilities: StoreCapabilities = { shared: true, durable: true };
  readonly #options: PostgresJobStoreOptions;
  readonly #settings: LedgerSettings;
  readonly #openers = new StoreOpeners<StoreContext>();
  #ledger: Ledger | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** Throws `invalid_definition` naming the option that is none. */
  constructor(options: PostgresJobStoreOptions) {
    this.#options = options;
    this.#settings = ledgerSettings(options);
  }

  /**
   * The statements that make a ledger, or bring one up from the version `from` (default 0: there is none yet), as SQL text
   * for whoever runs them by hand; the store is then opened with `migrate: "check"`.
   */
  static migrationScript({
    schema,
    tablePrefix = "millrace_",
    from = 0,
  }: { readonly schema?: string; readonly tablePrefix?: string; readonly from?: number } = {}): string {
    return postgresMigrationScript(schema && checkedSchema(schema), checkedPrefix(tablePrefix), from);
  }

  get isOpen(): boolean {
    return this.#ledger !== undefined;
  }

  open(context: StoreContext): Promise<void> {
    return this.#inTurn(async () => {
      this.#ledger ??= await Ledger.open(await ledgerSource(this.#options), this.#settings, context, this.#openers);
      this.#openers.add(context);
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
    return this.#opened().creation.create(runs);
  }

  /** @param transaction a `pg` client that the host has a transaction open on. The announcement goes with its commit. */
  async createRunsIn(transaction: unknown, runs: readonly NewRun[]): Promise<readonly CreatedRun[]> {
    const client = checkedClient(transaction);
    const { creation, place } = this.#opened();
    return creation.createIn(client, place.channel, runs);
  }

  async getRun(id: string): Promise<JobRun | undefined> {
    return this.#opened().reads.run(id);
  }

  async listRuns(query: RunQuery): Promise<RunPage> {
    const request = runPageRequest(query);
    return this.#opened().reads.page(request);
  }

  async claimRuns(claim: ClaimRequest): Promise<readonly JobRun[]> {
    return this.#opened().claims.takePending(plainCopy(claim));
  }

  async failOverdue(limit: number): Promise<readonly JobRun[]> {
    return this.#opened().claims.failOverdue(limit);
  }

  async nextDueAt(): Promise<Date | undefined> {
    return this.#opened().reads.nextDueAt();
  }

  async missingConnections(available: readonly string[]): Promise<readonly string[]> {
    return this.#opened().reads.missingConnections([...available]);
  }

  async renewLease(id: string, renewal: LeaseRenewal): Promise<LeaseState> {
    const asked = plainCopy(renewal);
    return this.#opened().changes.change<LeaseState>(id, QUICK, (record, now) => {
      if (!record) return { answer: { held: false } };
      const { state, step } = applyRenewal(record, asked, now);
      return { answer: state, ...(step && { step }) };
    });
  }

  async transition(id: string, change: RunTransition, events: readonly RunEventBody[]): Promise<TransitionOutcome> {
    const [asked, bodies] = [plainCopy(change), plainCopy(events)];
    // A delayed attempt's time stands in the event's body as well.
    const kind = { durable: asked.to !== "pending", relative: asked.delayMs === undefined };
    return this.#opened().changes.change<TransitionOutcome>(id, kind, (record, now) => {
      if (!record) return { answer: { moved: false, reason: "unknown_run" } };
      const step = applyTransition(record, asked, bodies, now);
      if (typeof step === "string") return { answer: { moved: false, reason: step, run: record.run } };
      return { answer: { moved: true, run: step.record.run }, step };
    });
  }

  async appendEvents(id: string, epoch: number, events: readonly RunEventBody[]): Promise<boolean> {
    const bodies = plainCopy(events);
    return this.#opened().changes.change(id, QUICK, (record, now) => {
      const step = record && applyEvents(record, epoch, bodies, now);
      return { answer: step !== undefined, ...(step && { step }) };
    });
  }

  async requestCancel(id: string, reason: string | null): Promise<CancelOutcome> {
    return this.#opened().changes.change<CancelOutcome>(id, { durable: true, relative: false }, (record, now) => {
      if (!record) return { answer: "unknown_run" };
      const { outcome, step } = applyCancel(record, reason, now);
      return { answer: outcome, ...(step && { step }) };
    });
  }

  async cancelRequests(owner: string): Promise<readonly PendingCancel[]> {
    return this.#opened().reads.cancelRequests(owner);
  }

  async claimExpired(claim: ClaimRequest): Promise<readonly JobRun[]> {
    return this.#opened().claims.takeOver(plainCopy(claim));
  }

  async readEvents(id: string, { after, limit }: { after: number; limit: number }): Promise<readonly RunEvent[]> {
    return this.#opened().reads.events(id, after, limit);
  }

  async pruneRuns(range: PruneRange): Promise<number> {
    return this.#opened().retention.prune(plainCopy(range));
  }

  #opened(): Ledger {
    if (this.#ledger) return this.#ledger;
    throw notOpen(this.#settings.ledger);
  }

  // Opening and closing wait for each other.
  #inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(step);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

const QUICK = { durable: false, relative: true };
