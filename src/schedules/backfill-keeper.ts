import type { Backfill } from "../model/backfill.js";
import { causeChain } from "../model/job-error.js";
import { backfillKey } from "../model/occurrence-key.js";
import type { Occurrence } from "../model/occurrence.js";
import type { Schedule } from "../model/schedule.js";
import type { Scheduler } from "../ports/scheduler.js";
import { fixedTimes } from "./due-firings.js";
import { calledOff } from "./end-occurrence.js";
import { nextFiring } from "./firing-times.js";
import { firingsOfRange, isPassedOver, statesInRange } from "./backfill-range.js";
import type { ToStart } from "./occurrence-ender.js";
import type { ScheduleServices } from "./schedule-services.js";

/** How many backfills are looked at in one pass. */
const LOOKED_AT = 100;
/** How many firings of one backfill are decided upon in one act. */
const DECIDED_AT_ONCE = 1_000;

/**
 * Makes the next occurrences of open backfills, as many at a time as each may. What it has decided stands in the ledger, so
 * that any process goes on where another one stopped.
 */
export class BackfillKeeper {
  /** The times of open backfills: working them out takes longer than all the rest. */
  readonly #ranges = new Map<string, { readonly hash: string; readonly times: readonly Date[] }>();

  constructor(private readonly services: ScheduleServices) {}

  /** @returns what is to be started. */
  async advance(): Promise<readonly ToStart[]> {
    const { store } = this.services;
    const open = await store.listBackfills({ open: true, limit: LOOKED_AT });
    for (const id of this.#ranges.keys()) if (!open.some((one) => one.id === id)) this.#ranges.delete(id);
    if (open.length === 0) return [];
    const ids = [...new Set(open.map(({ scheduleId }) => scheduleId))];
    const [schedules, occurrences] = await Promise.all([store.getSchedules(ids), store.openOccurrences(ids)]);
    const toStart: ToStart[] = [];
    for (const backfill of open) {
      const schedule = schedules.find(({ definition }) => definition.id === backfill.scheduleId);
      const own = occurrences.filter(({ key, cause }) => cause === "backfill" && key.endsWith(`#${backfill.id}`));
      toStart.push(...(await this.#advance(backfill, schedule, own)));
    }
    return toStart;
  }

  async #advance(
    backfill: Backfill,
    schedule: Schedule | undefined,
    own: readonly Occurrence[],
  ): Promise<readonly ToStart[]> {
    const now = await this.services.store.now();
    if (schedule === undefined || backfill.state === "cancelling") {
      await this.#cancel(backfill, own, now);
      return [];
    }
    let left: readonly Date[];
    try {
      left = await this.#leftOf(backfill, schedule);
    } catch (fault) {
      // The schedule is another one by now, of which no firings can be told.
      const { id } = backfill;
      this.services.runs.logger.error("A backfill cannot go on and is cancelled.", { id, message: causeChain(fault) });
      await this.#cancel(backfill, own, now);
      return [];
    }
    return this.#make(backfill, schedule, left, own.length, now);
  }

  async #cancel(backfill: Backfill, own: readonly Occurrence[], now: Date): Promise<void> {
    const { store, cancelRun } = this.services;
    for (const { runId } of own) {
      if (runId !== null) await cancelRun(runId, `The backfill ${backfill.id} was cancelled.`);
    }
    const waiting = own.filter(({ state }) => state === "scheduled");
    const isOver = waiting.length === own.length;
    if (!isOver && waiting.length === 0 && backfill.state === "cancelling") return;
    const next: Backfill = {
      ...backfill,
      version: backfill.version + 1,
      cancelled: backfill.cancelled + waiting.length,
      ...(isOver ? { state: "cancelled", endedAt: now } : { state: "cancelling" }),
    };
    const update = waiting.map((one) => calledOff(one, now, "its backfill was cancelled"));
    await store.advance([{ backfill: next, update }]);
  }

  /** What is yet to be decided of it, in its order. */
  async #leftOf(backfill: Backfill, { definition }: Schedule): Promise<readonly Date[]> {
    const { id, cursor, order } = backfill;
    let known = this.#ranges.get(id);
    if (known?.hash !== definition.hash) {
      known = { hash: definition.hash, times: await firingsOfRange(definition, backfill, this.services.scheduler) };
      this.#ranges.set(id, known);
    }
    const { times } = known;
    const at = times.findIndex((time) => cursor === null || (order === "oldest_first" ? time > cursor : time < cursor));
    return at === -1 ? [] : times.slice(at, at + DECIDED_AT_ONCE);
  }

  async #make(
    backfill: Backfill,
    schedule: Schedule,
    left: readonly Date[],
    open: number,
    now: Date,
  ): Promise<readonly ToStart[]> {
    const { store, scheduler, wake } = this.services;
    const room = backfill.concurrency - open;
    const [first, last] = [left[0], left.at(-1)];
    if (room <= 0 || (first === undefined && open > 0)) return [];
    const range = { from: earlier(first, last), to: later(first, last) };
    const states = await statesInRange(store, backfill.scheduleId, range);
    const insert: Occurrence[] = [];
    let passedOver = 0;
    let cursor = backfill.cursor;
    for (const nominalAt of left) {
      if (insert.length === room) break;
      cursor = nominalAt;
      if (isPassedOver(backfill.reprocess, states.get(nominalAt.getTime()))) passedOver += 1;
      else insert.push(fresh(backfill, nominalAt, await previousFiring(schedule, nominalAt, scheduler), now));
    }
    const next: Backfill = {
      ...backfill,
      version: backfill.version + 1,
      cursor,
      started: backfill.started + insert.length,
      passedOver: backfill.passedOver + passedOver,
      ...(first === undefined && { state: "completed", endedAt: now }),
    };
    const [done] = await store.advance([{ backfill: next, insert }]);
    // Nothing ends of what was passed over.
    if (first !== undefined && insert.length < room) wake();
    return done ? insert.map((occurrence) => ({ occurrence, schedule })) : [];
  }
}

function earlier(first = new Date(0), last = first): Date {
  return first < last ? first : last;
}

function later(first = new Date(0), last = first): Date {
  return new Date(Math.max(first.getTime(), last.getTime()) + 1);
}

/** Further back no firing is looked for, in milliseconds. */
const LONGEST_GAP_MS = 10 * 366 * 86_400_000;

/** The nominal time before this one, whether anything fired then or not; itself where there is none. */
async function previousFiring({ definition }: Schedule, nominal: Date, scheduler: Scheduler): Promise<Date> {
  const times = fixedTimes(definition.times);
  const at = nominal.getTime();
  const unlimited = times && { ...times, startAt: null, endAt: null };
  for (let gap = 1_000; unlimited && gap < LONGEST_GAP_MS; gap *= 2) {
    let before = await nextFiring(unlimited, scheduler, at - gap - 1);
    if (before === undefined || before >= at) continue;
    for (let next: number | undefined = before; next !== undefined && next < at;) {
      before = next;
      next = await nextFiring(unlimited, scheduler, next);
    }
    return new Date(before);
  }
  return nominal;
}

function fresh({ id, scheduleId }: Backfill, nominalAt: Date, previousAt: Date, now: Date): Occurrence {
  return {
    key: backfillKey(scheduleId, nominalAt, id),
    scheduleId,
    nominalAt,
    previousAt,
    dueAt: nominalAt,
    cause: "backfill",
    state: "scheduled",
    reason: null,
    runId: null,
    error: null,
    createdAt: now,
    endedAt: null,
    count: 1,
    lastNominalAt: nominalAt,
  };
}
