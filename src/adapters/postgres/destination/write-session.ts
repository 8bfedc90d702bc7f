import { JobError } from "../../../model/job-error.js";
import { type PostgresClients, release } from "../clients.js";
import { CopyIn } from "../copy/copy-in.js";
import type { PooledPostgresClient } from "../driver.js";
import { type Ask, asking } from "../statement-answer.js";

/** A server that is gone, and a network that tells nobody, say nothing: then what became of the commit is asked anew. */
const COMMIT_ANSWER_MS = 30_000;
const ROLLBACK_ANSWER_MS = 5_000;

/**
 * What a transaction does with the session: a server that finds its client gone ends at once and not after the statement;
 * a commit that was answered survives a crash; a row that policies would hide is an error; times are UTC.
 * Where the system cannot tell that a client is gone, the first of them is refused.
 */
function beginning(lockWaitMs: number): string {
  return `begin isolation level read committed;
    set local lock_timeout = ${lockWaitMs};
    set local timezone = 'UTC';
    set local row_security = off;
    select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') = 'off';
    do $do$ begin
      perform set_config('client_connection_check_interval', '200', true);
    exception when others then null; end $do$`;
}

/** One transaction on a client of its own, which an abort ends at the server, whatever it waits for there. */
export class WriteSession {
  #client: PooledPostgresClient | undefined;
  #copy: CopyIn | undefined;
  #stopping: Promise<void> | undefined;
  #stop: () => void = () => undefined;

  /** @param failure names an error of the driver or of the server. */
  constructor(
    private readonly clients: PostgresClients,
    private readonly signal: AbortSignal,
    private readonly lockWaitMs: number,
    private readonly failure: (error: unknown, when: "connecting" | "working") => unknown,
  ) {}

  async begin(): Promise<void> {
    const client = await this.#named(() => this.clients.acquire(this.signal), "connecting");
    this.#client = client;
    if ("pipeline" in client && client.pipeline === true) throw pipelined();
    await this.#named(() => client.query({ text: beginning(this.lockWaitMs) }));
    const [own] = await this.query("select pg_backend_pid() as pid");
    this.#stop = () => {
      this.#stopping = this.clients.terminate(own?.["pid"]).finally(() => this.#release(true));
    };
    this.signal.addEventListener("abort", this.#stop, { once: true });
    this.signal.throwIfAborted();
  }

  readonly query: Ask = (text, ...values) => this.#named(() => asking(this.#held())(text, ...values));

  /** Runs a statement that gives no rows; tells how many it wrote. */
  async execute(text: string, ...values: readonly unknown[]): Promise<number> {
    const { rowCount } = await this.#named(() => this.#held().query({ text, values: [...values] }));
    return rowCount ?? 0;
  }

  /** Begins to copy rows in: what the copy then does is to be done within {@link during}. */
  async copy(text: string): Promise<CopyIn> {
    const copy = (this.#copy = new CopyIn(text));
    await this.#named(() => copy.open(this.#held()));
    return copy;
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
    const asked = { text: "commit", query_timeout: COMMIT_ANSWER_MS };
    try {
      const { command } = await this.#named(() => this.#held().query(asked));
      // The commit of a transaction that failed is answered as if all were well.
      if (command !== "COMMIT") throw rolledBack();
      this.#release(false);
    } catch (error) {
      this.#release(true);
      throw error;
    }
  }

  /** Undoes what is not committed. Its locks are free when this resolves, unless the server is out of reach. */
  async abandon(): Promise<void> {
    this.pastStopping();
    if (this.#stopping) return this.#stopping;
    if (!this.#client) return;
    this.#copy?.fail();
    await this.#client.query({ text: "rollback", query_timeout: ROLLBACK_ANSWER_MS }).then(
      () => this.#release(false),
      () => this.#release(true),
    );
  }

  #held(): PooledPostgresClient {
    if (this.#client) return this.#client;
    throw new TypeError("the session has ended");
  }

  #release(destroy: boolean): void {
    const client = this.#client;
    this.#client = undefined;
    if (client) release(client, destroy);
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

function pipelined(): JobError {
  return new JobError("invalid_definition", {
    message: "The pool was made with pipeline: true, in which a client cannot copy rows in.",
    hint: "Give postgres() a pool without it, or a url.",
    field: "pool",
  });
}

function rolledBack(): JobError {
  return new JobError("destination_failed", {
    message: "Postgres answered the commit with a rollback: the transaction had failed before.",
    hint: "Nothing was committed.",
  });
}
