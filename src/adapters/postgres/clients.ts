import type { ListeningClient, PooledPostgresClient, PostgresPool } from "./driver.js";

/** Where a connection's clients come from. */
export interface ClientSource {
  readonly pool: PostgresPool;
  /** One beside the pool, not connected yet. */
  readonly makeClient: () => Pick<ListeningClient, "connect" | "query" | "end" | "on">;
  /** Frees what was made for the pool. */
  readonly end: () => Promise<void>;
}

/** How long an answer is waited for that takes no time: a server that is gone says nothing. */
const ANSWER_MS = 5_000;

/** The clients of one connection, made at the first use. */
export class PostgresClients {
  #source: Promise<ClientSource> | undefined;
  readonly #terminating = new Set<Promise<void>>();

  constructor(private readonly load: () => Promise<ClientSource>) {}

  /** A client for one owner, who gives it back by {@link release}. Rejects with the signal's reason when that comes first. */
  async acquire(signal: AbortSignal): Promise<PooledPostgresClient> {
    signal.throwIfAborted();
    const { pool } = await this.#open();
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      signal.addEventListener("abort", stop, { once: true });
      pool.connect((error, client) => {
        signal.removeEventListener("abort", stop);
        if (!client) return reject(error ?? new Error("the pool gave no connection"));
        if (signal.aborted) return client.release();
        // A pool listens only while a client is idle; a connection that breaks unheard would end the process.
        client.on("error", ignore);
        resolve(client);
      });
    });
  }

  /** Lends a client out for statements that may be left in the middle. */
  async use<T>(signal: AbortSignal, work: (client: PooledPostgresClient) => Promise<T>): Promise<T> {
    const client = await this.acquire(signal);
    let released = false;
    const end = (destroy: boolean): void => {
      if (!released) release(client, destroy);
      released = true;
    };
    const stop = (): void => end(true);
    signal.addEventListener("abort", stop, { once: true });
    try {
      const answer = await work(client);
      end(false);
      return answer;
    } catch (error) {
      end(true);
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /**
   * Ends the server's part of another connection, whatever it waits for, and with it its transaction. Never rejects; who
   * does not wait for it leaves that to {@link close}.
   */
  async terminate(processId: unknown): Promise<void> {
    const ended = this.#terminate(processId);
    this.#terminating.add(ended);
    await ended;
    this.#terminating.delete(ended);
  }

  async close(): Promise<void> {
    await Promise.all(this.#terminating);
    const source = this.#source;
    this.#source = undefined;
    await (await source)?.end();
  }

  async #terminate(processId: unknown): Promise<void> {
    try {
      const { makeClient } = await this.#open();
      const client = makeClient();
      client.on("error", ignore);
      try {
        await client.connect();
        const text = `select pg_terminate_backend($1, ${ANSWER_MS})`;
        await client.query({ text, values: [processId], query_timeout: 2 * ANSWER_MS });
      } finally {
        await client.end();
      }
    } catch {
      // Out of reach: the server finds out by itself that nobody is there any more.
    }
  }

  #open(): Promise<ClientSource> {
    this.#source ??= this.load().catch((error: unknown) => {
      this.#source = undefined;
      throw error;
    });
    return this.#source;
  }
}

/** @param destroy true: the connection is closed instead of being used again. */
export function release(client: PooledPostgresClient, destroy = false): void {
  if (!destroy) client.removeListener("error", ignore);
  client.release(destroy);
}

// Whoever asked for something is told by its own rejection.
function ignore(): undefined {
  return undefined;
}
