import type { Clock } from "../../../ports/clock.js";
import type { PooledPostgresClient, PostgresPool } from "../driver.js";
import { isConnectionLost, isLockedOut, isTaken, ledgerFailure, mayAskAgain } from "./postgres-failure.js";
import type { TransactionKind } from "../../sql/ledger/ledger-connections.js";
import { Transaction } from "./transaction.js";

const CONNECT_MS = 10_000;
/** How often an act is asked again that provably did not happen. */
const TRIES = 4;

/** The connections of a ledger, and the one way to work on them. */
export class Connections {
  constructor(
    private readonly pool: PostgresPool,
    private readonly clock: Clock,
    /** Names the ledger in messages. */
    readonly ledger: string,
    private readonly secrets: readonly string[],
  ) {}

  /**
   * Runs `work` in a transaction and commits what it sent; answers when the commit is. Runs it again when the server took
   * it back, or when the connection broke before the commit was sent. Rejects with `store_unavailable`; when the connection
   * broke during the commit, nobody knows whether it happened. An error that `isTaken` is passed on as it is, and one that
   * `isLockedOut` of a transaction with a patience of its own.
   */
  async transaction<T>(kind: TransactionKind, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const client = await this.#acquire();
      const transaction = new Transaction(client);
      try {
        transaction.begin(kind);
        const answer = await work(transaction);
        await transaction.commit();
        release(client);
        return answer;
      } catch (error) {
        await letGo(client, transaction, error);
        if (isTaken(error) || (kind.patienceMs !== undefined && isLockedOut(error))) throw error;
        if (tries === TRIES || !mayAskAgain(error, transaction.isCommitting)) {
          throw this.failure(error, !transaction.isCommitting || !isConnectionLost(error));
        }
      }
    }
  }

  /** Lends a connection out. */
  async use<T>(work: (client: PooledPostgresClient) => Promise<T>): Promise<T> {
    const client = await this.#acquire();
    try {
      const answer = await work(client);
      release(client);
      return answer;
    } catch (error) {
      release(client, true);
      throw error;
    }
  }

  /** @param nothingStored whether what failed provably did not happen. */
  failure(error: unknown, nothingStored = false): unknown {
    return ledgerFailure(this.ledger, this.secrets, error, nothingStored);
  }

  // The host's pool may wait for ever.
  async #acquire(): Promise<PooledPostgresClient> {
    try {
      return await new Promise<PooledPostgresClient>((resolve, reject) => {
        let late = false;
        const callOff = this.clock.after(CONNECT_MS, () => {
          late = true;
          reject(new Error(`no connection was free within ${CONNECT_MS} ms`));
        });
        this.pool.connect((error, client) => {
          callOff();
          if (!client) return reject(error ?? new Error("the pool gave no connection"));
          if (late) return client.release();
          // A pool listens only while a client is idle; a connection that breaks unheard would end the process. By a
          // promise it would be too late: the server's last word may stand in the packet that made the connection ready.
          client.on("error", ignore);
          resolve(client);
        });
      });
    } catch (error) {
      throw this.failure(error, true);
    }
  }
}

async function letGo(client: PooledPostgresClient, transaction: Transaction, error: unknown): Promise<void> {
  if (isConnectionLost(error)) return release(client, true);
  try {
    await transaction.rollback();
    release(client);
  } catch {
    release(client, true);
  }
}

function release(client: PooledPostgresClient, destroy = false): void {
  if (!destroy) client.removeListener("error", ignore);
  client.release(destroy);
}

// Whoever asked for something is told by its own rejection.
function ignore(): undefined {
  return undefined;
}
