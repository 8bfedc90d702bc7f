import type { WithinHost } from "../../sql/ledger/ledger-connections.js";
import type { LedgerClient } from "./ledger-client.js";
import type { MysqlConnections } from "./mysql-connections.js";
import { isTaken } from "./mysql-failure.js";
import { mysqlOperations, type OperationParts } from "./mysql-operations.js";

/** What the server says of a session with each answer. */
const IN_TRANSACTION = 1;
const AUTOCOMMIT = 2;

/**
 * Stores runs in whatever transaction the host's connection is in; without one, in one of their own.
 *
 * @param stored hears of each run that is there once the host commits.
 */
export function withinHost(
  client: LedgerClient,
  parts: OperationParts,
  connections: MysqlConnections,
  stored: (runId: string) => void,
): WithinHost {
  const say = (text: string) => client.say(text);
  const begin = (text: string) =>
    say(text).catch((error: unknown) => {
      throw connections.failure(error, true);
    });
  return async (work) => {
    const { status } = await begin("savepoint millrace_submission");
    const isOutside = (status & IN_TRANSACTION) === 0 && (status & AUTOCOMMIT) !== 0;
    if (isOutside) await begin("start transaction");
    try {
      const { ask } = client;
      const within = { ask, say, do: <T>(act: () => Promise<T>) => act(), asksFirst: false, isHosts: true };
      const ledger = mysqlOperations(parts, within);
      const created = await work(ledger);
      await say(isOutside ? "commit" : "release savepoint millrace_submission");
      for (const { run, created: isNew } of created) if (isNew) stored(run.id);
      return created;
    } catch (error) {
      // The host's transaction can go on as if nothing had been asked.
      const back = isOutside ? "rollback" : "rollback to savepoint millrace_submission";
      await say(back).catch(() => undefined);
      throw isTaken(error) ? error : connections.failure(error, !isOutside);
    }
  };
}
