import type { StoreChange } from "../../../model/run-change.js";
import type { Clock } from "../../../ports/clock.js";
import { Announcement, changesIn } from "../../sql/ledger/announcement.js";
import type { MysqlConnections } from "./mysql-connections.js";
import type { Statements } from "./statements.js";

/** How often the others are asked: what a word of theirs is late by, at most. */
const ASK_EVERY_MS = 50;
/** How long what nobody waits for is gathered: that runs have come further. */
const GATHER_MS = 20;
/** A process that said nothing for so long is gone, or has nothing to say. */
const FORGET_MS = 24 * 60 * 60 * 1_000;
/** How long the end of a host's transaction is looked for. */
const HOST_MS = 60_000;
const LARGEST_PAYLOAD = 1_000;

export interface FeedParts {
  /** Names this process among those of the ledger. */
  readonly own: string;
  readonly connections: MysqlConnections;
  readonly statements: Statements;
  readonly clock: Clock;
  readonly onChange: (change: StoreChange) => void;
}

/**
 * Hears what other processes do to the ledger, and tells them what this one did. Each has a row of its own for what it said
 * last, and its number: nobody waits for anybody's row, and whoever sees that a number was left out knows that it missed
 * something. It is written apart from what it tells of, since it would hold up the next transaction until this one is on the
 * disk.
 */
export class ChangeFeed {
  readonly #heard = new Map<string, number>();
  /** Runs that a transaction of the host's stored, and until when it is looked for whether it has ended. */
  readonly #expected = new Map<string, number>();
  #said = 0;
  #untold = new Announcement();
  #telling: Promise<void> | undefined;
  #asking: Promise<void> | undefined;
  #askAgain = false;
  #closing = false;
  #callOff: (() => void) | undefined;
  #callOffGathering: (() => void) | undefined;

  constructor(private readonly parts: FeedParts) {}

  /** Resolves when it knows what was said before. */
  async open(): Promise<void> {
    const { own, connections, statements } = this.parts;
    await connections.work(({ ask }) => ask(statements.forget, { own, olderThanMs: FORGET_MS }));
    for (const { origin, number } of await this.#read()) this.#heard.set(origin, number);
  }

  /** Hears from now on. Called again, does nothing. */
  watch(): void {
    if (!this.#callOff) this.#arm();
  }

  /** Tells the others, soon; what is announced meanwhile goes along. */
  announce(announcement: Announcement): void {
    this.#untold.add(announcement);
    this.#tellInTime();
  }

  /** A transaction of the host's stored this run, and whose end nobody tells. */
  expect(runId: string): void {
    this.#expected.set(runId, this.parts.clock.now() + HOST_MS);
  }

  /** Resolves when the last word is said. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#callOff?.();
    this.#tellInTime();
    while (this.#telling) await this.#telling;
    await this.#asking;
  }

  #arm(): void {
    if (this.#closing) return;
    this.#callOff = this.parts.clock.after(ASK_EVERY_MS, () => {
      this.#arm();
      this.#tellInTime();
      this.#askAgain = true;
      this.#asking ??= this.#askInTurn();
    });
  }

  // A server that is away, or slow, is not asked twice at once.
  async #askInTurn(): Promise<void> {
    while (this.#askAgain && !this.#closing) {
      this.#askAgain = false;
      await this.#ask().catch(() => undefined);
    }
    this.#asking = undefined;
  }

  async #ask(): Promise<void> {
    const { onChange } = this.parts;
    for (const { origin, number, payload } of await this.#read()) {
      const last = this.#heard.get(origin) ?? 0;
      if (number === last) continue;
      this.#heard.set(origin, number);
      const changes: readonly StoreChange[] = number === last + 1 ? changesIn(payload) : [{ kind: "unknown" }];
      for (const change of changes) onChange(change);
    }
    await this.#lookForHosts();
  }

  async #lookForHosts(): Promise<void> {
    if (this.#expected.size === 0) return;
    const { connections, statements, clock, onChange } = this.parts;
    const ids = [...this.#expected.keys()];
    const { rows } = await connections.work(({ ask }) => ask(statements.storedIds, { ids }));
    for (const [id, until] of this.#expected) if (until < clock.now()) this.#expected.delete(id);
    if (rows.length === 0) return;
    for (const { id } of rows) this.#expected.delete(id);
    onChange({ kind: "pending" });
    const announcement = new Announcement();
    announcement.addPending();
    this.announce(announcement);
  }

  async #read() {
    const { own, connections, statements } = this.parts;
    const { rows } = await connections.work(({ ask }) => ask(statements.announcements, { own }));
    return rows;
  }

  #tellInTime(): void {
    if (this.#untold.isUrgent || this.#closing) {
      this.#callOffGathering?.();
      this.#callOffGathering = undefined;
      this.#tell();
    } else if (!this.#untold.isEmpty) {
      this.#callOffGathering ??= this.parts.clock.after(GATHER_MS, () => {
        this.#callOffGathering = undefined;
        this.#tell();
      });
    }
  }

  #tell(): void {
    if (this.#telling || this.#untold.isEmpty) return;
    const { own, connections, statements } = this.parts;
    const told = this.#untold;
    this.#untold = new Announcement();
    this.#said += 1;
    const payload = told.payload(LARGEST_PAYLOAD);
    this.#telling = connections
      .work(({ ask }) => ask(statements.announce, { own, number: this.#said, payload }))
      .then(
        () => {
          this.#telling = undefined;
          this.#tellInTime();
        },
        () => {
          this.#telling = undefined;
          // Said with what comes next, or at the next look, under another number.
          this.#untold.add(told);
        },
      );
  }
}
