import type { StoreOpeners } from "../../../model/store-openers.js";
import type { StoreContext } from "../../../ports/job-store.js";
import { Definitions } from "../definitions.js";
import { RowReader } from "../row-reader.js";
import type { Announcement } from "./announcement.js";
import { KnownRuns } from "./known-runs.js";
import type { LedgerConnections } from "./ledger-connections.js";
import { Retention } from "./retention.js";
import { RunChanges } from "./run-changes.js";
import { RunClaims } from "./run-claims.js";
import { RunCreation } from "./run-creation.js";
import { RunReads } from "./run-reads.js";
import type { ScheduleParts } from "./shared-schedule-store.js";

/** What a ledger that many processes share is made of, beside the parts that all have in common. */
export interface SharedLedgerParts {
  readonly connections: LedgerConnections;
  /** Tells the other processes what this one did. */
  readonly announce: (announcement: Announcement) => void;
  /** Hears from now on what they do. Called again, does nothing. Absent where that is heard in any case. */
  readonly watch?: () => void;
  /** Resolves when the last word is said and everything is freed. */
  readonly end: () => Promise<void>;
}

/** An open ledger on a server. */
export class SharedLedger {
  readonly creation: RunCreation;
  readonly changes: RunChanges;
  readonly claims: RunClaims;
  readonly reads: RunReads;
  readonly retention: Retention;
  readonly schedules: ScheduleParts;
  /** Somebody wants to hear what other processes do. */
  readonly watch: () => void;
  readonly #end: () => Promise<void>;

  /** @param openers hear of what the others among them do. */
  constructor(
    { connections, announce: tellOthers, watch = () => undefined, end }: SharedLedgerParts,
    { clock, logger }: StoreContext,
    openers: StoreOpeners<StoreContext>,
  ) {
    const announce = (announcement: Announcement): void => {
      tellOthers(announcement);
      if (openers.areSeveral) openers.tell(...announcement.changes());
    };
    const told = new Set<string>();
    const definitions = new Definitions();
    const known = new KnownRuns();
    this.creation = new RunCreation(connections, definitions, announce, clock);
    this.changes = new RunChanges(connections, known, definitions, announce);
    this.retention = new Retention(connections);
    this.reads = new RunReads(connections, definitions);
    this.schedules = { connections, definitions, reader: new RowReader(logger) };
    this.claims = new RunClaims(
      connections,
      known,
      definitions,
      announce,
      () => openers.tell({ kind: "pending" }),
      ({ id, reason }) => {
        if (!told.has(id)) logger?.warn("A run is passed over by claims.", { runId: id, reason });
        told.add(id);
      },
    );
    this.watch = watch;
    this.#end = end;
  }

  async close(): Promise<void> {
    await Promise.all([this.creation.close(), this.changes.idle()]);
    await this.#end();
  }
}
