import type { Database } from "better-sqlite3";
import type { Clock } from "../../../ports/clock.js";
import { retryWhileBusy } from "./busy-retry.js";
import { HostTransactionOpen } from "./sqlite-failure.js";

/** The connection through which a ledger is used: its own, or one that the host opened and uses as well. */
export class LedgerConnection {
  constructor(
    readonly database: Database,
    /** Whether it is the host's, who has settings and transactions of its own. */
    readonly isHosts: boolean,
    private readonly clock: Clock,
  ) {}

  get isOpen(): boolean {
    return this.database.open;
  }

  /** Makes an attempt that takes locks; tries again while another connection, or the host on this one, is in the way. */
  whenFree<T>(attempt: () => T): Promise<T> {
    return retryWhileBusy(this.clock, this.isHosts ? () => this.#beside(attempt) : attempt);
  }

  close(): void {
    if (!this.isHosts) this.database.close();
  }

  // The host's busy timeout would hold up the event loop.
  #beside<T>(attempt: () => T): T {
    const { database } = this;
    if (database.inTransaction) throw new HostTransactionOpen();
    const timeoutMs = Number(database.pragma("busy_timeout", { simple: true }));
    database.pragma("busy_timeout = 0");
    try {
      return attempt();
    } finally {
      database.pragma(`busy_timeout = ${timeoutMs}`);
    }
  }
}
