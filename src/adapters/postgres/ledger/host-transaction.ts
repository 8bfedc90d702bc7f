import type { LedgerConnections, WithinHost } from "../../sql/ledger/ledger-connections.js";
import { announcementOf } from "../../sql/ledger/run-creation.js";
import type { PostgresClient } from "../driver.js";
import type { PostgresConnections } from "./postgres-connections.js";
import { postgresOperations, type Run } from "./postgres-operations.js";
import { isOutsideTransaction, isTaken } from "./postgres-failure.js";
import { queryOf } from "./transaction.js";

const SAVEPOINT = "millrace_submission";

/** Stores runs in whatever transaction the host's connection is in, the announcement with them. */
export function withinHost(client: PostgresClient, connections: PostgresConnections): WithinHost {
  const { statements, channel } = connections;
  const run: Run = async (statement, given) => {
    const { rows } = await client.query(queryOf(statement, given, false));
    // The statement says so of its own rows.
    return rows as never[];
  };
  return async (work) => {
    const inTransaction = await savepoint(client, connections);
    try {
      const created = await work(postgresOperations(statements, channel, run));
      const announcement = announcementOf(created);
      if (!announcement.isEmpty) await run(statements.notify, { channel, payload: announcement.payload() });
      if (inTransaction) await client.query({ text: `release savepoint ${SAVEPOINT}` });
      return created;
    } catch (error) {
      // The host's transaction can go on as if nothing had been asked.
      if (inTransaction) await client.query({ text: `rollback to savepoint ${SAVEPOINT}` }).catch(() => undefined);
      throw isTaken(error) ? error : connections.failure(error, inTransaction);
    }
  };
}

// False: the connection is in no transaction.
async function savepoint(client: PostgresClient, connections: LedgerConnections): Promise<boolean> {
  try {
    await client.query({ text: `savepoint ${SAVEPOINT}` });
    return true;
  } catch (error) {
    if (isOutsideTransaction(error)) return false;
    throw connections.failure(error, true);
  }
}
