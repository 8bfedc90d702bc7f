import type { LedgerConnections, LedgerTransaction, TransactionKind } from "../../sql/ledger/ledger-connections.js";
import { isConflict, isConnectionLost, isLockedOut, isTaken, ledgerFailure, mayAskAgain } from "./mysql-failure.js";
import { mysqlOperations, type OperationParts, type Within } from "./mysql-operations.js";
import { scheduleOperations } from "./schedule-operations.js";
import type { Session, Sessions } from "./sessions.js";
import { Transaction } from "./transaction.js";

/** How often an act is asked again that provably did not happen. Waiting for a lock takes a second each time. */
const TRIES = 5;
/** Who has no more patience than this asks first whether anybody is in the way. */
const IMPATIENT_MS = 10;

/** The connections of a ledger, and the one way to work on them. */
export class MysqlConnections implements LedgerConnections {
  constructor(
    private readonly sessions: Sessions,
    private readonly parts: OperationParts,
    readonly ledger: string,
    private readonly secrets: readonly string[],
  ) {}

  async transaction<T>(kind: TransactionKind, work: (transaction: LedgerTransaction) => Promise<T>): Promise<T> {
    const asksFirst = (kind.patienceMs ?? Infinity) < IMPATIENT_MS;
    return this.work((transaction) => {
      const { ask, say } = transaction;
      const within: Within = { ask, say, do: (act) => transaction.do(act), asksFirst, isHosts: false };
      return work({
        ledger: mysqlOperations(this.parts, within),
        schedules: scheduleOperations(this.parts, within),
        apart: (act) => transaction.apart(act),
        makeDurable: () => undefined,
      });
    }, kind.patienceMs !== undefined);
  }

  /** @param impatient whether an error that `isLockedOut` is passed on at once. */
  async work<T>(work: (transaction: Transaction) => Promise<T>, impatient = false): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      let session: Session | undefined;
      let transaction: Transaction | undefined;
      try {
        session = await this.sessions.acquire();
        transaction = new Transaction(session.client);
        const answer = await work(transaction);
        await transaction.done();
        // Who skips what is locked must not miss a row that this one only looked at.
        if (transaction.holds) await transaction.commit();
        void session.release();
        return answer;
      } catch (error) {
        if (isConnectionLost(error)) session?.destroy();
        else await session?.release();
        if (isTaken(error) || (impatient && isLockedOut(error))) throw error;
        const isCommitting = transaction?.isCommitting === true;
        if (tries === TRIES || !mayAskAgain(error, isCommitting)) {
          throw this.failure(error, !isCommitting || isConflict(error));
        }
      }
    }
  }

  failure(error: unknown, nothingStored = false): unknown {
    return ledgerFailure(this.ledger, this.secrets, error, nothingStored);
  }

  isTaken(error: unknown): boolean {
    return isTaken(error);
  }

  isLockedOut(error: unknown): boolean {
    return isLockedOut(error);
  }
}
