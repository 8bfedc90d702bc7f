import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type Sqlite from "better-sqlite3";
import { isBusy } from "./sqlite-failure.js";
import type { ClaimStatements } from "./claim-statements.js";

/**
 * Tells the living owners of leases from the dead. Each opening of a ledger is a session: a row with a number that is
 * never given twice, and a file `<number>.lock` on which the process holds a lock that the system frees when it dies,
 * however it dies. A process that is merely stopped keeps its lock, so its leases end by time alone.
 *
 * The locks are SQLite's own, which also tell two sessions of one process apart. Every method is called within a write
 * transaction of the ledger: nobody meets a half-made session.
 */
export class OwnerSessions {
  #lock: Sqlite.Database | undefined;
  #id = 0;

  constructor(
    private readonly folder: string,
    private readonly statements: ClaimStatements,
    private readonly driver: typeof Sqlite,
  ) {}

  /** The number of this session. */
  get id(): number {
    return this.#id;
  }

  /** Sweeps away what sessions left behind that are over, and begins one. */
  begin(now: number): void {
    if (!existsSync(this.folder)) mkdirSync(this.folder);
    for (const file of readdirSync(this.folder)) this.#sweep(file);
    // A number is taken when the ledger was deleted and made anew under a process that still uses the old one.
    do this.#id = Number(this.statements.insertSession.run({ openedAt: now }).lastInsertRowid);
    while (!(this.#lock = this.#lockOn(this.#id)));
  }

  /** Whether nobody can be working under this session's leases any more. False when that cannot be known. */
  isOver(id: number): boolean {
    if (id === this.#id) return false;
    if (!this.statements.session.get({ id })) return true;
    const lock = this.#lockOfOther(id);
    lock?.close();
    return lock !== undefined;
  }

  end(): void {
    this.statements.deleteSession.run({ id: this.#id });
    this.release();
    rmSync(this.#fileOf(this.#id), { force: true });
    try {
      rmdirSync(this.folder);
    } catch {
      // Other sessions have files there.
    }
  }

  /** Frees the lock, and nothing else: what the system does for a process that dies. */
  release(): void {
    this.#lock?.close();
    this.#lock = undefined;
  }

  #sweep(file: string): void {
    const id = Number(/^(\d+)\.lock$/.exec(file)?.[1]);
    const lock = Number.isSafeInteger(id) ? this.#lockOfOther(id) : undefined;
    if (!lock) return;
    lock.close();
    this.statements.deleteSession.run({ id });
    rmSync(this.#fileOf(id), { force: true });
  }

  // The lock of a session that began before; undefined when somebody holds it, or when there is no such file.
  #lockOfOther(id: number): Sqlite.Database | undefined {
    return existsSync(this.#fileOf(id)) ? this.#lockOn(id) : undefined;
  }

  // Undefined when somebody else holds the lock.
  #lockOn(id: number): Sqlite.Database | undefined {
    let lock: Sqlite.Database | undefined;
    try {
      lock = new this.driver(this.#fileOf(id), { timeout: 0 });
      // Without this SQLite would put a journal beside the file.
      lock.pragma("journal_mode = memory");
      lock.exec("begin exclusive");
      return lock;
    } catch (error) {
      lock?.close();
      if (isBusy(error)) return undefined;
      throw error;
    }
  }

  #fileOf(id: number): string {
    return join(this.folder, `${id}.lock`);
  }
}
