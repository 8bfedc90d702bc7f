import type { LedgerConnection } from "./ledger-connection.js";
import type { LedgerStatements } from "./ledger-statements.js";
import type { WalSync } from "./wal-sync.js";

/** How many runs one transaction writes, or one act more: it takes a few milliseconds of the event loop. */
const LARGEST_GROUP = 64;

interface Act {
  /** How many runs it writes, about. */
  readonly size: number;
  /** Writes; what it returns is told once that is committed. May be carried out again after it was taken back. */
  readonly write: () => Answer;
  readonly reject: (error: unknown) => void;
}

interface Answer {
  readonly durable: boolean;
  readonly tell: () => void;
  readonly reject: (error: unknown) => void;
}

/** What must happen around the acts of a transaction, which holds the ledger's write lock. */
export interface ActSurroundings {
  readonly begun: () => void;
  /** @param runs how many runs were written, about. */
  readonly committed: (runs: number) => void;
  /** All or some of what was done since `begun` was taken back. */
  readonly takenBack: () => void;
}

/**
 * Carries out the acts that write, in the order in which they were asked for. Those asked for in one turn of the event
 * loop share a transaction: one commit serves them all. When one of them fails all are taken back and carried out once
 * more, now each behind a savepoint of its own, so that it takes back only itself. An act is answered when its transaction
 * is committed; a durable one when that is on the disk.
 */
export class ActQueue {
  #acts: Act[] = [];
  #working: Promise<void> | undefined;

  constructor(
    private readonly connection: LedgerConnection,
    private readonly statements: LedgerStatements,
    private readonly wal: WalSync,
    private readonly surroundings: ActSurroundings,
  ) {}

  /** @param isDurable whether this answer must survive a power cut, not only the end of the process. */
  write<T>(act: () => T, isDurable: (answer: T) => boolean, size = 1): Promise<T> {
    return new Promise((resolve, reject) => {
      const write = (): Answer => {
        const answer = act();
        return { durable: isDurable(answer), tell: () => resolve(answer), reject };
      };
      this.#acts.push({ size, write, reject });
      this.#working ??= this.#work();
    });
  }

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    while (this.#working) await this.#working;
  }

  async #work(): Promise<void> {
    while (this.#acts.length > 0) {
      await nextTurn();
      const group = this.#acts.splice(0, this.#groupLength());
      try {
        this.#tell(await this.connection.whenFree(() => this.#commit(group)));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#working = undefined;
  }

  #groupLength(): number {
    let left = LARGEST_GROUP;
    const last = this.#acts.findIndex(({ size }) => (left -= size) <= 0);
    return last === -1 ? this.#acts.length : last + 1;
  }

  #commit(group: readonly Act[], apart = false): readonly Answer[] {
    const { beginImmediate, commit, rollback } = this.statements;
    beginImmediate.run();
    let answers: readonly Answer[] | undefined;
    try {
      this.surroundings.begun();
      answers = group.map((act) => (apart ? this.#behindSavepoint(act) : act.write()));
      commit.run();
    } catch (error) {
      this.surroundings.takenBack();
      // Some errors, a full disk among them, have rolled back by themselves.
      if (this.connection.database.inTransaction) rollback.run();
      if (apart || answers) throw error;
      return this.#commit(group, true);
    }
    this.surroundings.committed(group.reduce((runs, { size }) => runs + size, 0));
    return answers;
  }

  #behindSavepoint({ write, reject }: Act): Answer {
    const { savepoint, release, rollbackToSavepoint } = this.statements;
    savepoint.run();
    try {
      const answer = write();
      release.run();
      return answer;
    } catch (error) {
      this.surroundings.takenBack();
      if (!this.connection.database.inTransaction) throw error;
      rollbackToSavepoint.run();
      release.run();
      return { durable: false, tell: () => reject(error), reject };
    }
  }

  #tell(answers: readonly Answer[]): void {
    const durable = answers.filter((answer) => answer.durable);
    for (const answer of answers) if (!answer.durable) answer.tell();
    if (durable.length === 0) return;
    this.wal.sync().then(
      () => durable.forEach(({ tell }) => tell()),
      (error: unknown) => durable.forEach(({ reject }) => reject(error)),
    );
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
