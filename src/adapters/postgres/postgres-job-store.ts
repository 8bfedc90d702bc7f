import type { StoreOpeners } from "../../model/store-openers.js";
import type { CreatedRun, NewRun } from "../../model/run.js";
import type { StoreContext } from "../../ports/job-store.js";
import { SharedJobStore } from "../sql/ledger/shared-job-store.js";
import { checkedClient, ledgerSettings, ledgerSource, type PostgresJobStoreOptions } from "./job-store-options.js";
import { PostgresLedger, type LedgerSettings } from "./ledger/postgres-ledger.js";
import { checkedPrefix, checkedSchema } from "./ledger/ledger-place.js";
import { postgresMigrationScript } from "./ledger/migrate.js";

/**
 * A ledger in Postgres (13 or newer), shared by any number of processes and machines. The database's clock decides every
 * time and lease. A crash of a process or of the server loses nothing that was answered; a power cut may lose the newest
 * claims, renewals and progress, and nothing else.
 */
export class PostgresJobStore extends SharedJobStore<PostgresLedger> {
  readonly #options: PostgresJobStoreOptions;
  readonly #settings: LedgerSettings;

  /** Throws `invalid_definition` naming the option that is none. */
  constructor(options: PostgresJobStoreOptions) {
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
    schema,
    tablePrefix = "millrace_",
    from = 0,
  }: { readonly schema?: string; readonly tablePrefix?: string; readonly from?: number } = {}): string {
    return postgresMigrationScript(schema && checkedSchema(schema), checkedPrefix(tablePrefix), from);
  }

  /** @param transaction a `pg` client that the host has a transaction open on. The announcement goes with its commit. */
  async createRunsIn(transaction: unknown, runs: readonly NewRun[]): Promise<readonly CreatedRun[]> {
    const client = checkedClient(transaction);
    return this.opened().createIn(client, runs);
  }

  protected async openLedger(context: StoreContext, openers: StoreOpeners<StoreContext>): Promise<PostgresLedger> {
    return PostgresLedger.open(await ledgerSource(this.#options), this.#settings, context, openers);
  }
}
