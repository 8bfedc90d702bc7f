import type { MysqlPool, PooledMysqlConnection } from "./driver.js";
import { MysqlClient, type ServerThread } from "./mysql-client.js";

/** Where a connection's clients come from. */
export interface ClientSource {
  readonly pool: MysqlPool;
  /** One beside the pool; it connects at its first statement. */
  readonly makeConnection: () => ConstructorParameters<typeof MysqlClient>[0];
}

/** How long an answer is waited for that takes no time: a server that is gone says nothing. */
const ANSWER_MS = 5_000;

/** A client for one owner. */
export class LentClient extends MysqlClient {
  #isReleased = false;

  constructor(private readonly pooled: PooledMysqlConnection) {
    super(pooled);
  }

  /** Gives it back to the pool. Afterwards, and after {@link destroy}, it does nothing. */
  release(): void {
    if (this.#isReleased || this.isEnded) return;
    this.#isReleased = true;
    this.letGo();
    this.pooled.release();
  }
}

/** The clients of one connection, made at the first use. */
export class MysqlClients {
  #source: Promise<ClientSource> | undefined;
  readonly #ending = new Set<Promise<void>>();

  constructor(private readonly load: () => Promise<ClientSource>) {}

  /** A client for one owner, who releases or destroys it. Rejects with the signal's reason when that comes first. */
  async acquire(signal: AbortSignal): Promise<LentClient> {
    signal.throwIfAborted();
    const { pool } = await this.#open();
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      signal.addEventListener("abort", stop, { once: true });
      pool.getConnection((error, connection) => {
        signal.removeEventListener("abort", stop);
        if (!connection) return reject(error ?? new Error("the pool gave no connection"));
        if (signal.aborted) return connection.release();
        resolve(new LentClient(connection));
      });
    });
  }

  /** Lends a client out for statements that may be left in the middle. */
  async use<T>(signal: AbortSignal, work: (client: LentClient) => Promise<T>): Promise<T> {
    const client = await this.acquire(signal);
    const stop = (): void => client.destroy();
    signal.addEventListener("abort", stop, { once: true });
    try {
      const answer = await work(client);
      client.release();
      return answer;
    } catch (error) {
      client.destroy();
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /**
   * Ends the server's part of another connection, whatever it waits for, and with it its transaction; or only the query that
   * it answers. Never rejects.
   */
  async terminate({ id, host, port }: ServerThread, what: "connection" | "query" = "connection"): Promise<void> {
    try {
      const { makeConnection } = await this.#open();
      const client = new MysqlClient(makeConnection());
      try {
        const options = { values: [host, port], timeoutMs: ANSWER_MS };
        const { rows } = await client.ask("select 1 from dual where @@hostname = ? and @@port = ?", options);
        // Elsewhere the number is that of somebody else.
        if (rows.length > 0) await client.ask(`kill ${what} ${id}`, { timeoutMs: ANSWER_MS });
      } finally {
        client.destroy();
      }
    } catch {
      // Gone already, or out of reach: then the server finds out by itself that nobody is there any more.
    }
  }

  /** As {@link terminate}, while whoever asked does something else: {@link close} waits for it. */
  terminateLater(thread: ServerThread): void {
    const ended = this.terminate(thread).finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  async close(): Promise<void> {
    await Promise.all(this.#ending);
    const source = this.#source;
    this.#source = undefined;
    const pool = (await source)?.pool;
    await new Promise<void>((resolve) => (pool ? pool.end(() => resolve()) : resolve()));
  }

  #open(): Promise<ClientSource> {
    this.#source ??= this.load().catch((error: unknown) => {
      this.#source = undefined;
      throw error;
    });
    return this.#source;
  }
}
