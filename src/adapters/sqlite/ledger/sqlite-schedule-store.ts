import type { Backfill } from "../../../model/backfill.js";
import { occurrenceOfRunKey, runKey } from "../../../model/occurrence-key.js";
import { isOpenOccurrence, type Occurrence } from "../../../model/occurrence.js";
import { isTerminal } from "../../../model/run-status.js";
import type { FinishedRun, JobRun } from "../../../model/run.js";
import type { Schedule } from "../../../model/schedule.js";
import type { EndedRun, OccurrencePage, ScheduleChange, ScheduleStore } from "../../../ports/schedule-store.js";
import {
  backfillOf,
  backfillRowOf,
  changeRowsOf,
  END_OF_TIME,
  occurrenceOf,
  occurrenceRangeOf,
  scheduleOf,
  scheduleRowOf,
  type ChangeRows,
} from "../../sql/schedule-rows.js";
import { sortableText, textAfter } from "../../sql/sortable-text.js";
import type { LedgerStatements } from "./ledger-statements.js";
import type { Ledger } from "./ledger.js";

interface OldRange {
  readonly olderThanMs: number;
  readonly limit: number;
}

/** The schedules of a ledger. What was answered survives a power cut, but for the pruning of what had ended. */
export class SqliteScheduleStore implements ScheduleStore {
  /** @param opened throws `store_unavailable` while the store is closed. */
  constructor(private readonly opened: () => Ledger) {}

  async now(): Promise<Date> {
    return this.opened().read((now) => new Date(now));
  }

  async createSchedule(schedule: Schedule): Promise<boolean> {
    const row = scheduleRowOf(schedule);
    return this.#write(({ insertSchedule }) => insertSchedule.write(row).changes > 0);
  }

  async getSchedules(ids: readonly string[]): Promise<readonly Schedule[]> {
    const asked = { ids: JSON.stringify(ids.map(sortableText)) };
    return this.#read(({ statements, reader }) => reader.all(statements.schedulesById.iterate(asked), scheduleOf));
  }

