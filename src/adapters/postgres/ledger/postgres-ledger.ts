import type { CreatedRun, NewRun } from "../../../model/run.js";
import type { StoreOpeners } from "../../../model/store-openers.js";
import type { StoreContext } from "../../../ports/job-store.js";
import { SharedLedger } from "../../sql/ledger/shared-ledger.js";
import type { ListeningClient, PostgresClient, PostgresPool } from "../driver.js";
import { ChangeChannel } from "./change-channel.js";
import { Connections } from "./connections.js";
import { withinHost } from "./host-transaction.js";
import { openLedger, type LedgerWish } from "./migrate.js";
import { PostgresConnections } from "./postgres-connections.js";
import { ledgerStatements } from "./statements.js";

/** Where a ledger's connections come from. */
export interface LedgerSource {
  readonly pool: PostgresPool;
  readonly makeListener: () => ListeningClient;
  /** Frees what the store made itself. */
  readonly end: () => Promise<void>;
}

export interface LedgerSettings extends LedgerWish {
  readonly offsetMs: number;
  /** The password as it may be spelt: no message may hold it. */
  readonly secrets: readonly string[];
}

/** An open ledger in Postgres. */
export class PostgresLedger extends SharedLedger {
  private constructor(
    private readonly connections: PostgresConnections,
    channel: ChangeChannel,
    source: LedgerSource,
    context: StoreContext,
    openers: StoreOpeners<StoreContext>,
  ) {
    const end = async (): Promise<void> => {
      await channel.close();
      await source.end();
    };
    super({ connections, announce: (announcement) => channel.announce(announcement), end }, context, openers);
  }

  /** @param openers hear of changes. */
  static async open(
    source: LedgerSource,
    settings: LedgerSettings,
    context: StoreContext,
    openers: StoreOpeners<StoreContext>,
  ): Promise<PostgresLedger> {
    const { clock, logger } = context;
    const connections = new Connections(source.pool, clock, settings.ledger, settings.secrets);
    try {
      const kysely = await import("kysely");
      const place = await connections.use((client) => openLedger(client, settings));
      const channel = new ChangeChannel({
        channel: place.channel,
        makeClient: source.makeListener,
        clock,
        logger,
        onChange: (change) => openers.tell(change),
      });
      await channel.open();
      const statements = ledgerStatements(kysely, place, settings.offsetMs);
      const own = new PostgresConnections(connections, statements, place.channel);
      return new PostgresLedger(own, channel, source, context, openers);
    } catch (error) {
      await source.end();
      throw connections.failure(error, true);
    }
  }

  /** In whatever transaction the host's connection is in, the announcement with it. */
  createIn(client: PostgresClient, runs: readonly NewRun[]): Promise<readonly CreatedRun[]> {
    return this.creation.createIn(withinHost(client, this.connections), runs);
  }
}
