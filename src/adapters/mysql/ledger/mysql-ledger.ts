import type { CreatedRun, NewRun } from "../../../model/run.js";
import type { StoreOpeners } from "../../../model/store-openers.js";
import type { StoreContext } from "../../../ports/job-store.js";
import type { Announcement } from "../../sql/ledger/announcement.js";
import { SharedLedger } from "../../sql/ledger/shared-ledger.js";
import type { MysqlConnection, MysqlPool } from "../driver.js";
import { ChangeFeed } from "./change-feed.js";
import { withinHost } from "./host-transaction.js";
import { LedgerClient } from "./ledger-client.js";
import { openLedger, type LedgerWish } from "./migrate.js";
import { MysqlConnections } from "./mysql-connections.js";
import { ledgerFailure } from "./mysql-failure.js";
import type { OperationParts } from "./mysql-operations.js";
import { ReadyLines } from "./ready-lines.js";
import { Sessions } from "./sessions.js";
import { ledgerStatements } from "./statements.js";

/** Where a ledger's connections come from. */
export interface LedgerSource {
  readonly pool: MysqlPool;
  readonly isHosts: boolean;
}

export interface LedgerSettings extends LedgerWish {
  readonly offsetMs: number;
  /** The password as it may be spelt: no message may hold it. */
  readonly secrets: readonly string[];
}

/** How long the server may take to say goodbye. */
const END_MS = 5_000;

/** An open ledger in MySQL or MariaDB. */
export class MysqlLedger extends SharedLedger {
  private constructor(
    private readonly connections: MysqlConnections,
    private readonly parts: OperationParts,
    private readonly feed: ChangeFeed,
    endPool: () => Promise<void>,
    context: StoreContext,
    openers: StoreOpeners<StoreContext>,
  ) {
    const end = async (): Promise<void> => {
      await feed.close();
      await endPool();
    };
    const announce = (announcement: Announcement): void => feed.announce(announcement);
    super({ connections, announce, watch: () => feed.watch(), end }, context, openers);
  }

  /** @param openers hear of changes. */
  static async open(
    { pool, isHosts }: LedgerSource,
    settings: LedgerSettings,
    context: StoreContext,
    openers: StoreOpeners<StoreContext>,
  ): Promise<MysqlLedger> {
    const { clock } = context;
    const { ledger, secrets, offsetMs } = settings;
    const sessions = new Sessions(pool, isHosts, clock);
    const endPool = async (): Promise<void> => {
      if (isHosts) return;
      await new Promise<void>((resolve) => {
        const callOff = clock.after(END_MS, resolve);
        pool.end(() => {
          callOff();
          resolve();
        });
      });
    };
    try {
      const kysely = await import("kysely");
      const session = await sessions.acquire();
      const { place, own } = await opened(session.client, settings, sessions).finally(() => session.release());
      const statements = ledgerStatements(kysely, place, offsetMs);
      const parts = { statements, lines: new ReadyLines(), largest: () => sessions.largest };
      const connections = new MysqlConnections(sessions, parts, ledger, secrets);
      const feed = new ChangeFeed({ own, connections, statements, clock, onChange: (change) => openers.tell(change) });
      await feed.open();
      return new MysqlLedger(connections, parts, feed, endPool, context, openers);
    } catch (error) {
      await endPool();
      throw ledgerFailure(ledger, secrets, error, true);
    }
  }

  /** In whatever transaction the host's connection is in. */
  createIn(connection: MysqlConnection, runs: readonly NewRun[]): Promise<readonly CreatedRun[]> {
    const client = new LedgerClient(connection, this.parts.largest());
    const stored = (runId: string): void => this.feed.expect(runId);
    return this.creation.createIn(withinHost(client, this.parts, this.connections, stored), runs);
  }
}

async function opened(client: LedgerClient, settings: LedgerSettings, sessions: Sessions) {
  const { rows } = await client.say<{ largest: number; own: string }>(
    "select @@max_allowed_packet as largest, cast(cast(uuid() as char) as binary) as own",
  );
  const [{ largest, own } = { largest: sessions.largest, own: "" }] = rows;
  sessions.largest = largest;
  return { own, place: await openLedger(client, settings) };
}
