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
  PendingCancel,
  RunTransition,
  TransitionOutcome,
} from "../../model/run-change.js";
import type { RunEvent, RunEventBody } from "../../model/run-event.js";
import { runCopy } from "../../model/run-copy.js";
import { runPageRequest } from "../../model/run-paging.js";
import { isTerminal, RUN_STATUSES } from "../../model/run-status.js";
import { StoreOpeners } from "../../model/store-openers.js";
import type { CancelOutcome, CreatedRun, JobRun, NewRun, RunPage, RunQuery } from "../../model/run.js";
import type { JobStore, PruneRange, StoreCapabilities, StoreContext } from "../../ports/job-store.js";
import type { ScheduleStore } from "../../ports/schedule-store.js";
import { ledgerTables } from "../sql/ledger-schema.js";
import { migrationScript } from "../sql/ledger-version.js";
import { isDatabase } from "./ledger/host-transactions.js";
import type { Ledger } from "./ledger/ledger.js";
import type { LedgerPlan } from "./ledger/migrate.js";
import { IN_MEMORY, openLedger } from "./ledger/open-ledger.js";
import { notOpen } from "./ledger/sqlite-failure.js";
import { SqliteScheduleStore } from "./ledger/sqlite-schedule-store.js";
import { SQLITE_DIALECT, sqliteMigrations } from "./ledger/sqlite-migrations.js";

export type SqliteJobStoreOptions = SqliteLedgerOptions & (SqliteLedgerFile | SqliteLedgerConnection);

export interface SqliteLedgerOptions {
  /** What the names of the ledger's tables begin with: lower-case letters, digits and `_`. Default `millrace_`. */
  readonly tablePrefix?: string;
  /**
   * `check`: refuse a ledger that is not there or of an older version with `store_incompatible`; somebody else runs
   * {@link SqliteJobStore.migrationScript}. Default `run`: make it and bring it up at opening.
   */
  readonly migrate?: "run" | "check";
}

export interface SqliteLedgerFile {
  /** The ledger's file, made with its folders when it is not there; or `:memory:`, which lives as long as it is open. */
  readonly path: string;
  /** Make a ledger also in a file that holds other tables and none yet. Default false: such a file is refused. */
  readonly besideOtherTables?: boolean;
}

export interface SqliteLedgerConnection {
  /**
   * A connection of better-sqlite3 that the host opened, and closes after the store. The ledger's tables stand beside
   * those of the host; its journal mode and its durability are those of the connection.
   */
  readonly database: SqliteDatabase;
}

/** A `Database` of better-sqlite3. */
export interface SqliteDatabase {
  readonly name: string;
  readonly memory: boolean;
  readonly open: boolean;
  readonly inTransaction: boolean;
  prepare(source: string): object;
  exec(source: string): unknown;
  pragma(source: string): unknown;
}

/**
 * A ledger in a SQLite file on a local disk; processes of one machine may share it. Every answer survives the end of the
 * process. A submission, a wish to cancel, the point of no return and the end of a run survive a power cut as well; other
 * steps may then be lost, newest first. A run whose owner was killed is free at once, not when its lease ends.
 *
 * While the host has a transaction open on the connection that it lent, calls wait for its end, and never become part of it.
 */
export class SqliteJobStore implements JobStore {
  readonly #place: Parameters<typeof openLedger>[0];
  readonly #plan: LedgerPlan;
  readonly #openers = new StoreOpeners<StoreContext>();
  readonly schedules: ScheduleStore = new SqliteScheduleStore(() => this.#opened());
  #ledger: Ledger | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: SqliteJobStoreOptions) {
    const { tablePrefix = "millrace_", migrate = "run" } = options;
    if (!/^[a-z_][a-z0-9_]{0,40}$/.test(tablePrefix) || tablePrefix.startsWith("sqlite_")) {
      const hint = "Use lower-case letters, digits and underscores, such as myapp_jobs_.";
      throw invalid("tablePrefix", `${JSON.stringify(tablePrefix)} cannot begin the name of a table.`, hint);
    }
    this.#place = placeOf(options);
    const tables = ledgerTables(tablePrefix);
    const besideOtherTables = "database" in options || options.besideOtherTables === true;
    this.#plan = { tablePrefix, tables, migrations: sqliteMigrations(tablePrefix, tables), migrate, besideOtherTables };
  }

  get capabilities(): StoreCapabilities {
    const place = this.#place;
    const path = typeof place === "string" ? place : place.memory ? IN_MEMORY : resolve(place.name);
    if (path === IN_MEMORY) return { shared: false, durable: false };
    return { shared: true, durable: true, resource: `file:${realPath(path)}` };
  }

  get isOpen(): boolean {
    return this.#ledger !== undefined;
  }

  /** The statements that bring a ledger up to this library's version, to be run by hand. @param from its version; default 0, none. */
  migrationScript({ from = 0 }: { readonly from?: number } = {}): string {
    const { tables, migrations } = this.#plan;
    return migrationScript(SQLITE_DIALECT, tables, migrations, from, "unixepoch() * 1000");
  }

  open(context: StoreContext): Promise<void> {
    return this.#inTurn(async () => {
      this.#ledger ??= await openLedger(this.#place, this.#plan, context, this.#openers);
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
    return this.#opened().createRuns(runs);
  }

  createRunsIn(transaction: unknown, runs: readonly NewRun[]): readonly CreatedRun[] {
    return this.#opened().createRunsIn(transaction, runs);
  }

