import { realpathSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import type Sqlite from "better-sqlite3";
import { isJobError, JobError } from "../../../model/job-error.js";
import type { Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import { ActQueue } from "./act-queue.js";
import { retryWhileBusy } from "./busy-retry.js";
import { makeFolder } from "./make-folder.js";
import { ledgerVersion, migrate } from "./migrate.js";
import { MIGRATIONS } from "./migrations.js";
import { OwnerSessions } from "./owner-sessions.js";
import { RunClaims } from "./run-claims.js";
import { RunStorage } from "./run-storage.js";
import { ledgerFailure, notOpen } from "./sqlite-failure.js";
import { prepareStatements, type Statements } from "./statements.js";
import { WalSync } from "./wal-sync.js";

export const IN_MEMORY = ":memory:";

interface LedgerContext {
  readonly clock: Clock;
  readonly logger?: Logger;
}

/** An open ledger file: one connection, its statements, and the two ways in which acts get at them. */
export class Ledger {
  readonly runs: RunStorage;
  readonly claims: RunClaims;
  readonly #queue: ActQueue;

  private constructor(
    private readonly path: string,
    private readonly context: LedgerContext,
    private readonly database: Sqlite.Database,
    readonly statements: Statements,
    /** Undefined for a ledger in memory: its owners die with it. */
    private readonly sessions: OwnerSessions | undefined,
    private readonly wal: WalSync,
  ) {
    const told = new Set<string>();
    this.#queue = new ActQueue(database, statements, context.clock, wal);
    this.runs = new RunStorage(statements, sessions?.id ?? null);
    this.claims = new RunClaims(statements, this.runs, sessions, ({ id, reason }) => {
      if (!told.has(id)) context.logger?.warn("A run is passed over by claims.", { runId: id, reason });
      told.add(id);
    });
  }

  /** Opens or makes the ledger, and leaves alone whatever else it finds at the path. */
  static async open(path: string, context: LedgerContext): Promise<Ledger> {
    const { clock } = context;
    let database: Sqlite.Database | undefined;
    let sessions: OwnerSessions | undefined;
    try {
      const [{ default: Sqlite }, kysely] = await Promise.all([import("better-sqlite3"), import("kysely")]);
      const inMemory = path === IN_MEMORY;
      if (!inMemory) await makeFolder(dirname(path));
      const opened = (database = new Sqlite(path, { timeout: 0 }));
      await retryWhileBusy(clock, () => prepareFile(opened, inMemory, clock.now()));
      const statements = prepareStatements(opened, kysely);
      if (inMemory) return new Ledger(path, context, opened, statements, undefined, new WalSync(undefined));
      // Beside the file itself, as SQLite's own log, however many links lead to it.
      const file = realpathSync(path);
      const begun = (sessions = new OwnerSessions(`${file}.owners`, statements, Sqlite));
      const begin = opened.transaction(() => begun.begin(clock.now()));
      await retryWhileBusy(clock, () => begin.immediate());
      return new Ledger(path, context, opened, statements, begun, new WalSync(await open(`${file}-wal`, "r+")));
    } catch (error) {
      sessions?.release();
      database?.close();
      throw openingFailure(path, error);
    }
  }

  /** Reads one state of the ledger; never waits for a writer. */
  read<T>(act: (now: number) => T): Promise<T> {
    const { begin, commit } = this.statements;
    return this.#told(
      Promise.resolve().then(() =>
        retryWhileBusy(this.context.clock, () => {
          begin.run();
          try {
            return act(this.context.clock.now());
          } finally {
            if (this.database.inTransaction) commit.run();
          }
        }),
      ),
    );
  }

  /**
   * Reads and writes in one transaction, under the ledger's write lock.
   *
   * @param isDurable whether this answer must survive a power cut. Every answer survives the end of the process.
   */
  write<T>(act: (now: number) => T, isDurable: (answer: T) => boolean): Promise<T> {
    return this.#told(this.#queue.write(() => act(this.context.clock.now()), isDurable));
  }

  async close(): Promise<void> {
    try {
      await this.write(
        () => this.sessions?.end(),
        () => false,
      );
    } catch {
      // Its lock is freed below: the next opening sweeps the session away.
    }
    await this.#queue.idle();
    await this.wal.close();
    this.sessions?.release();
    this.database.close();
  }

  async #told<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      // It waited for a lock, and the ledger was closed meanwhile.
      if (!this.database.open) throw notOpen(this.path);
      throw ledgerFailure(this.path, error);
    }
  }
}

function prepareFile(database: Sqlite.Database, inMemory: boolean, now: number): void {
  // Before anything is written: the file may be somebody else's.
  ledgerVersion(database, MIGRATIONS.length);
  const mode = database.pragma("journal_mode = wal", { simple: true });
  if (!inMemory && mode !== "wal") throw new Error("The file system does not offer the locks of SQLite's WAL mode.");
  // The commit that makes a ledger is synced by SQLite, folder included; later ones as `WalSync` says.
  database.pragma("synchronous = full");
  migrate(database, MIGRATIONS, now);
  database.pragma("synchronous = normal");
}

function openingFailure(path: string, error: unknown): unknown {
  const failure = ledgerFailure(path, error);
  if (isJobError(failure)) return failure;
  const hint =
    "See the cause. If it names better_sqlite3.node, its native part was not built: npm rebuild better-sqlite3.";
  return new JobError("store_unavailable", { message: `The ledger ${path} could not be opened.`, hint, cause: error });
}
