import type { StoreOpeners } from "../../model/store-openers.js";
import type { CreatedRun, NewRun } from "../../model/run.js";
import type { StoreContext } from "../../ports/job-store.js";
import { SharedJobStore } from "../sql/ledger/shared-job-store.js";
import {
  checkedConnection,
  checkedDatabase,
  ledgerSettings,
  ledgerSource,
  type MySqlJobStoreOptions,
} from "./job-store-options.js";
import { checkedPrefix } from "./ledger/ledger-place.js";
import { mysqlMigrationScript } from "./ledger/migrate.js";
import { MysqlLedger, type LedgerSettings } from "./ledger/mysql-ledger.js";

/**
 * A ledger in MySQL (8.0.19 or newer) or MariaDB (10.8 or newer), shared by any number of processes and machines. The
 * database's clock decides every time and lease. What was answered survives a crash of a process or of the server, and a
 * power cut as well, as far as the server syncs its log at each commit (`innodb_flush_log_at_trx_commit = 1`, its default).
 */
export class MySqlJobStore extends SharedJobStore<MysqlLedger> {
  readonly #options: MySqlJobStoreOptions;
  readonly #settings: LedgerSettings;

  /** Throws `invalid_definition` naming the option that is none. */
  constructor(options: MySqlJobStoreOptions) {
    const settings = ledgerSettings(options);
    super(settings.ledger);
    this.#options = options;
    this.#settings = settings;
  }

  /**
   * The statements that make a ledger, or bring one up from the version `from` (default 0: there is none yet), as SQL text
   * for whoever runs them by hand; the store is then opened with `migrate: "check"`.
   */
  static migrationScript({
    database,
    tablePrefix = "millrace_",
    from = 0,
  }: { readonly database?: string; readonly tablePrefix?: string; readonly from?: number } = {}): string {
    return mysqlMigrationScript(database && checkedDatabase(database), checkedPrefix(tablePrefix), from);
  }

  /** @param transaction a connection of `mysql2` or `mysql2/promise` that the host has a transaction open on. */
  async createRunsIn(transaction: unknown, runs: readonly NewRun[]): Promise<readonly CreatedRun[]> {
    return this.opened().createIn(checkedConnection(transaction), runs);
  }

  protected async openLedger(context: StoreContext, openers: StoreOpeners<StoreContext>): Promise<MysqlLedger> {
    return MysqlLedger.open(await ledgerSource(this.#options), this.#settings, context, openers);
  }
}
