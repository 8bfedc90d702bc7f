import { causeChain } from "../model/job-error.js";
import type { Occurrence } from "../model/occurrence.js";
import type { Schedule } from "../model/schedule.js";
import type { EndedRun } from "../ports/schedule-store.js";
import { RepeatableAct } from "../runs/repeatable-act.js";
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
/** Something is due, and could not be decided: it is looked at again after this, or so much for each of many, in milliseconds. */
const LOOK_AGAIN_MS = 20;
const LOOK_AGAIN_EACH_MS = 0.1;
/** An occurrence that nobody started for so long is started by whoever finds it, in milliseconds. */
const LEFT_ALONE_MS = 5_000;

/**
 * Fires what is due, starts what was left behind, and brings ends of runs to their schedules, until it is stopped. Any number
 * of processes may do so on one ledger: what one has done, the others find done.
 *
 * The three go on beside each other, as if they were processes of their own: what is due never waits for the rest.
 */
export class ScheduleKeeper {
  readonly #firing = this.#keptUp(() => this.#fire());
  readonly #ending = this.#keptUp(() => this.#endWhatEnded());
  readonly #upkeep = this.#keptUp(() => this.#tidy());
  readonly #endedRuns = new Set<string>();
  /** What could not be done the last time, since the ledger is out of reach. */
  readonly #failing = new Set<() => Promise<void>>();
  #stopped = true;
  #unsubscribe: () => void = () => undefined;
  #sweptAt = -Infinity;
  /** When the next schedule comes due, by this process's clock; Infinity: none does. */
  #nextAt = Infinity;
  /** Whether something is to be started that others may have left behind. */
  #isLeft = false;
  /** Where there are no schedules, nobody asks which runs have ended. */
  #hasSchedules = true;
  /** Of those that were deleted, runs and backfills may still be under way. */
  #hadSchedules = false;

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
      this.#ending.ask();
    });
    scheduler.start(() => this.#wakeUp());
    this.wake();
    await this.#idle();
  }

  /** Begins nothing more, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    this.services.scheduler.stop();
    await Promise.all([this.starter.stop(), this.#idle()]);
  }

  /** Something may be due. */
  wake(): void {
    if (this.#stopped) return;
    this.#hasSchedules = true;
    this.#firing.ask();
    this.#upkeep.ask();
    if (this.#endedRuns.size > 0) this.#ending.ask();
  }

  /** At a time that was planned: what comes due often need not bring the rest with it each time. */
  #wakeUp(): void {
    const now = this.services.runs.clock.now();
    this.#firing.ask();
    if (now < this.#nextAt || Math.abs(now - this.#sweptAt) >= POLL_MS) this.#upkeep.ask();
    if (this.#endedRuns.size > 0) this.#ending.ask();
  }

  async #idle(): Promise<void> {
    await Promise.all([this.#firing.idle(), this.#ending.idle(), this.#upkeep.idle()]);
  }

  /** What fails is told once, and tried again with the next wake-up. */
  #keptUp(act: () => Promise<void>): RepeatableAct {
    return new RepeatableAct(async () => {
      if (this.#stopped) return;
      try {
        await act();
        this.#failing.delete(act);
      } catch (error) {
        if (this.#failing.size === 0 && !this.#stopped) {
          const message = causeChain(error);
          this.services.runs.logger.warn("Schedules could not be looked at; they are tried again.", { message });
        }
        this.#failing.add(act);
        this.#planWake();
      }
      // The host's turn, too.
      await nextTurn();
    });
  }

  #planWake(): void {
    if (this.#stopped) return;
    const { scheduler, runs } = this.services;
    const { shared } = runs.ledger.store.capabilities;
    const isBusy = this.#isLeft || this.#failing.size > 0;
    const usualMs = this.#hasSchedules ? (shared ? POLL_MS : LONGEST_SLEEP_MS) : shared ? IDLE_POLL_MS : Infinity;
    const wakeAt = Math.min(this.#nextAt, runs.clock.now() + (isBusy ? POLL_MS : usualMs));
    scheduler.wakeAt(wakeAt === Infinity ? undefined : wakeAt);
  }

  async #fire(): Promise<void> {
    const { store, runs } = this.services;
    // Known again at the end: until then nobody need be woken for it.
    this.#nextAt = Infinity;
    const { found, read } = await this.due.fire();
    const [next, now] = await Promise.all([store.nextScheduleDueAt(), store.now()]);
    const untilNextMs = (next?.getTime() ?? Infinity) - now.getTime();
    // A timer may be early, by the ledger's clock.
    if (found === "more" || (found === "nothing" && untilNextMs <= 0)) this.#firing.ask();
    const lookAgainMs = Math.max(LOOK_AGAIN_MS, Math.ceil(read * LOOK_AGAIN_EACH_MS));
    this.#nextAt = runs.clock.now() + (untilNextMs > 0 ? untilNextMs : lookAgainMs);
    this.#hadSchedules ||= next !== undefined || this.#isLeft || (await store.listSchedules({ limit: 1 })).length > 0;
    this.#hasSchedules = this.#hadSchedules;
    this.#planWake();
  }

  async #endWhatEnded(): Promise<void> {
    const { store } = this.services;
    while (this.#endedRuns.size > 0 && !this.#stopped) {
      const runIds = [...this.#endedRuns].slice(0, BATCH);
      // Most ends are those of runs that no schedule made.
      await this.#end(await store.endedOccurrences({ runIds, limit: BATCH }));
      for (const runId of runIds) this.#endedRuns.delete(runId);
    }
  }

  /** Backfills, and what other processes brought to its end, or left behind when they died. */
  async #tidy(): Promise<void> {
    const { store, runs } = this.services;
    await this.starter.start(await this.backfills.advance());
    // A clock that was put back must not put this off.
    if (Math.abs(runs.clock.now() - this.#sweptAt) >= POLL_MS) {
      const ended = await store.endedOccurrences({ limit: BATCH });
      await this.#end(ended);
      if (ended.length === BATCH) this.#upkeep.ask();
      else this.#sweptAt = runs.clock.now();
      this.#isLeft = await this.#startWhatIsLeft();
    }
    this.#planWake();
  }

  async #end(ended: readonly EndedRun[]): Promise<void> {
    if (ended.length > 0) await this.starter.start(await this.ender.ended(ended));
  }

  /** @returns whether something is still to be started. */
  async #startWhatIsLeft(): Promise<boolean> {
    const { store } = this.services;
    const [found, now] = await Promise.all([store.occurrencesToStart(BATCH), store.now()]);
    // The others are probably being started just now, by whoever made them.
    const isLeft = ({ createdAt }: Occurrence): boolean =>
      Math.abs(now.getTime() - createdAt.getTime()) >= LEFT_ALONE_MS;
    const left = found.filter(isLeft);
    if (left.length === 0) return found.length > 0;
    const schedules = await store.getSchedules([...new Set(left.map(({ scheduleId }) => scheduleId))]);
    const byId = new Map(schedules.map((schedule) => [schedule.definition.id, schedule]));
    const gone = new Set(left.map(({ scheduleId }) => scheduleId).filter((id) => !byId.has(id)));
    // With what waits for them, which nobody else would ever start.
    const orphans = (gone.size === 0 ? [] : await store.openOccurrences([...gone])).filter(
      (one) => one.state !== "started" && one.cause !== "backfill" && isLeft(one),
    );
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
