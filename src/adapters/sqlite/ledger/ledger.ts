import type * as kyselyModule from "kysely";
import { isJobError } from "../../../model/job-error.js";
import type { RunPageRequest } from "../../../model/run-paging.js";
import type { RunStep } from "../../../model/run-record.js";
import type { CreatedRun, JobRun, NewRun, RunPage } from "../../../model/run.js";
import type { StoreOpeners } from "../../../model/store-openers.js";
import type { StoreContext } from "../../../ports/job-store.js";
import { Definitions } from "../../sql/definitions.js";
import { RowReader } from "../../sql/row-reader.js";
import { ActQueue } from "./act-queue.js";
import { ChangeWatch } from "./change-watch.js";
import { createRuns } from "./create-runs.js";
import { HostTransactions } from "./host-transactions.js";
import type { LedgerConnection } from "./ledger-connection.js";
import type { LedgerStatements } from "./ledger-statements.js";
import { ledgerVersion, type LedgerPlan } from "./migrate.js";
import type { OwnerSessions } from "./owner-sessions.js";
import { RunClaims } from "./run-claims.js";
import { RunGates } from "./run-gates.js";
import { pageOfRuns } from "./run-pages.js";
import { RunStorage } from "./run-storage.js";
import { ledgerFailure, notOpen } from "./sqlite-failure.js";
import type { WalCheckpoints } from "./wal-checkpoints.js";
import type { WalSync } from "./wal-sync.js";

/** What an open ledger is made of. */
export interface LedgerParts {
  /** How errors call it. */
  readonly name: string;
  readonly plan: LedgerPlan;
  readonly connection: LedgerConnection;
  readonly statements: LedgerStatements;
  /** Undefined for a ledger in memory: its owners die with it. */
  readonly file: { readonly path: string; readonly sessions: OwnerSessions } | undefined;
  readonly wal: WalSync;
  /** Undefined where they are not ours to make. */
  readonly checkpoints: WalCheckpoints | undefined;
  readonly kysely: typeof kyselyModule;
}

/** An open ledger: one connection, its statements, and the two ways in which acts get at them. */
export class Ledger {
  readonly #definitions = new Definitions();
  readonly runs: RunStorage;
  readonly claims: RunClaims;
  /** Reads the rows of schedules. */
  readonly reader: RowReader;
  readonly #queue: ActQueue;
  readonly #hosts: HostTransactions;
  readonly #watch: ChangeWatch;
  #dataVersion: number | undefined;
  #schemaVersion: number | undefined;
  /** Whether the transaction under way stores new runs. */
  #submitted = false;

  constructor(
    private readonly parts: LedgerParts,
    private readonly context: StoreContext,
    openers: StoreOpeners<StoreContext>,
  ) {
    const { connection, statements, file, wal, checkpoints, plan, kysely } = parts;
    const { clock, logger } = context;
    const told = new Set<string>();
    const steps: RunStep[] = [];
    const onStep = (step: RunStep): void => void (openers.areSeveral && steps.push(step));
    this.#queue = new ActQueue(connection, statements, wal, {
      begun: () => this.#lookAround(),
      committed: (runs) => {
        checkpoints?.committed(runs);
        for (const step of steps.splice(0)) openers.tellStep(step);
        // Not only when the submitter is answered: a run may start while the disk still works on its row, since what keeps
        // its commit point keeps all that was written before.
        if (this.#submitted) openers.tell({ kind: "pending" });
        this.#submitted = false;
      },
      takenBack: () => this.runs.forget(),
    });
    const session = file?.sessions.id ?? null;
    this.runs = new RunStorage(statements, this.#definitions, session, !connection.isHosts, onStep);
    this.claims = new RunClaims(statements, this.runs, new RunGates(statements), file?.sessions, ({ id, reason }) => {
      if (!told.has(id)) logger?.warn("A run is passed over by claims.", { runId: id, reason });
      told.add(id);
    });
    this.reader = new RowReader(logger);
    this.#hosts = new HostTransactions(connection.database, file?.path, plan.tablePrefix, kysely, this.#definitions);
    this.#watch = new ChangeWatch(connection, statements, clock, (change) => openers.tell(change));
  }

  get statements(): LedgerStatements {
    return this.parts.statements;
  }

  /** Tells of what others do from now on. */
  watch(): void {
    this.#watch.start();
  }

  getRun(id: string): Promise<JobRun | undefined> {
    return this.read(() => this.runs.get(id)?.record.run);
  }

  page(request: RunPageRequest): Promise<RunPage> {
    return this.read(() => pageOfRuns(this.parts.statements, this.runs, request));
  }

  /** Reads one state of the ledger; never waits for a writer. */
  read<T>(act: (now: number) => T): Promise<T> {
    const { connection, statements } = this.parts;
    const once = (): T => {
      statements.begin.run();
      try {
        return act(this.context.clock.now());
      } finally {
        if (connection.database.inTransaction) statements.commit.run();
      }
    };
    return this.#told(Promise.resolve().then(() => connection.whenFree(once)));
  }

  /**
   * Reads and writes in one transaction, under the ledger's write lock.
   *
   * @param isDurable whether this answer must survive a power cut. Every answer survives the end of the process.
   * @param size how many runs it writes, about.
   */
  write<T>(act: (now: number) => T, isDurable: (answer: T) => boolean, size?: number): Promise<T> {
    return this.#told(this.#queue.write(() => act(this.context.clock.now()), isDurable, size));
  }

  createRuns(given: readonly NewRun[]): Promise<readonly CreatedRun[]> {
    const runs = given.map((run) => this.#definitions.newRunCopy(run));
    const create = (now: number): readonly CreatedRun[] => {
      this.#submitted = true;
      return createRuns(this.runs, runs, now);
    };
    return this.write(create, (answers) => answers.some(({ created }) => created), runs.length);
  }

  /** As {@link createRuns}, at once and in the host's transaction. */
  createRunsIn(connection: unknown, given: readonly NewRun[]): readonly CreatedRun[] {
    const runs = given.map((run) => this.#definitions.newRunCopy(run));
    try {
      const created = this.#hosts.create(connection, runs, this.context.clock.now());
      if (connection === this.parts.connection.database) this.#watch.hostWrote();
      return created;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async close(): Promise<void> {
    const { file, wal, checkpoints, connection } = this.parts;
    this.#watch.stop();
    try {
      await this.write(
        () => file?.sessions.end(),
        () => false,
      );
    } catch {
      // Its lock is freed below: the next opening sweeps the session away.
    }
    await this.#queue.idle();
    await wal.close();
    await checkpoints?.close();
    file?.sessions.release();
    connection.close();
  }

  // What was done by others since the last act.
  #lookAround(): void {
    const { plan, statements, connection } = this.parts;
    const dataVersion = statements.dataVersion.get()?.data_version;
    if (dataVersion !== this.#dataVersion) this.runs.forget();
    this.#dataVersion = dataVersion;
    const schemaVersion = statements.schemaVersion.get()?.schema_version;
    if (schemaVersion === this.#schemaVersion) return;
    // A newer library may have migrated the ledger beneath us, so far that we must not write to it any more.
    ledgerVersion(connection.database, plan);
    this.#schemaVersion = schemaVersion;
  }

  async #told<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): unknown {
    const { connection, name } = this.parts;
    const failure = ledgerFailure(name, error);
    // It may have waited for a lock, and the ledger was closed meanwhile: of that the driver says nothing that is known.
    return connection.isOpen || isJobError(failure) ? failure : notOpen(name);
  }
}
