import { causeChain } from "../model/job-error.js";
import type { Occurrence } from "../model/occurrence.js";
import type { Schedule } from "../model/schedule.js";
import type { EndedRun } from "../ports/schedule-store.js";
import { nextTurn } from "../runs/waiting.js";
import type { BackfillKeeper } from "./backfill-keeper.js";
import type { DueSchedules } from "./due-schedules.js";
import { calledOff } from "./end-occurrence.js";
import type { OccurrenceEnder } from "./occurrence-ender.js";
import type { OccurrenceStarter } from "./occurrence-starter.js";
import type { ScheduleServices } from "./schedule-services.js";

/** How many occurrences are ended, or started anew, in one act. */
const BATCH = 200;
/** What other processes changed is seen within this, in milliseconds: where there are schedules, and where there were none. */
const POLL_MS = 1_000;
const IDLE_POLL_MS = 5_000;
/** On a ledger of this process alone, in milliseconds: timers stand still while a machine sleeps. */
const LONGEST_SLEEP_MS = 30_000;
/** Something is due, and could not be decided: it is looked at again after this, in milliseconds. */
const LOOK_AGAIN_MS = 20;
/** An occurrence that nobody started for so long is started by whoever finds it, in milliseconds. */
const LEFT_ALONE_MS = 5_000;

/**
 * Fires what is due, starts what was left behind, and brings ends of runs to their schedules, until it is stopped. Any number
 * of processes may do so on one ledger: what one has done, the others find done.
 */
export class ScheduleKeeper {
  readonly #endedRuns = new Set<string>();
  #working: Promise<void> | null = null;
  #again = false;
  #stopped = true;
  #unsubscribe: () => void = () => undefined;
  #isOut = false;
  #sweptAt = -Infinity;
  /** Where there are no schedules, nobody asks which runs have ended. */
  #hasSchedules = true;

  constructor(
    private readonly services: ScheduleServices,
    private readonly due: DueSchedules,
    private readonly starter: OccurrenceStarter,
    private readonly ender: OccurrenceEnder,
    private readonly backfills: BackfillKeeper,
  ) {}

  /** Resolves when what was due is fired. */
  async start(): Promise<void> {
    const { scheduler, runs } = this.services;
    this.#stopped = false;
    this.starter.open();
    this.#unsubscribe = runs.ledger.signals.subscribe((change, runId) => {
      if (change !== "ended" || runId === null || !this.#hasSchedules) return;
      this.#endedRuns.add(runId);
      this.#begin();
    });
    scheduler.start(() => this.wake());
    this.wake();
    await this.#working;
  }

  /** Begins nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    this.services.scheduler.stop();
    await Promise.all([this.starter.stop(), this.#working]);
  }

  /** Something may be due. */
  wake(): void {
    this.#again = true;
    this.#hasSchedules = true;
    this.#begin();
  }

  #begin(): void {
    if (this.#stopped || this.#working !== null) return;
    this.#working = this.#work().finally(() => {
      this.#working = null;
      if ((this.#again || this.#endedRuns.size > 0) && !this.#isOut) this.#begin();
    });
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    const { scheduler, runs } = this.services;
    while ((this.#again || this.#endedRuns.size > 0) && !this.#stopped) {
      const isWoken = this.#again;
      this.#again = false;
      let pauseMs = POLL_MS;
      try {
        const haveEnded = await this.#endWhatEnded();
        // Most ends are those of runs that no schedule made.
        if (!isWoken && !haveEnded) continue;
        pauseMs = await this.#pass();
        this.#isOut = false;
      } catch (error) {
        if (!this.#isOut && !this.#stopped) {
          runs.logger.warn("Schedules could not be looked at; they are tried again.", { message: causeChain(error) });
        }
        this.#isOut = true;
      }
      if (!this.#stopped) scheduler.wakeAt(pauseMs === Infinity ? undefined : runs.clock.now() + pauseMs);
      // The host's turn, too.
      await nextTurn();
      if (this.#isOut) return;
    }
  }

  /** @returns how long nothing need be done. */
  async #pass(): Promise<number> {
    const { runs, store } = this.services;
    if (await this.due.fire()) this.#again = true;
    await this.starter.start(await this.backfills.advance());
    const isLeft = await this.#sweep();
    const [next, now] = await Promise.all([store.nextScheduleDueAt(), store.now()]);
    this.#hasSchedules = next !== undefined || isLeft || (await store.listSchedules({ limit: 1 })).length > 0;
    const { shared } = runs.ledger.store.capabilities;
    if (!this.#hasSchedules) return shared ? IDLE_POLL_MS : Infinity;
    const isDue = next !== undefined && next <= now;
    const untilNext = isDue ? LOOK_AGAIN_MS : (next?.getTime() ?? Infinity) - now.getTime();
    return Math.min(shared || isLeft ? POLL_MS : LONGEST_SLEEP_MS, untilNext);
  }

  /** @returns whether any run of a schedule has. */
  async #endWhatEnded(): Promise<boolean> {
    const { store } = this.services;
    let found = false;
    while (this.#endedRuns.size > 0 && !this.#stopped) {
      const runIds = [...this.#endedRuns].slice(0, BATCH);
      const ended = await store.endedOccurrences({ runIds, limit: BATCH });
      await this.#end(ended);
      found ||= ended.length > 0;
      for (const runId of runIds) this.#endedRuns.delete(runId);
    }
    return found;
  }

  /**
   * What other processes brought to its end, or left behind when they died.
   *
   * @returns whether something is still to be started.
   */
  async #sweep(): Promise<boolean> {
    const { store, runs } = this.services;
    // A clock that was put back must not put this off.
    if (Math.abs(runs.clock.now() - this.#sweptAt) < POLL_MS) return true;
    const ended = await store.endedOccurrences({ limit: BATCH });
    await this.#end(ended);
    if (ended.length === BATCH) this.#again = true;
    else this.#sweptAt = runs.clock.now();
    return this.#startWhatIsLeft();
  }

  async #end(ended: readonly EndedRun[]): Promise<void> {
    if (ended.length > 0) await this.starter.start(await this.ender.ended(ended));
  }

  async #startWhatIsLeft(): Promise<boolean> {
    const { store } = this.services;
    const [found, now] = await Promise.all([store.occurrencesToStart(BATCH), store.now()]);
    // The others are probably being started just now, by whoever made them.
    const left = found.filter((one) => Math.abs(now.getTime() - one.createdAt.getTime()) >= LEFT_ALONE_MS);
    if (left.length === 0) return found.length > 0;
    const schedules = await store.getSchedules([...new Set(left.map(({ scheduleId }) => scheduleId))]);
    const byId = new Map(schedules.map((schedule) => [schedule.definition.id, schedule]));
    const orphans = left.filter(({ scheduleId, cause }) => !byId.has(scheduleId) && cause !== "backfill");
    await store.advance(
      orphans.map((one) => ({ update: [calledOff(one, now, "its schedule is not there, or cannot be read")] })),
    );
    await this.starter.start(left.flatMap((occurrence) => toStart(occurrence, byId.get(occurrence.scheduleId))));
    return true;
  }
}

function toStart(occurrence: Occurrence, schedule: Schedule | undefined) {
  return schedule ? [{ occurrence, schedule }] : [];
}
