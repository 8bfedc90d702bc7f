import { causeChain } from "../../../model/job-error.js";
import type { StoreChange } from "../../../model/run-change.js";
import type { Clock } from "../../../ports/clock.js";
import type { Logger } from "../../../ports/logger.js";
import type { ListeningClient } from "../driver.js";
import { Announcement, changesIn } from "../../sql/ledger/announcement.js";

/** How often a silent connection is asked whether it lives, and how long the answer may take. */
const CHECK_MS = 10_000;
const ANSWER_MS = 5_000;
/** How long what nobody waits for is gathered: that runs have come further. */
const GATHER_MS = 20;
/** From one attempt to connect to the next. */
const LONGEST_WAIT_MS = 5_000;

export interface ChannelParts {
  readonly channel: string;
  /** Makes a client, not connected yet. */
  readonly makeClient: () => ListeningClient;
  readonly clock: Clock;
  readonly logger: Logger | undefined;
  readonly onChange: (change: StoreChange) => void;
}

/**
 * Hears what other processes do to the ledger, and tells them what this one did: on a connection of its own, apart from
 * the transactions, since one that notifies holds up all others that do until it is on the disk. Whoever misses a word
 * also asks now and then.
 */
export class ChangeChannel {
  #client: ListeningClient | undefined;
  #untold = new Announcement();
  #telling: Promise<void> | undefined;
  #closing = false;
  #closed = false;
  #waits = 0;
  #callOff: () => void = () => undefined;
  #callOffGathering: (() => void) | undefined;

  constructor(private readonly parts: ChannelParts) {}

  /** Resolves when it listens. */
  async open(): Promise<void> {
    const { channel, clock, makeClient, onChange } = this.parts;
    const client = makeClient();
    // Without a listener of this event a broken connection would end the process.
    client.on("error", () => this.#lose(client));
    client.on("end", () => this.#lose(client));
    let own: unknown;
    client.on("notification", ({ processId, payload = "" }) => {
      if (processId !== own) for (const change of changesIn(payload)) onChange(change);
    });
    try {
      await client.connect();
      const { rows } = await client.query({ text: "select pg_backend_pid() as own", query_timeout: ANSWER_MS });
      own = (rows[0] as { readonly own: number } | undefined)?.own;
      await client.query({ text: "set synchronous_commit to off", query_timeout: ANSWER_MS });
      await client.query({ text: `listen ${channel}`, query_timeout: ANSWER_MS });
    } catch (error) {
      destroy(client);
      throw error;
    }
    if (this.#closed) return destroy(client);
    this.#client = client;
    this.#waits = 0;
    this.#callOff = clock.after(CHECK_MS, () => void this.#check(client));
    this.#tell();
  }

  /** Tells the others, soon; what is announced meanwhile goes along. */
  announce(announcement: Announcement): void {
    this.#untold.add(announcement);
    this.#tellInTime();
  }

  /** Resolves when the last word is said. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#tellInTime();
    while (this.#telling) await this.#telling;
    this.#closed = true;
    this.#callOff();
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
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
    const client = this.#client;
    if (!client || this.#telling || this.#untold.isEmpty) return;
    const told = this.#untold;
    this.#untold = new Announcement();
    const values = [this.parts.channel, told.payload()];
    const query = { text: "select pg_notify($1, $2)", name: "millrace_notify", values, query_timeout: ANSWER_MS };
    this.#telling = client
      .query(query)
      .then(
        () => undefined,
        () => {
          this.#untold.add(told);
          this.#lose(client);
        },
      )
      .finally(() => {
        this.#telling = undefined;
        this.#tellInTime();
      });
  }

  // A half-open socket says nothing at all.
  async #check(client: ListeningClient): Promise<void> {
    try {
      await client.query({ text: "select 1", query_timeout: ANSWER_MS });
      if (this.#client === client) this.#callOff = this.parts.clock.after(CHECK_MS, () => void this.#check(client));
    } catch {
      this.#lose(client);
    }
  }

  #lose(client: ListeningClient): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#callOff();
    destroy(client);
    this.#reconnect();
  }

  #reconnect(): void {
    const { clock, logger, onChange } = this.parts;
    this.open().then(
      () => onChange({ kind: "unknown" }),
      (error: unknown) => {
        if (this.#closed) return;
        if (this.#waits === 0) {
          logger?.warn("The ledger's notifications are interrupted; work goes on by polling.", {
            reason: causeChain(error),
          });
        }
        const waitMs = Math.min(LONGEST_WAIT_MS, 100 * 2 ** this.#waits);
        this.#waits += 1;
        this.#callOff = clock.after(waitMs, () => this.#reconnect());
      },
    );
  }
}

function destroy(client: ListeningClient): void {
  client.end().catch(() => undefined);
}
