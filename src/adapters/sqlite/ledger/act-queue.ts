import type { Database } from "better-sqlite3";
import type { Clock } from "../../../ports/clock.js";
import { retryWhileBusy } from "./busy-retry.js";
import type { Statements } from "./statements.js";
import type { WalSync } from "./wal-sync.js";

/** How many acts one transaction holds: a full one takes about two milliseconds of the event loop. */
const LARGEST_GROUP = 64;

interface Act {
  /** Writes; what it returns is told once that is committed. */
  readonly write: () => Answer;
  readonly reject: (error: unknown) => void;
}

interface Answer {
  readonly durable: boolean;
  readonly tell: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Carries out the acts that write, in the order in which they were asked for. Those asked for in one turn of the event
 * loop share a transaction, each behind a savepoint of its own: one commit serves them all, and one that fails takes back
 * only itself. An act is answered when its transaction is committed; a durable one when that is on the disk.
 */
export class ActQueue {
  #acts: Act[] = [];
  #working: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly statements: Statements,
    private readonly clock: Clock,
    private readonly wal: WalSync,
  ) {}

  /** @param isDurable whether this answer must survive a power cut, not only the end of the process. */
  write<T>(act: () => T, isDurable: (answer: T) => boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      const write = (): Answer => {
        const answer = act();
        return { durable: isDurable(answer), tell: () => resolve(answer), reject };
      };
      this.#acts.push({ write, reject });
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
      const group = this.#acts.splice(0, LARGEST_GROUP);
      try {
        this.#tell(await retryWhileBusy(this.clock, () => this.#commit(group)));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#working = undefined;
  }

  #commit(group: readonly Act[]): readonly Answer[] {
    const { beginImmediate, commit, rollback } = this.statements;
    beginImmediate.run();
    try {
      const answers = group.map((act) => (group.length === 1 ? act.write() : this.#behindSavepoint(act)));
      commit.run();
      return answers;
    } catch (error) {
      // Some errors, a full disk among them, have rolled back by themselves.
      if (this.database.inTransaction) rollback.run();
      throw error;
    }
  }

  #behindSavepoint({ write, reject }: Act): Answer {
    const { savepoint, release, rollbackToSavepoint } = this.statements;
    savepoint.run();
    try {
      const answer = write();
      release.run();
      return answer;
    } catch (error) {
      if (!this.database.inTransaction) throw error;
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
