import { causeChain } from "../model/job-error.js";
import type { TerminalStatus } from "../model/run-status.js";
import type { RunServices } from "./run-services.js";
import type { StoreHealth } from "./store-health.js";
import { pause, withAnswer } from "./waiting.js";

/**
 * How long runs are kept after they have ended, in milliseconds. `Infinity`: for ever. A run that redrives another one is
 * kept at least as long as that one, which could be redriven again otherwise.
 */
export interface RetentionTimes {
  /** Default: as long as the others are kept at most, 90 days. */
  readonly succeededMs?: number;
  /** Default 90 days: they are what somebody has yet to look at, and to submit again. */
  readonly failedMs?: number;
  /** Default 14 days. */
  readonly cancelledMs?: number;
}

const DAY_MS = 86_400_000;

/** How often runs are looked for whose time is up. */
const SWEEP_INTERVAL_MS = 60_000;

/** One act deletes so few that nobody waits for it, and leaves others a moment before the next. */
const STEP = 500;
const PAUSE_MS = 50;

/**
 * Deletes runs that ended long ago, in small steps, and the occurrences and backfills of schedules that did, when the runs of
 * the same time are gone whatever became of them. Any number of processes may do so on one ledger: what one deleted, the
 * others do not find. Runs that have not ended are never deleted, nor those whose commit is in doubt.
 */
export class Retention {
  readonly #times: readonly (readonly [TerminalStatus, number])[];
  readonly #occurrencesMs: number;
  #stopping = new AbortController();
  #callOff: () => void = () => undefined;

  constructor(
    private readonly services: RunServices,
    private readonly health: StoreHealth,
    { succeededMs, failedMs = 90 * DAY_MS, cancelledMs = 14 * DAY_MS }: RetentionTimes,
  ) {
    const times = [
      ["succeeded", succeededMs ?? Math.max(failedMs, cancelledMs)],
      ["failed", failedMs],
      ["cancelled", cancelledMs],
    ] as const;
    this.#occurrencesMs = Math.max(...times.map(([, keptMs]) => keptMs));
    this.#times = times.filter(([, keptMs]) => keptMs !== Infinity);
  }

  start(): void {
    this.#stopping = new AbortController();
    if (this.#times.length > 0) this.#schedule();
  }

  /** Deletes nothing more. */
  stop(): void {
    this.#stopping.abort();
    this.#callOff();
  }

  #schedule(): void {
    if (this.#stopping.signal.aborted) return;
    const { clock, ids } = this.services;
    // Plus a random part, so that processes do not sweep in step.
    this.#callOff = clock.after(SWEEP_INTERVAL_MS * (1 + ids.random() / 4), () => {
      void this.#sweep().then(() => this.#schedule());
    });
  }

  async #sweep(): Promise<void> {
    const { ledger, logger, events } = this.services;
    let count = 0;
    try {
      const { schedules } = ledger.store;
      for (const [status, olderThanMs] of this.#times) {
        count += await this.#stepwise((limit) => ledger.prune({ olderThanMs, limit, statuses: [status] }));
      }
      const olderThanMs = this.#occurrencesMs;
      if (schedules && olderThanMs !== Infinity) {
        await this.#stepwise((limit) => schedules.pruneOccurrences({ olderThanMs, limit }));
        await this.#stepwise((limit) => schedules.pruneBackfills({ olderThanMs, limit }));
      }
    } catch (error) {
      if (this.#stopping.signal.aborted || this.health.isOut) return;
      logger.warn("Old runs could not be deleted.", { message: causeChain(error) });
    } finally {
      if (count > 0) events.emit({ type: "runs.pruned", count });
    }
  }

  /** @param prune deletes at most so many, and tells how many. */
  async #stepwise(prune: (limit: number) => Promise<number>): Promise<number> {
    const { clock } = this.services;
    const { signal } = this.#stopping;
    for (let count = 0; ;) {
      if (signal.aborted) return count;
      const pruned = await withAnswer(clock, prune(STEP));
      count += pruned;
      if (pruned < STEP) return count;
      await pause(clock, PAUSE_MS, signal);
    }
  }
}