  async getRun(id: string): Promise<JobRun | undefined> {
    return this.#opened().getRun(id);
  }

  async listRuns(query: RunQuery): Promise<RunPage> {
    const request = runPageRequest(query);
    return this.#opened().page(request);
  }

  async claimRuns(claim: ClaimRequest): Promise<readonly JobRun[]> {
    const asked = plainCopy(claim);
    const ledger = this.#opened();
    for (;;) {
      const { runs, later } = await ledger.write(
        (now) => ledger.claims.takePending(asked, now),
        (claimed) => claimed.runs.some(({ status }) => isTerminal(status)),
        asked.limit,
      );
      if (runs.length > 0 || !later) return runs.map(runCopy);
    }
  }

  async failOverdue(limit: number): Promise<readonly JobRun[]> {
    const ledger = this.#opened();
    const fail = (now: number): readonly JobRun[] => ledger.claims.failOverdue(limit, now);
    return ledger.write(fail, (failed) => failed.length > 0, limit);
  }

  async nextDueAt(): Promise<Date | undefined> {
    const ledger = this.#opened();
    return ledger.read((now) => ledger.claims.nextDueAt(now));
  }

  async missingConnections(available: readonly string[]): Promise<readonly string[]> {
    const given = [...available];
    const ledger = this.#opened();
    return ledger.read((now) => ledger.claims.missingConnections(given, now));
  }

  async renewLease(id: string, renewal: LeaseRenewal): Promise<LeaseState> {
    const asked = plainCopy(renewal);
    const ledger = this.#opened();
    return ledger.write((now) => {
      const run = ledger.runs.toWrite(id);
      if (!run) return { held: false };
      const { state, step } = applyRenewal(run.record, asked, now);
      if (step) ledger.claims.write(run, step, now);
      return plainCopy(state);
    }, notDurable);
  }

  async transition(id: string, change: RunTransition, events: readonly RunEventBody[]): Promise<TransitionOutcome> {
    const [asked, bodies] = [plainCopy(change), plainCopy(events)];
    const ledger = this.#opened();
    const move = (now: number): TransitionOutcome => {
      const run = ledger.runs.toWrite(id);
      if (!run) return { moved: false, reason: "unknown_run" };
      const next = applyTransition(run.record, asked, bodies, now);
      if (typeof next === "string") return { moved: false, reason: next, run: runCopy(run.record.run) };
      return { moved: true, run: runCopy(ledger.claims.write(run, next, now)) };
    };
    return ledger.write(move, ({ moved }) => moved && asked.to !== "pending");
  }

  async appendEvents(id: string, epoch: number, events: readonly RunEventBody[]): Promise<boolean> {
    const bodies = plainCopy(events);
    const ledger = this.#opened();
    return ledger.write((now) => {
      const run = ledger.runs.toWrite(id);
      const step = run && applyEvents(run.record, epoch, bodies, now);
      if (run && step) ledger.claims.write(run, step, now);
      return step !== undefined;
    }, notDurable);
  }

  async requestCancel(id: string, reason: string | null): Promise<CancelOutcome> {
    const ledger = this.#opened();
    const cancel = (now: number): CancelOutcome => {
      const run = ledger.runs.toWrite(id);
      if (!run) return "unknown_run";
      const { outcome, step } = applyCancel(run.record, reason, now);
      if (step) ledger.claims.write(run, step, now);
      return outcome;
    };
    return ledger.write(cancel, (outcome) => outcome === "cancelled" || outcome === "requested");
  }

  async cancelRequests(owner: string): Promise<readonly PendingCancel[]> {
    const ledger = this.#opened();
    return ledger.read(() => ledger.claims.cancelRequests(owner));
  }

  async claimExpired(claim: ClaimRequest): Promise<readonly JobRun[]> {
    const asked = plainCopy(claim);
    const ledger = this.#opened();
    const taken = await ledger.write((now) => ledger.claims.takeOver(asked, now), notDurable, asked.limit);
    return taken.map(runCopy);
  }

  async readEvents(id: string, { after, limit }: { after: number; limit: number }): Promise<readonly RunEvent[]> {
    const ledger = this.#opened();
    return ledger.read(() => ledger.runs.events(id, after, limit));
  }

  async pruneRuns({ olderThanMs, limit, statuses = RUN_STATUSES }: PruneRange): Promise<number> {
    const ended = [...new Set(statuses)].filter(isTerminal);
    const ledger = this.#opened();
    return ledger.write((now) => ledger.runs.prune(ended, now - olderThanMs, limit), notDurable, limit);
  }

  #opened(): Ledger {
    if (this.#ledger) return this.#ledger;
    throw notOpen(typeof this.#place === "string" ? this.#place : this.#place.name);
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

function placeOf(options: SqliteJobStoreOptions): Parameters<typeof openLedger>[0] {
  if ("database" in options) {
    const { database } = options;
    if (isDatabase(database)) return database;
    throw invalid("database", "The database is no connection of better-sqlite3.", "Give what new Database(path) made.");
  }
  const { path } = options;
  if (path.trim() !== path || path === "") {
    throw invalid(
      "path",
      `${JSON.stringify(path)} is not a path for a ledger.`,
      "Give the path of a file, or :memory:.",
    );
  }
  return path === IN_MEMORY ? path : resolve(path);
}

function invalid(field: string, message: string, hint: string): JobError {
  return new JobError("invalid_definition", { field, message, hint });
}

// Also of a file that is not there yet.
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return dirname(path) === path ? path : join(realPath(dirname(path)), basename(path));
  }
}
