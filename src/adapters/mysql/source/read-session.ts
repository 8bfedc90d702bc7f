import type { MysqlValue } from "../driver.js";
import type { Ask, ServerThread } from "../mysql-client.js";
import type { LentClient, MysqlClients } from "../mysql-clients.js";
import { numberOf } from "../destination/destination-failure.js";
import { readFailure } from "./read-failure.js";
import type { MysqlReadOptions } from "./read-options.js";
import { type RowTaker, takeRows } from "./row-packets.js";

/** What every source of a connection works with. */
export interface SourceServices {
  readonly clients: MysqlClients;
  readonly secrets: readonly string[];
  readonly reading: MysqlReadOptions;
}

const ROLLBACK_ANSWER_MS = 5_000;
/** The longest that every server takes, in seconds: a reader may think for long between two of its batches. */
const LONG_SECONDS = 2_147_483;

/** What reading needs of a session, whatever the server's own settings. */
const SETTINGS = `set session autocommit = 1, sql_mode = '', time_zone = '+00:00',
  character_set_client = utf8mb4, character_set_connection = utf8mb4, character_set_results = utf8mb4,
  sql_select_limit = default, sql_notes = 0, wait_timeout = ${LONG_SECONDS}, net_write_timeout = ${LONG_SECONDS}`;

/** No such table, no such database, no right to any of its columns. */
const NOT_THERE: ReadonlySet<unknown> = new Set([1146, 1049, 1142]);

/**
 * One transaction that sees one moment of the server, that of the first row that it reads, on a connection of its own. An
 * abort ends it at the server too.
 */
export class ReadSession {
  #isBroken = false;
  /** The server's number of the connection. */
  #thread: ServerThread | undefined;

  private constructor(
    private readonly services: SourceServices,
    readonly signal: AbortSignal,
    private readonly client: LentClient,
  ) {}

  static async open(services: SourceServices, signal: AbortSignal): Promise<ReadSession> {
    const { clients, secrets } = services;
    let session: ReadSession | undefined;
    try {
      const opened = (session = new ReadSession(services, signal, await clients.acquire(signal)));
      signal.addEventListener("abort", opened.#onAbort, { once: true });
      signal.throwIfAborted();
      await opened.client.ask(SETTINGS);
      await opened.client.ask("set session transaction isolation level repeatable read");
      opened.#thread = await opened.client.thread();
      await opened.client.ask("start transaction read only");
      return opened;
    } catch (error) {
      session?.end();
      throw signal.aborted ? signal.reason : readFailure(error, "connection_unavailable", secrets);
    }
  }

  readonly query: Ask = (text, ...values) => this.#named(() => this.client.rows(text, ...values));

  /** Whether the server has been told to end it, or has. */
  get isBroken(): boolean {
    return this.#isBroken || this.client.isEnded;
  }

  /** Gives the number of the server's warnings. */
  takeRows(text: string, values: readonly MysqlValue[], taker: RowTaker): Promise<number> {
    return this.#named(() =>
      this.client.during(async (connection) => {
        try {
          return await takeRows(connection, text, values, taker);
        } finally {
          if (!this.isBroken) connection.unprepare(text);
        }
      }),
    );
  }

  /**
   * Waits for those who change a table, or the tables of a view, and lets nobody do so until the transaction ends. Reads no
   * row. What is not there is told when it is read.
   *
   * @param name quoted, as SQL text.
   */
  keep(name: string): Promise<void> {
    return this.#named(async () => {
      try {
        await this.client.ask(`select 1 from ${name} limit 0`);
      } catch (error) {
        if (!NOT_THERE.has(numberOf(error))) throw error;
      }
    });
  }

  /** Lets the server wait with what it has not sent yet. */
  hold(): void {
    void this.client.during(async (connection) => connection.stream?.pause()).catch(() => undefined);
  }

  goOn(): void {
    void this.client.during(async (connection) => connection.stream?.resume()).catch(() => undefined);
  }

  /** Ends the query that is being answered, and leaves the transaction: its answer then ends with an error, or by itself. */
  async endQuery(answered: Promise<unknown>): Promise<void> {
    this.goOn();
    if (this.#thread) await this.services.clients.terminate(this.#thread, "query");
    await answered.catch(() => undefined);
    // One that came too late for the query is for the next one.
    await this.client.ask("do 0").catch(() => undefined);
  }

  /** May be called twice. */
  async close(): Promise<void> {
    this.signal.removeEventListener("abort", this.#onAbort);
    if (this.isBroken || this.client.isBusy) return this.end();
    try {
      await this.client.ask("rollback", { timeoutMs: ROLLBACK_ANSWER_MS });
      this.client.release();
      this.#isBroken = true;
    } catch {
      // A connection that is lost is a transaction that is undone.
      this.end();
    }
  }

  /** At once, here and at the server, which would otherwise go on until it notices that nobody is there any more. */
  end(): void {
    this.signal.removeEventListener("abort", this.#onAbort);
    if (this.#isBroken) return;
    this.#isBroken = true;
    if (this.client.isBusy && this.#thread) this.services.clients.terminateLater(this.#thread);
    this.client.destroy();
  }

  readonly #onAbort = (): void => this.end();

  async #named<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw this.signal.aborted ? this.signal.reason : readFailure(error, "query_failed", this.services.secrets);
    }
  }
}
