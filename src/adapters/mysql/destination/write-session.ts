import { JobError } from "../../../model/job-error.js";
import { LoadIn } from "../load/load-in.js";
import type { Ask, MysqlAnswer, ServerThread } from "../mysql-client.js";
import type { LentClient, MysqlClients } from "../mysql-clients.js";
import type { MysqlValue } from "../driver.js";
import { numberOf, ServerError } from "./destination-failure.js";

/** A server that is gone, and a network that tells nobody, say nothing: then what became of the commit is asked anew. */
const COMMIT_ANSWER_MS = 30_000;
const ROLLBACK_ANSWER_MS = 5_000;
/** How often a transaction begins again whose first row was taken back. */
const MOST_DEADLOCKS = 10;

/** The longest that every server takes, in seconds: a query may think for long between two of its rows. */
const LONG_SECONDS = 2_147_483;
const NO_END_SECONDS = 31_536_000;

/**
 * What a write needs of a session, whatever the server's own settings: a value that does not fit is a warning, and a
 * warning is seen; 0 is no number to be given anew; times are UTC; rows of others are seen once they are committed.
 */
function settings(lockWaitMs: number): string {
  const seconds = lockWaitSeconds(lockWaitMs);
  return `set session autocommit = 1,
    sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO',
    time_zone = '+00:00', lc_messages = 'en_US', sql_notes = 1, max_error_count = 64,
    character_set_client = utf8mb4, character_set_connection = utf8mb4, character_set_results = utf8mb4,
    foreign_key_checks = 1, unique_checks = 1, sql_safe_updates = 0, sql_select_limit = default,
    innodb_lock_wait_timeout = ${seconds}, lock_wait_timeout = ${seconds},
    wait_timeout = ${LONG_SECONDS}, net_read_timeout = ${LONG_SECONDS}, net_write_timeout = ${LONG_SECONDS}`;
}

/** The server counts in whole seconds, and 0 would not wait at all. */
function lockWaitSeconds(lockWaitMs: number): number {
  return lockWaitMs === 0 ? NO_END_SECONDS : Math.min(NO_END_SECONDS, Math.ceil(lockWaitMs / 1_000));
}

/** One transaction on a connection of its own, which an abort ends at the server, whatever it waits for there. */
export class WriteSession {
  #client: LentClient | undefined;
  #stopping: Promise<void> | undefined;
  #stop: () => void = () => undefined;
  #mostBytes = 0;
  #thread: ServerThread | undefined;
  /** Whether the connection holds something that ends with it alone: a named lock, a temporary table. */
  #isSpent = false;

  /** @param failure names an error of the driver or of the server. */
  constructor(
    private readonly clients: MysqlClients,
    private readonly signal: AbortSignal,
    private readonly lockWaitMs: number,
    private readonly failure: (error: unknown, when: "connecting" | "working") => unknown,
  ) {}

  /** Connects. What is asked then is committed at once, until {@link beginWith}. */
  async open(): Promise<void> {
    const client = await this.#named(() => this.clients.acquire(this.signal), "connecting");
    this.#client = client;
    this.#stop = () => {
      this.#stopping = this.#terminate();
    };
    this.signal.addEventListener("abort", this.#stop, { once: true });
    this.signal.throwIfAborted();
    this.#thread = await this.#named(() => client.thread());
    await this.execute(settings(this.lockWaitMs));
    await this.execute("set session transaction isolation level read committed");
    const [server] = await this.query("select cast(@@max_allowed_packet as char) as packet");
    this.#mostBytes = Number(server?.["packet"]);
  }

  readonly query: Ask = (text, ...values) => this.#named(() => this.#held().rows(text, ...values));

  /** Runs a statement that gives no rows; tells how many it wrote. */
  async execute(text: string, ...values: readonly MysqlValue[]): Promise<number> {
    return (await this.tell(text, ...values)).affectedRows;
  }

  tell(text: string, ...values: readonly MysqlValue[]): Promise<MysqlAnswer> {
    return this.#named(() => this.#held().ask(text, { values }));
  }

