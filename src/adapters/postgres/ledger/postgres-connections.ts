import type { LedgerConnections, LedgerTransaction, TransactionKind } from "../../sql/ledger/ledger-connections.js";
import type { Connections } from "./connections.js";
import { postgresOperations, type Run } from "./postgres-operations.js";
import { isLockedOut, isTaken } from "./postgres-failure.js";
import { scheduleOperations } from "./schedule-operations.js";
import type { Statements } from "./statements.js";

/** A ledger's connections and what it asks on them. */
export class PostgresConnections implements LedgerConnections {
  constructor(
    private readonly connections: Connections,
    readonly statements: Statements,
    readonly channel: string,
  ) {}

  get ledger(): string {
    return this.connections.ledger;
  }

  transaction<T>(kind: TransactionKind, work: (transaction: LedgerTransaction) => Promise<T>): Promise<T> {
    return this.connections.transaction(kind, (transaction) => {
      const run: Run = (statement, given) => transaction.run(statement, given);
      return work({
        ledger: postgresOperations(this.statements, this.channel, run),
        schedules: scheduleOperations(this.statements, run),
        apart: (act) => transaction.apart(act),
        makeDurable: () => transaction.sendText("set local synchronous_commit to default"),
      });
    });
  }

  failure(error: unknown, nothingStored = false): unknown {
    return this.connections.failure(error, nothingStored);
  }

  isTaken(error: unknown): boolean {
    return isTaken(error);
  }

  isLockedOut(error: unknown): boolean {
    return isLockedOut(error);
  }
}
