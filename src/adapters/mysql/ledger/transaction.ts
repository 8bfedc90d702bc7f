import type { Ask, LedgerClient } from "./ledger-client.js";
import type { Statement } from "./statement.js";

/**
 * A transaction under way on a connection of its own. What is asked of it is done in order, each thing when the one before
 * is done: the server would go on behind a statement that failed.
 */
export class Transaction {
  #last: Promise<unknown> = Promise.resolve();
  #committing = false;
  #holds = false;

  constructor(private readonly client: LedgerClient) {}

  /** Whether the commit was sent: from then on nobody knows, until it is answered, whether it happened. */
  get isCommitting(): boolean {
    return this.#committing;
  }

  /** Whether there is anything to commit, or to let others have again. */
  get holds(): boolean {
    return this.#holds;
  }

  /** Does something of a few statements; nothing else comes between them. */
  do<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done;
    // Whoever awaits it, or the commit, hears of the failure.
    done.catch(() => undefined);
    return done;
  }

  readonly ask: Ask = <Given extends object, Row>(statement: Statement<Given, Row>, given: Given) => {
    this.#holds ||= statement.holds;
    return this.client.ask(statement, given);
  };

  /** A statement without values, that writes nothing. */
  readonly say = (text: string): Promise<unknown> => this.client.say(text);

  /** Runs `work` so that, when it fails, all else that was done still counts. What it asks for it must await. */
  async apart<T>(work: () => Promise<T>): Promise<T> {
    await this.do(() => this.client.say("savepoint millrace_act"));
    try {
      return await work();
    } catch (error) {
      this.#last = Promise.resolve();
      void this.do(() => this.client.say("rollback to savepoint millrace_act"));
      throw error;
    }
  }

  /** Resolves when everything is done that was asked for. */
  async done(): Promise<void> {
    await this.#last;
  }

  async commit(): Promise<void> {
    await this.#last;
    this.#committing = true;
    await this.client.say("commit");
  }
}
