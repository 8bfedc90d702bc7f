import type { Backfill } from "../../../model/backfill.js";
import { occurrenceOfRunKey, runKey } from "../../../model/occurrence-key.js";
import { isOpenOccurrence, type Occurrence } from "../../../model/occurrence.js";
import { isTerminal } from "../../../model/run-status.js";
import type { FinishedRun, JobRun } from "../../../model/run.js";
import type { Schedule } from "../../../model/schedule.js";
import type { EndedRun, OccurrencePage, ScheduleChange, ScheduleStore } from "../../../ports/schedule-store.js";
import type { Definitions } from "../definitions.js";
import type { FullRow } from "../ledger-schema.js";
import type { RowReader } from "../row-reader.js";
import { recordOf } from "../run-rows.js";
import {
  backfillOf,
  backfillRowOf,
  changeRowsOf,
  occurrenceOf,
  occurrenceRangeOf,
  scheduleOf,
  scheduleRowOf,
} from "../schedule-rows.js";
import { sortableText, textAfter } from "../sortable-text.js";
import type { LedgerConnections } from "./ledger-connections.js";
import { advanceSchedules } from "./schedule-changes.js";
import type { EndedRow, Part, ScheduleOperations } from "./schedule-operations.js";

export interface ScheduleParts {
  readonly connections: LedgerConnections;
  readonly definitions: Definitions;
  readonly reader: RowReader;
}

interface OldRange {
  readonly olderThanMs: number;
  readonly limit: number;
}

/** The schedules of a ledger that lies on a server. */
export class SharedScheduleStore implements ScheduleStore {
  /** @param opened throws `store_unavailable` while the store is closed. */
  constructor(private readonly opened: () => ScheduleParts) {}

  async now(): Promise<Date> {
    const [row] = await this.#ask((ledger) => ledger.now());
    return new Date(row?.now ?? NaN);
  }

