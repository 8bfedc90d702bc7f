import { JobError } from "../../../model/job-error.js";
import { LEDGER_TYPES, type PostgresAnswer, type PostgresClient, type PostgresQuery } from "../driver.js";
import { arrayLiteral } from "./array-literal.js";
import type { TransactionKind } from "../../sql/ledger/ledger-connections.js";
import type { Statement } from "./statement.js";

/** After this the server gives a statement up; the client does, a little later, when it does not even hear of that. */
const STATEMENT_MS = 10_000;
const ANSWER_MS = 12_000;
/** What a paused process may keep others waiting for, and what it is kept waiting for by the host's transactions. */
const PAUSE_MS = 5_000;

/** A transaction under way on a connection of its own. */
export class Transaction {
  readonly #sent: Promise<unknown>[] = [];
  #last: Promise<unknown> = Promise.resolve();
  #committing = false;

  constructor(private readonly client: PostgresClient) {}

  /** Whether the commit was sent: from then on nobody knows, until it is answered, whether it happened. */
  get isCommitting(): boolean {
    return this.#committing;
  }

  begin(kind: TransactionKind): void {
    void this.#send({ text: "begin isolation level read committed read write" });
    void this.#send(settingsOf(kind));
  }

  run<Given extends object, Row>(statement: Statement<Given, Row>, given: Given): Promise<readonly Row[]> {
    // The statement says so of its own rows.
    const rows = this.#send(queryOf(statement, given, true)).then((answer) => answer.rows as Row[]);
    // Whoever awaits them, or the commit, hears of the failure.
    rows.catch(() => undefined);
    return rows;
  }

  sendText(text: string): void {
    void this.#send({ text });
  }

  /** Runs `work` so that, when it fails, all else that was sent still counts. What it sends it must await. */
  async apart<T>(work: () => Promise<T>): Promise<T> {
    this.sendText("savepoint millrace_act");
    const before = this.#sent.length;
    try {
      const answer = await work();
      this.sendText("release savepoint millrace_act");
      return answer;
    } catch (error) {
      this.#sent.length = before;
      this.sendText("rollback to savepoint millrace_act");
      throw error;
    }
  }

  async commit(): Promise<void> {
    this.#committing = true;
    const commit = this.#send({ text: "commit" });
    await Promise.all(this.#sent);
    const { command } = await commit;
    // The commit of a transaction that failed is answered as if all were well.
    if (command !== "COMMIT") throw new JobError("internal_error", NOT_COMMITTED);
  }

  async rollback(): Promise<void> {
    await Promise.allSettled(this.#sent);
    await this.#send({ text: "rollback" });
  }

  // All at once where the connection can, else one after the other.
  #send(query: PostgresQuery): Promise<PostgresAnswer> {
    const bounded = { ...query, query_timeout: ANSWER_MS };
    const ask = (): Promise<PostgresAnswer> => this.client.query(bounded);
    const answer = isPipelined(this.client) ? ask() : this.#last.then(ask);
    this.#last = answer.catch(() => undefined);
    this.#sent.push(answer);
    answer.catch(() => undefined);
    return answer;
  }
}

/** @param named whether the server may keep it prepared: not on a connection of the host. */
export function queryOf<Given extends object>(
  { text, name, keys }: Statement<Given, unknown>,
  given: Given,
  named: boolean,
): PostgresQuery {
  const values = keys.map((key) => valueOf(given[key]));
  return { text, values, types: LEDGER_TYPES, ...(named && { name }) };
}

function valueOf(value: unknown): unknown {
  // Arrays are what a statement unnests: columns of rows.
  return Array.isArray(value) ? arrayLiteral(value) : value;
}

const NOT_COMMITTED = { message: "A transaction of the ledger ended without a commit.", hint: "Please report this." };

const ALWAYS = {
  plan_cache_mode: "force_generic_plan",
  jit: "off",
  statement_timeout: STATEMENT_MS,
  idle_in_transaction_session_timeout: PAUSE_MS,
};

// The tables change their size faster than the server's statistics: what has one right plan is not left to them.
const PLANS = {
  finding: {
    enable_seqscan: "off",
    enable_hashjoin: "off",
    enable_mergejoin: "off",
    enable_bitmapscan: "off",
    enable_incremental_sort: "off",
  },
  adding: { enable_nestloop: "off" },
};

// One prepared statement: as many of their own would take longer than the rest of a small transaction.
function settingsOf({ durable, plans, patienceMs = PAUSE_MS }: TransactionKind): PostgresQuery {
  const settings = {
    ...ALWAYS,
    lock_timeout: patienceMs,
    ...PLANS[plans],
    ...(!durable && { synchronous_commit: "off" }),
  };
  const calls = Object.entries(settings).map(([name, value]) => `set_config('${name}', '${value}', true)`);
  return {
    text: `select ${calls.join(", ")}`,
    name: `millrace_${plans}_${durable ? "durable" : "quick"}_${patienceMs}`,
  };
}

function isPipelined(client: object): boolean {
  return "pipeline" in client && client.pipeline === true;
}