  async listSchedules(page: { readonly after?: string; readonly limit: number }): Promise<readonly Schedule[]> {
    const { after, limit } = page;
    const from = { id: after === undefined ? "" : textAfter(after) };
    return this.#read(({ statements, reader }) =>
      reader.all(statements.schedulesFrom.iterate(from), scheduleOf, limit),
    );
  }

  async deleteSchedule(id: string): Promise<boolean> {
    const stored = { id: sortableText(id) };
    return this.#write(({ deleteSchedule }) => deleteSchedule.run(stored).changes > 0);
  }

  async dueSchedules(limit: number, skip = 0): Promise<readonly Schedule[]> {
    return this.#read((ledger, now) => planned(ledger, now, limit, skip));
  }

  async nextScheduleDueAt(): Promise<Date | undefined> {
    const [next] = await this.#read((ledger) => planned(ledger, END_OF_TIME, 1));
    return next?.dueAt ?? undefined;
  }

  async advance(changes: readonly ScheduleChange[]): Promise<readonly boolean[]> {
    const rows = changes.map(changeRowsOf);
    return this.#write((statements) => rows.map((change) => advance(statements, change)), rows.length);
  }

  async getOccurrence(key: string): Promise<Occurrence | undefined> {
    return this.#read(({ statements }) => {
      const row = statements.occurrenceByKey.get({ key: sortableText(key) });
      return row && occurrenceOf(row);
    });
  }

  async listOccurrences(page: OccurrencePage): Promise<readonly Occurrence[]> {
    const { limit, states } = page;
    const asked = { ...occurrenceRangeOf(page), states: states === undefined ? null : JSON.stringify(states) };
    return this.#read(({ statements, reader }) =>
      reader.all(statements.occurrencesOf.iterate(asked), occurrenceOf, limit),
    );
  }

  async openOccurrences(scheduleIds: readonly string[]): Promise<readonly Occurrence[]> {
    const asked = { ids: JSON.stringify(scheduleIds.map(sortableText)) };
    return this.#read(({ statements, reader }) => reader.all(statements.openOccurrences.iterate(asked), occurrenceOf));
  }

  async occurrencesToStart(limit: number): Promise<readonly Occurrence[]> {
    return this.#read(({ statements, reader }) =>
      reader.all(statements.occurrencesToStart.iterate(), occurrenceOf, limit),
    );
  }

  async endedOccurrences(query: {
    readonly runIds?: readonly string[];
    readonly limit: number;
  }): Promise<readonly EndedRun[]> {
    const { limit, runIds } = query;
    const asked = runIds && [...new Set(runIds)];
    return this.#read((ledger) => {
      const { statements, reader, runs } = ledger;
      if (asked) return reader.all(asked, (id) => endOf(ledger, id), limit);
      return reader.all(
        statements.endedOccurrences.iterate(),
        ({ run, ...row }) => {
          const occurrence = occurrenceOf(row);
          if (run === null) return { occurrence, run };
          const ended = runs.bySeq(run)?.record.run;
          return ended && isFinished(ended) ? { occurrence, run: ended } : undefined;
        },
        limit,
      );
    });
  }

  async runsOf(occurrenceKeys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const asked = [...occurrenceKeys];
    return this.#read(({ statements }) => {
      return new Map(
        asked.flatMap((key) => {
          const row = statements.runByKey.get({ key: JSON.stringify(runKey(key)) });
          return row ? [[key, row.id] as const] : [];
        }),
      );
    });
  }

  async pruneOccurrences(range: OldRange): Promise<number> {
    return this.#prune(range, ({ pruneOccurrences }) => pruneOccurrences);
  }

  async pruneBackfills(range: OldRange): Promise<number> {
    return this.#prune(range, ({ pruneBackfills }) => pruneBackfills);
  }

  async createBackfill(backfill: Backfill): Promise<boolean> {
    const row = backfillRowOf(backfill);
    return this.#write(({ insertBackfill }) => insertBackfill.write(row).changes > 0);
  }

  async getBackfill(id: string): Promise<Backfill | undefined> {
    return this.#read(({ statements }) => {
      const row = statements.backfillById.get({ id: sortableText(id) });
      return row && backfillOf(row);
    });
  }

  async listBackfills(page: {
    readonly scheduleId?: string;
    readonly open?: boolean;
    readonly limit: number;
  }): Promise<readonly Backfill[]> {
    const { open, limit } = page;
    const scheduleId = page.scheduleId === undefined ? null : sortableText(page.scheduleId);
    return this.#read(({ statements: { openBackfills, allBackfills, backfillsOf }, reader }) => {
      const ended = open === undefined ? 0 : 1;
      const rows =
        open === true
          ? openBackfills.iterate({ scheduleId })
          : scheduleId === null
            ? allBackfills.iterate({ ended })
            : backfillsOf.iterate({ scheduleId, ended });
      return reader.all(rows, backfillOf, limit);
    });
  }

  #read<T>(act: (ledger: Ledger, now: number) => T): Promise<T> {
    const ledger = this.opened();
    return ledger.read((now) => act(ledger, now));
  }

  #prune(
    range: OldRange,
    statementOf: (statements: LedgerStatements) => LedgerStatements["pruneOccurrences"],
  ): Promise<number> {
    const ledger = this.opened();
    const limit = Math.max(0, range.limit);
    return ledger.write(
      (now) => statementOf(ledger.statements).run({ before: now - range.olderThanMs, limit }).changes,
      () => false,
      limit,
    );
  }

  /** @param size how much it writes, in changes. */
  #write<T>(act: (statements: LedgerStatements) => T, size = 1): Promise<T> {
    const ledger = this.opened();
    return ledger.write(
      () => act(ledger.statements),
      () => true,
      size,
    );
  }
}

function planned({ statements, reader }: Ledger, until: number, limit: number, skip = 0): readonly Schedule[] {
  return reader.all(statements.plannedSchedules.iterate({ until, skip }), scheduleOf, limit);
}

/** False: it finds something else than what it is based upon, and nothing of it is done. */
function advance(statements: LedgerStatements, { schedule, backfill, insert, update }: ChangeRows): boolean {
  const { savepointOfChange, releaseChange, rollbackToChange } = statements;
  const { updateSchedule, updateBackfill, insertOccurrence, updateOccurrence } = statements;
  savepointOfChange.run();
  const isDone =
    (!schedule || updateSchedule.run(schedule).changes > 0) &&
    (!backfill || updateBackfill.run(backfill).changes > 0) &&
    insert.every((row) => insertOccurrence.write(row).changes > 0) &&
    update.every((row) => updateOccurrence.run(row).changes > 0);
  if (!isDone) rollbackToChange.run();
  releaseChange.run();
  return isDone;
}

/** Undefined: the run has not ended, or was made of no occurrence that is open. */
function endOf({ runs, statements }: Ledger, runId: string): EndedRun | undefined {
  const run = runs.get(runId)?.record.run;
  if (!run || !isFinished(run)) return undefined;
  const key = occurrenceOfRunKey(run.idempotencyKey);
  const row = key === undefined ? undefined : statements.occurrenceByKey.get({ key: sortableText(key) });
  const occurrence = row && occurrenceOf(row);
  return occurrence && isOpenOccurrence(occurrence.state) ? { occurrence, run } : undefined;
}

function isFinished(run: JobRun): run is FinishedRun {
  return isTerminal(run.status);
}