  async createSchedule(schedule: Schedule): Promise<boolean> {
    const row = scheduleRowOf(schedule);
    return (await this.#write((ledger) => ledger.insertSchedule(row))).length > 0;
  }

  async getSchedules(ids: readonly string[]): Promise<readonly Schedule[]> {
    const asked = { ids: [...new Set(ids.map(sortableText))] };
    const { reader } = this.opened();
    return reader.all(await this.#ask((ledger) => ledger.schedulesById(asked)), scheduleOf);
  }

  async listSchedules(page: { readonly after?: string; readonly limit: number }): Promise<readonly Schedule[]> {
    const { after, limit } = page;
    const from = after === undefined ? "" : textAfter(after);
    return this.#page(limit, (ledger, part) => ledger.schedulesFrom({ ...part, from }), scheduleOf);
  }

  async deleteSchedule(id: string): Promise<boolean> {
    return (await this.#write((ledger) => ledger.deleteSchedule({ id: sortableText(id) }))).length > 0;
  }

  async dueSchedules(limit: number, skip = 0): Promise<readonly Schedule[]> {
    return this.#page(limit, (ledger, part) => ledger.dueSchedules({ ...part, skip: skip + part.skip }), scheduleOf);
  }

  async nextScheduleDueAt(): Promise<Date | undefined> {
    const [next] = await this.#page(1, (ledger, part) => ledger.plannedSchedules(part), scheduleOf);
    return next?.dueAt ?? undefined;
  }

  async advance(changes: readonly ScheduleChange[]): Promise<readonly boolean[]> {
    const rows = changes.map(changeRowsOf);
    const { connections } = this.opened();
    if (rows.length === 0) return [];
    return connections.transaction({ durable: true, plans: "finding" }, (transaction) =>
      advanceSchedules(transaction, rows),
    );
  }

  async getOccurrence(key: string): Promise<Occurrence | undefined> {
    const [row] = await this.#ask((ledger) => ledger.occurrencesByKey({ keys: [sortableText(key)] }));
    return row && occurrenceOf(row);
  }

  async listOccurrences(page: OccurrencePage): Promise<readonly Occurrence[]> {
    const asked = { ...occurrenceRangeOf(page), states: page.states ? [...page.states] : null };
    return this.#page(page.limit, (ledger, part) => ledger.occurrencesOf({ ...asked, ...part }), occurrenceOf);
  }

  async openOccurrences(scheduleIds: readonly string[]): Promise<readonly Occurrence[]> {
    const asked = { ids: [...new Set(scheduleIds.map(sortableText))] };
    const { reader } = this.opened();
    return reader.all(await this.#ask((ledger) => ledger.openOccurrences(asked)), occurrenceOf);
  }

  async occurrencesToStart(limit: number): Promise<readonly Occurrence[]> {
    return this.#page(limit, (ledger, part) => ledger.occurrencesToStart(part), occurrenceOf);
  }

  async endedOccurrences(query: {
    readonly runIds?: readonly string[];
    readonly limit: number;
  }): Promise<readonly EndedRun[]> {
    const { runIds, limit } = query;
    if (runIds) return this.#endedOf([...new Set(runIds)], limit);
    const { definitions } = this.opened();
    return this.#page(
      limit,
      (ledger, part) => ledger.endedOccurrences(part),
      (row) => {
        const occurrence = occurrenceOf(row);
        if (!isRun(row)) return { occurrence, run: null };
        const run = finishedRun(row, definitions);
        return run && { occurrence, run };
      },
    );
  }

  async runsOf(occurrenceKeys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const byText = new Map(occurrenceKeys.map((key) => [JSON.stringify(runKey(key)), key]));
    const { connections } = this.opened();
    if (byText.size === 0) return new Map();
    const rows = await connections.transaction(READING, ({ ledger }) => ledger.runsByKey({ keys: [...byText.keys()] }));
    return new Map(
      rows.flatMap(({ id, idempotency_key: text }) => {
        const key = byText.get(text ?? "");
        return key === undefined ? [] : [[key, id] as const];
      }),
    );
  }

  async pruneOccurrences(range: OldRange): Promise<number> {
    return this.#prune(range, (ledger, old) => ledger.pruneOccurrences(old));
  }

  async pruneBackfills(range: OldRange): Promise<number> {
    return this.#prune(range, (ledger, old) => ledger.pruneBackfills(old));
  }

  async createBackfill(backfill: Backfill): Promise<boolean> {
    const row = backfillRowOf(backfill);
    return (await this.#write((ledger) => ledger.insertBackfill(row))).length > 0;
  }

  async getBackfill(id: string): Promise<Backfill | undefined> {
    const [row] = await this.#ask((ledger) => ledger.backfillById({ id: sortableText(id) }));
    return row && backfillOf(row);
  }

  async listBackfills(page: {
    readonly scheduleId?: string;
    readonly open?: boolean;
    readonly limit: number;
  }): Promise<readonly Backfill[]> {
    const { scheduleId, open = null, limit } = page;
    const asked = { scheduleId: scheduleId === undefined ? null : sortableText(scheduleId), open };
    return this.#page(limit, (ledger, part) => ledger.backfills({ ...asked, ...part }), backfillOf);
  }

  async #endedOf(ids: readonly string[], limit: number): Promise<readonly EndedRun[]> {
    const { connections, reader, definitions } = this.opened();
    const { runs, rows } = await connections.transaction(READING, async ({ schedules }) => {
      const ended = reader.all(await schedules.runsById({ ids }), (row) => finishedRun(row, definitions));
      const byKey = new Map(
        ended.flatMap((run) => {
          const key = occurrenceOfRunKey(run.idempotencyKey);
          return key === undefined ? [] : [[sortableText(key), run] as const];
        }),
      );
      return { runs: byKey, rows: await schedules.occurrencesByKey({ keys: [...byKey.keys()] }) };
    });
    return reader.all(
      rows,
      (row) => {
        const [occurrence, run] = [occurrenceOf(row), runs.get(row.occurrence_key)];
        return run && isOpenOccurrence(occurrence.state) ? { occurrence, run } : undefined;
      },
      limit,
    );
  }

  /** What can be read of rows: as many as asked for, also where others among them cannot be. */
  async #page<Row, T>(
    limit: number,
    rowsOf: (ledger: ScheduleOperations, part: Part) => Promise<readonly Row[]>,
    read: (row: Row) => T | undefined,
  ): Promise<readonly T[]> {
    const { connections, reader } = this.opened();
    if (limit <= 0) return [];
    return connections.transaction(READING, async ({ schedules }) => {
      const found: T[] = [];
      for (let skip = 0; ;) {
        const rows = await rowsOf(schedules, { limit, skip });
        found.push(...reader.all(rows, read, limit - found.length));
        if (found.length >= limit || rows.length < limit) return found;
        skip += rows.length;
      }
    });
  }

  async #prune(
    { olderThanMs, limit }: OldRange,
    act: (ledger: ScheduleOperations, old: OldRange) => Promise<number>,
  ): Promise<number> {
    const { connections } = this.opened();
    if (limit <= 0) return 0;
    return connections.transaction(READING, ({ schedules }) => act(schedules, { olderThanMs, limit }));
  }

  #write<Row>(act: (ledger: ScheduleOperations) => Promise<readonly Row[]>): Promise<readonly Row[]> {
    return this.#ask(act, { durable: true, plans: "finding" });
  }

  async #ask<Row>(
    act: (ledger: ScheduleOperations) => Promise<readonly Row[]>,
    kind: Parameters<LedgerConnections["transaction"]>[0] = READING,
  ): Promise<readonly Row[]> {
    // Nothing has to be known before the commit, which therefore need not wait.
    const { rows } = await this.opened().connections.transaction(kind, async ({ schedules }) => {
      const asked = act(schedules);
      // Whoever awaits the commit hears of the failure.
      asked.catch(() => undefined);
      return { rows: asked };
    });
    return rows;
  }
}

/** Also for pruning: whose loss in a power cut harms nothing. */
const READING = { durable: false, plans: "finding" } as const;

function isRun(row: EndedRow): row is EndedRow & FullRow {
  return row.seq !== null;
}

function finishedRun(row: FullRow, definitions: Definitions): FinishedRun | undefined {
  const { run } = recordOf(row, definitions.read);
  return isFinished(run) ? run : undefined;
}

function isFinished(run: JobRun): run is FinishedRun {
  return isTerminal(run.status);
}
