import type { StoreOpeners } from "../../../model/store-openers.js";
import type { StoreContext } from "../../../ports/job-store.js";
import type { ListeningClient, PostgresPool } from "../driver.js";
import { ChangeChannel } from "./change-channel.js";
import { Connections } from "./connections.js";
import { Definitions } from "../../sql/definitions.js";
import { KnownRuns } from "./known-runs.js";
import type { LedgerPlace } from "./ledger-place.js";
import { openLedger, type LedgerWish } from "./migrate.js";
import { RunChanges } from "./run-changes.js";
import { RunClaims } from "./run-claims.js";
import { RunCreation } from "./run-creation.js";
import { RunReads } from "./run-reads.js";
import { Retention } from "./retention.js";
import { ledgerStatements, type Statements } from "./statements.js";

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

/** An open ledger and its parts. */
export class Ledger {
  readonly creation: RunCreation;
  readonly changes: RunChanges;
  readonly claims: RunClaims;
  readonly reads: RunReads;
  readonly retention: Retention;

  private constructor(
    readonly place: LedgerPlace,
    readonly connections: Connections,
    readonly statements: Statements,
    private readonly channel: ChangeChannel,
    private readonly source: LedgerSource,
    { clock, logger }: StoreContext,
    openers: StoreOpeners<StoreContext>,
  ) {
    const announce: ChangeChannel["announce"] = (announcement) => {
      channel.announce(announcement);
      if (openers.areSeveral) openers.tell(...announcement.changes());
    };
    const told = new Set<string>();
    const definitions = new Definitions();
    this.creation = new RunCreation(connections, statements, definitions, announce, clock);
    const known = new KnownRuns();
    this.changes = new RunChanges(connections, statements, known, definitions, place.channel, announce);
    this.retention = new Retention(connections, statements);
    this.reads = new RunReads(connections, statements, definitions);
    this.claims = new RunClaims(
      connections,
      statements,
      known,
      definitions,
      place.channel,
      announce,
      () => openers.tell({ kind: "pending" }),
      ({ id, reason }) => {
        if (!told.has(id)) logger?.warn("A run is passed over by claims.", { runId: id, reason });
        told.add(id);
      },
    );
  }

  /** @param openers hear of changes. */
  static async open(
    source: LedgerSource,
    settings: LedgerSettings,
    context: StoreContext,
    openers: StoreOpeners<StoreContext>,
  ): Promise<Ledger> {
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
      return new Ledger(place, connections, statements, channel, source, context, openers);
    } catch (error) {
      await source.end();
      throw connections.failure(error, true);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.creation.close(), this.changes.idle()]);
    await this.channel.close();
    await this.source.end();
  }
}
