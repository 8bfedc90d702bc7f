import type { PruneRange } from "../../../ports/job-store.js";
import { isTerminal, RUN_STATUSES } from "../../../model/run-status.js";
import type { LedgerConnections } from "./ledger-connections.js";

/** Deletes runs that ended, with their definitions and logs. */
export class Retention {
  constructor(private readonly connections: LedgerConnections) {}

  async prune({ olderThanMs, limit, statuses = RUN_STATUSES }: PruneRange): Promise<number> {
    const asked = { statuses: [...new Set(statuses)].filter(isTerminal), olderThanMs, limit };
    if (limit <= 0 || asked.statuses.length === 0) return 0;
    const gone = await this.connections.transaction({ durable: false, plans: "finding" }, ({ ledger }) =>
      ledger.prune(asked),
    );
    return gone.length;
  }
}
