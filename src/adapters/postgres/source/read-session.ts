import { JobError } from "../../../model/job-error.js";
import { type PostgresClients, release } from "../clients.js";
import type { PooledPostgresClient } from "../driver.js";
import { isConnectionLost } from "../ledger/postgres-failure.js";
import { type Ask, asking } from "../statement-answer.js";
import { CopyOut } from "./copy-out.js";
import { sourceFailure } from "./source-failure.js";

/** What the sources of one connection share. */
export interface SourceServices {
  readonly clients: PostgresClients;
  readonly lockWaitMs: number;
  /** In no message. */
  readonly secrets: readonly string[];
}

/**
 * What the transaction does with the session: times are UTC, and what is cast to text is so in one form, with all digits;
 * a server that finds its client gone ends at once, where the system can tell.
 */
function beginning(lockWaitMs: number): string {
  return `begin isolation level repeatable read, read only;
    set local lock_timeout = ${lockWaitMs};
    set local client_encoding = 'UTF8';
    set local timezone = 'UTC';
    set local datestyle = 'ISO';
    set local intervalstyle = 'postgres';
    set local bytea_output = 'hex';
    set local extra_float_digits = 1;
    do $do$ begin
      perform set_config('client_connection_check_interval', '200', true);
    exception when others then null; end $do$`;
}

/**
 * One transaction for reading, on a client of its own: all it reads is of one moment. Whatever fails or is stopped in it
 * ends it at the server, whatever it waits for there, and it is of no more use.
 */
export class ReadSession {
  #client: PooledPostgresClient | undefined;
  #processId: unknown;

  private constructor(private readonly services: SourceServices) {}

  static async begin(services: SourceServices, signal: AbortSignal): Promise<ReadSession> {
    const session = new ReadSession(services);
    await session.#open(signal);
    return session;
  }

  /** Asks within the transaction. */
  ask<T>(signal: AbortSignal, table: string, act: (ask: Ask) => Promise<T>): Promise<T> {
    return this.during(signal, table, (client) => act(asking(client)));
  }

  /** Begins to copy rows out: what the copy then gives is to be awaited within {@link during}. */
  async copy(signal: AbortSignal, table: string, select: string): Promise<CopyOut> {
    const copy = new CopyOut(copying(select));
    await this.during(signal, table, (client) => copy.open(client));
    return copy;
  }

  /** Does something that the signal stops at once, at the server too. */
  async during<T>(
    signal: AbortSignal,
    table: string | undefined,
    act: (client: PooledPostgresClient) => Promise<T>,
  ): Promise<T> {
    const client = this.#client;
    if (client === undefined) throw ended();
    let stop: () => void = () => undefined;
    try {
      signal.throwIfAborted();
      const stopped = new Promise<never>((_, reject) => (stop = () => reject(signal.reason as Error)));
      signal.addEventListener("abort", stop);
      return await Promise.race([act(client), stopped]);
    } catch (error) {
      // A server that has answered has nothing more under way.
      this.stop(signal.aborted || isConnectionLost(error));
      signal.throwIfAborted();
      throw sourceFailure(error, "reading", table, this.services.secrets);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** Ends the transaction when nothing in it is under way. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    await client.query({ text: "commit", query_timeout: COMMIT_ANSWER_MS }).then(
      () => release(client),
      () => release(client, true),
    );
  }

  /** Ends it at once, and the statement that may be under way with it. */
  stop(underWay = true): void {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    release(client, true);
    if (underWay && this.#processId !== undefined) void this.services.clients.terminate(this.#processId);
  }

  async #open(signal: AbortSignal): Promise<void> {
    const { clients, secrets, lockWaitMs } = this.services;
    try {
      this.#client = await clients.acquire(signal);
    } catch (error) {
      signal.throwIfAborted();
      throw sourceFailure(error, "connecting", undefined, secrets);
    }
    await this.during(signal, undefined, async (client) => {
      if ("pipeline" in client && client.pipeline === true) throw pipelined();
      await client.query({ text: beginning(lockWaitMs) });
      const [own] = await asking(client)("select pg_backend_pid() as pid");
      this.#processId = own?.["pid"];
    });
  }
}

/** A server that is gone says nothing. */
const COMMIT_ANSWER_MS = 5_000;

export function copying(select: string): string {
  return `copy (${select}) to stdout (format binary)`;
}

function ended(): JobError {
  return new JobError("query_failed", {
    message: "The moment at which this query reads Postgres is over: an earlier scan in it failed or was left early.",
    hint: "Run the query again.",
  });
}

function pipelined(): JobError {
  return new JobError("invalid_definition", {
    message: "The pool was made with pipeline: true, in which a client cannot copy rows out.",
    hint: "Give postgres() a pool without it, or a url.",
    field: "pool",
  });
}
