import type { Backfill } from "../../model/backfill.js";
import { occurrenceOfRunKey, runKey } from "../../model/occurrence-key.js";
import { isOpenOccurrence, type Occurrence } from "../../model/occurrence.js";
import { plainCopy } from "../../model/plain-copy.js";
import { isTerminal } from "../../model/run-status.js";
import type { FinishedRun, JobRun } from "../../model/run.js";
import type { Schedule } from "../../model/schedule.js";
import type { EndedRun, OccurrencePage, ScheduleChange, ScheduleStore } from "../../ports/schedule-store.js";

/** What the schedules need of the store that holds the runs. */
export interface MemoryRuns {
  /** Rejects while the store is closed. */
  readonly now: () => Promise<number>;
  readonly byId: (id: string) => JobRun | undefined;
  readonly byIdempotencyKey: (key: string) => JobRun | undefined;
}

/** All that a {@link MemoryScheduleStore} holds, as plain data. */
export interface MemoryScheduleSnapshot {
  readonly schedules: readonly Schedule[];
  readonly occurrences: readonly Occurrence[];
  readonly backfills: readonly Backfill[];
}

/** Schedules, occurrences and backfills in this process's memory. */
export class MemoryScheduleStore implements ScheduleStore {
  readonly #schedules = new Map<string, Schedule>();
  /** Active ones, longest due first; undefined after a change. */
  #planned: readonly Schedule[] | undefined;
  readonly #occurrences = new Map<string, Occurrence>();
  /** Those that are not over. */
  readonly #open = new Map<string, Occurrence>();
  readonly #backfills = new Map<string, Backfill>();

  constructor(private readonly runs: MemoryRuns) {}

