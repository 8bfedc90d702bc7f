import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../src/adapters/system/system-clock.js";
import { isTerminal, type RunStatus } from "../../src/model/run-status.js";
import type { RunEvent } from "../../src/model/run-event.js";
import type { JobRun, RunPage } from "../../src/model/run.js";
import type { JobStore } from "../../src/ports/job-store.js";
import { countBehind } from "./check-gates.js";

const LOOK_MS = 100;
const PAGE = 1_000;

/** Looks at the ledger again and again from a process of its own, and remembers what must not change. */
export class LedgerWatcher {
  readonly firstEnds = new Map<string, JobRun>();
  readonly mostBehind = new Map<string, number>();
  /** The runs as they were at the last look. */
  latest: readonly JobRun[] = [];
  #stopped = false;
  #watching: Promise<void> | undefined;

  constructor(private readonly store: JobStore) {}

  start(): void {
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#watching;
  }

  /** Everything, as it is when nothing changes any more. */
  async all(): Promise<{
    readonly runs: readonly JobRun[];
    readonly events: ReadonlyMap<string, readonly RunEvent[]>;
  }> {
    await this.store.open({ clock: systemClock });
    const runs = await this.#runs();
    const events = new Map<string, readonly RunEvent[]>();
    for (const { id } of runs) events.set(id, await this.store.readEvents(id, { after: 0, limit: PAGE }));
    return { runs, events };
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      // The ledger may be away for a while: that is part of the trial.
      await this.#look().catch(() => undefined);
      await pause(LOOK_MS);
    }
  }

  async #look(): Promise<void> {
    await this.store.open({ clock: systemClock });
    const underWay = await this.store.listRuns({ status: ["running", "committing"], limit: PAGE });
    for (const [gate, count] of countBehind(underWay.runs)) {
      this.mostBehind.set(gate, Math.max(count, this.mostBehind.get(gate) ?? 0));
    }
    this.latest = await this.#runs();
    for (const run of this.latest) {
      if (isTerminal(run.status) && !this.firstEnds.has(run.id)) this.firstEnds.set(run.id, run);
    }
  }

  async #runs(): Promise<readonly JobRun[]> {
    const runs: JobRun[] = [];
    let page: RunPage | undefined;
    do {
      page = await this.store.listRuns({
        limit: PAGE,
        ...(page?.nextCursor !== undefined && { cursor: page.nextCursor }),
      });
      if (page.unreadable !== undefined) throw new Error(`unreadable runs: ${JSON.stringify(page.unreadable)}`);
      runs.push(...page.runs);
    } while (page.nextCursor !== undefined);
    return runs;
  }
}

/** How many runs have each status. */
export function countStatuses(runs: readonly JobRun[]): Readonly<Partial<Record<RunStatus, number>>> {
  const counts: Partial<Record<RunStatus, number>> = {};
  for (const { status } of runs) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