  /** Inserts a row; false: one with its key is there. */
  insertNew(text: string, ...values: readonly MysqlValue[]): Promise<boolean> {
    return this.#named(() => this.#inserted(text, values));
  }

  /**
   * Begins the transaction with a row; false: one with its key is there. Where several wait for one key, and its first owner
   * gives it up, the server may take back all of them but one: nothing is lost yet, and they begin again.
   */
  beginWith(text: string, ...values: readonly MysqlValue[]): Promise<boolean> {
    return this.#named(async () => {
      for (let left = MOST_DEADLOCKS; ; left -= 1) {
        await this.#held().ask("start transaction read write");
        try {
          return await this.#inserted(text, values);
        } catch (error) {
          if (numberOf(error) !== ServerError.deadlock || left === 0) throw error;
        }
      }
    });
  }

  async #inserted(text: string, values: readonly MysqlValue[]): Promise<boolean> {
    try {
      await this.#held().ask(text, { values });
      return true;
    } catch (error) {
      if (numberOf(error) === ServerError.duplicate) return false;
      throw error;
    }
  }

  /**
   * Waits for a lock that has only a name, and holds it until {@link unlock}, or until the session ends.
   *
   * @throws JobError `destination_failed` when somebody else holds it for too long.
   */
  async lock(name: string): Promise<void> {
    this.#isSpent = true;
    const seconds = lockWaitSeconds(this.lockWaitMs);
    const [answer] = await this.query("select get_lock(concat('millrace ', md5(?)), ?) as held", name, seconds);
    if (answer?.["held"] === "1") return;
    throw new JobError("destination_failed", {
      message: `Another run has held the lock of ${name} for too long.`,
      hint: "Try again when it is done, or raise lockWaitMs.",
    });
  }

  async unlock(name: string): Promise<void> {
    await this.query("select release_lock(concat('millrace ', md5(?))) as freed", name);
  }

  /** Makes a table that ends with the session. */
  async makeTemporary(text: string): Promise<void> {
    this.#isSpent = true;
    await this.execute(`create temporary table ${text}`);
  }

  /** Begins to load rows: what the load then does is to be done within {@link during}. */
  load(text: string): LoadIn {
    return new LoadIn(this.#held(), text, this.#mostBytes);
  }

  during<T>(act: () => Promise<T>): Promise<T> {
    return this.#named(act);
  }

  /** From here on the signal stops nothing. */
  pastStopping(): void {
    this.signal.removeEventListener("abort", this.#stop);
  }

  /** When it rejects, nobody knows what became of the transaction. */
  async commit(): Promise<void> {
    try {
      await this.#named(() => this.#held().ask("commit", { timeoutMs: COMMIT_ANSWER_MS }));
      this.#release();
    } catch (error) {
      this.#destroy();
      throw error;
    }
  }

  /** Undoes what is not committed. Its locks are free when this resolves, unless the server has much to undo. */
  async abandon(): Promise<void> {
    this.pastStopping();
    if (this.#stopping) return this.#stopping;
    const client = this.#client;
    if (!client) return;
    try {
      // A load that waits for rows would take their absence for their end, and a rollback its turn behind it.
      if (client.isBusy) await this.#terminate();
      else await client.ask("rollback", { timeoutMs: ROLLBACK_ANSWER_MS });
    } catch {
      // A connection that is lost is a transaction that is undone.
    }
    this.#destroy();
  }

  #held(): LentClient {
    if (this.#client) return this.#client;
    throw new TypeError("the session has ended");
  }

  #release(): void {
    if (this.#isSpent) return this.#destroy();
    this.#client?.release();
    this.#client = undefined;
  }

  async #terminate(): Promise<void> {
    if (this.#thread) await this.clients.terminate(this.#thread);
    this.#destroy();
  }

  #destroy(): void {
    this.#client?.destroy();
    this.#client = undefined;
  }

  async #named<T>(act: () => Promise<T>, when: "connecting" | "working" = "working"): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (this.#stopping) await this.#stopping;
      if (this.#stopping || error === this.signal.reason) throw this.signal.reason;
      throw this.failure(error, when);
    }
  }
}