  snapshot(): MemoryScheduleSnapshot {
    return plainCopy({
      schedules: [...this.#schedules.values()],
      occurrences: [...this.#occurrences.values()],
      backfills: [...this.#backfills.values()],
    });
  }

  /** Replaces all that the store holds. */
  restore(snapshot: MemoryScheduleSnapshot): void {
    for (const held of [this.#schedules, this.#occurrences, this.#open, this.#backfills]) held.clear();
    const { schedules, occurrences, backfills } = plainCopy(snapshot);
    for (const schedule of schedules) this.#putSchedule(schedule);
    for (const occurrence of occurrences) this.#putOccurrence(occurrence);
    for (const backfill of backfills) this.#backfills.set(backfill.id, backfill);
  }

  async now(): Promise<Date> {
    return new Date(await this.runs.now());
  }

  async createSchedule(schedule: Schedule): Promise<boolean> {
    const given = plainCopy(schedule);
    await this.runs.now();
    if (this.#schedules.has(given.definition.id)) return false;
    this.#putSchedule(given);
    return true;
  }

  async getSchedules(ids: readonly string[]): Promise<readonly Schedule[]> {
    const asked = new Set(ids);
    await this.runs.now();
    return [...asked].flatMap((id) => plainCopy(this.#schedules.get(id)) ?? []);
  }

  async listSchedules({
    after,
    limit,
  }: {
    readonly after?: string;
    readonly limit: number;
  }): Promise<readonly Schedule[]> {
    await this.runs.now();
    const ids = [...this.#schedules.keys()].filter((id) => after === undefined || id > after).sort();
    return plainCopy(ids.slice(0, limit).map((id) => this.#schedules.get(id)!));
  }

  async deleteSchedule(id: string): Promise<boolean> {
    await this.runs.now();
    this.#planned = undefined;
    return this.#schedules.delete(id);
  }

  async dueSchedules(limit: number, skip = 0): Promise<readonly Schedule[]> {
    const now = await this.runs.now();
    const page = this.#byDueTime().slice(skip, skip + Math.max(0, limit));
    return plainCopy(page.filter((schedule) => dueTime(schedule) <= now));
  }

  async nextScheduleDueAt(): Promise<Date | undefined> {
    await this.runs.now();
    return plainCopy(this.#byDueTime()[0]?.dueAt ?? undefined);
  }

  async advance(changes: readonly ScheduleChange[]): Promise<readonly boolean[]> {
    const given = plainCopy(changes);
    await this.runs.now();
    return given.map((change) => this.#advance(change));
  }

  async getOccurrence(key: string): Promise<Occurrence | undefined> {
    await this.runs.now();
    return plainCopy(this.#occurrences.get(key));
  }

  async listOccurrences({ scheduleId, states, limit, since, before }: OccurrencePage): Promise<readonly Occurrence[]> {
    const asked = states && [...states];
    await this.runs.now();
    const found = [...this.#occurrences.values()].filter((one) => {
      const isAsked = one.scheduleId === scheduleId && (asked?.includes(one.state) ?? true);
      if (since && one.nominalAt < since) return false;
      return isAsked && (before === undefined || newestFirst(before, one) < 0);
    });
    return plainCopy(found.sort(newestFirst).slice(0, limit));
  }

  async openOccurrences(scheduleIds: readonly string[]): Promise<readonly Occurrence[]> {
    const asked = new Set(scheduleIds);
    await this.runs.now();
    const found = [...this.#open.values()].filter(({ scheduleId }) => asked.has(scheduleId));
    return plainCopy(found.sort(oldestFirst));
  }

  async occurrencesToStart(limit: number): Promise<readonly Occurrence[]> {
    await this.runs.now();
    const found = [...this.#open.values()].filter(({ state }) => state === "scheduled");
    return plainCopy(found.sort(oldestFirst).slice(0, limit));
  }

  async endedOccurrences({
    runIds,
    limit,
  }: {
    readonly runIds?: readonly string[];
    readonly limit: number;
  }): Promise<readonly EndedRun[]> {
    const asked = runIds && new Set(runIds);
    await this.runs.now();
    const ended: EndedRun[] = [];
    for (const [occurrence, run] of asked ? this.#occurrencesOf(asked) : this.#started()) {
      if (ended.length >= limit) break;
      if (run === undefined || isFinished(run)) ended.push({ occurrence: plainCopy(occurrence), run: run ?? null });
    }
    return ended;
  }

  async runsOf(occurrenceKeys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const asked = [...occurrenceKeys];
    await this.runs.now();
    return new Map(
      asked.flatMap((key) => {
        const run = this.runs.byIdempotencyKey(runKey(key));
        return run ? [[key, run.id] as const] : [];
      }),
    );
  }

  pruneOccurrences(range: OldRange): Promise<number> {
    return this.#prune(this.#occurrences, range);
  }

  pruneBackfills(range: OldRange): Promise<number> {
    return this.#prune(this.#backfills, range);
  }

  async createBackfill(backfill: Backfill): Promise<boolean> {
    const given = plainCopy(backfill);
    await this.runs.now();
    if (this.#backfills.has(given.id)) return false;
    this.#backfills.set(given.id, given);
    return true;
  }

  async getBackfill(id: string): Promise<Backfill | undefined> {
    await this.runs.now();
    return plainCopy(this.#backfills.get(id));
  }

  async listBackfills({
    scheduleId,
    open,
    limit,
  }: {
    readonly scheduleId?: string;
    readonly open?: boolean;
    readonly limit: number;
  }): Promise<readonly Backfill[]> {
    await this.runs.now();
    const found = [...this.#backfills.values()].filter((one) => {
      return (
        (scheduleId ?? one.scheduleId) === one.scheduleId && (open ?? one.endedAt === null) === (one.endedAt === null)
      );
    });
    const newest = found.sort(
      (left, right) => right.createdAt.getTime() - left.createdAt.getTime() || (left.id < right.id ? 1 : -1),
    );
    return plainCopy(newest.slice(0, limit));
  }

  async #prune(
    entries: Map<string, { readonly endedAt: Date | null }>,
    { olderThanMs, limit }: OldRange,
  ): Promise<number> {
    const before = (await this.runs.now()) - olderThanMs;
    const old = [...entries]
      .flatMap(([key, { endedAt }]) => (endedAt !== null && endedAt.getTime() < before ? { key, endedAt } : []))
      .sort((left, right) => left.endedAt.getTime() - right.endedAt.getTime())
      .slice(0, Math.max(0, limit));
    for (const { key } of old) entries.delete(key);
    return old.length;
  }

  #advance({ schedule, backfill, insert = [], update = [] }: ScheduleChange): boolean {
    const isBased =
      (!schedule || this.#schedules.get(schedule.definition.id)?.version === schedule.version - 1) &&
      (!backfill || this.#backfills.get(backfill.id)?.version === backfill.version - 1) &&
      insert.every(({ key }, at) => !this.#occurrences.has(key) && insert.findIndex((one) => one.key === key) === at) &&
      update.every(({ from, to }) => this.#occurrences.get(to.key)?.state === from);
    if (!isBased) return false;
    if (schedule) this.#putSchedule(schedule);
    if (backfill) this.#backfills.set(backfill.id, backfill);
    for (const occurrence of [...insert, ...update.map(({ to }) => to)]) this.#putOccurrence(occurrence);
    return true;
  }

  #putSchedule(schedule: Schedule): void {
    this.#planned = undefined;
    this.#schedules.set(schedule.definition.id, schedule);
  }

  #putOccurrence(occurrence: Occurrence): void {
    this.#occurrences.set(occurrence.key, occurrence);
    if (isOpenOccurrence(occurrence.state)) this.#open.set(occurrence.key, occurrence);
    else this.#open.delete(occurrence.key);
  }

  #byDueTime(): readonly Schedule[] {
    this.#planned ??= [...this.#schedules.values()]
      .filter(({ state, dueAt }) => state === "active" && dueAt !== null)
      .sort((left, right) => dueTime(left) - dueTime(right));
    return this.#planned;
  }

  *#occurrencesOf(runIds: ReadonlySet<string>): Iterable<readonly [Occurrence, JobRun]> {
    for (const id of runIds) {
      const run = this.runs.byId(id);
      const key = run && occurrenceOfRunKey(run.idempotencyKey);
      const occurrence = key === undefined ? undefined : this.#open.get(key);
      if (run && occurrence) yield [occurrence, run];
    }
  }

  *#started(): Iterable<readonly [Occurrence, JobRun | undefined]> {
    for (const occurrence of this.#open.values()) {
      const { state, runId } = occurrence;
      if (state === "started") yield [occurrence, runId === null ? undefined : this.runs.byId(runId)];
    }
  }
}

interface OldRange {
  readonly olderThanMs: number;
  readonly limit: number;
}

function isFinished(run: JobRun): run is FinishedRun {
  return isTerminal(run.status);
}

function dueTime({ dueAt }: Schedule): number {
  return dueAt?.getTime() ?? Infinity;
}

function oldestFirst(left: Ordered, right: Ordered): number {
  return left.nominalAt.getTime() - right.nominalAt.getTime() || byKey(left, right);
}

type Ordered = Pick<Occurrence, "nominalAt" | "key">;

function newestFirst(left: Ordered, right: Ordered): number {
  return right.nominalAt.getTime() - left.nominalAt.getTime() || byKey(left, right);
}

function byKey(left: Ordered, right: Ordered): number {
  return left.key < right.key ? -1 : Number(left.key > right.key);
}
