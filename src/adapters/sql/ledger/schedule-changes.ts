import type { ChangeRows } from "../schedule-rows.js";
import type { LedgerTransaction } from "./ledger-connections.js";
import type { ScheduleOperations } from "./schedule-operations.js";

/**
 * Carries out each change that finds what it is based upon, whole, and says which: a statement for all of one kind. Only
 * when one turns out to be divided, a part written and another not, all are taken back, and each half is tried again.
 */
export async function advanceSchedules(
  transaction: LedgerTransaction,
  changes: readonly ChangeRows[],
): Promise<readonly boolean[]> {
  const answers: boolean[] = [];
  for (const some of apartFromEachOther(changes)) answers.push(...(await carryOut(transaction, some)));
  return answers;
}

/** In their order; no two of a list are on the same thing, so that none depends on another one of its list. */
function apartFromEachOther(changes: readonly ChangeRows[]): readonly (readonly ChangeRows[])[] {
  const lists: ChangeRows[][] = [];
  let taken = new Set<string>();
  for (const change of changes) {
    const things = thingsIn(change);
    const list = lists.at(-1);
    if (list && !things.some((thing) => taken.has(thing))) list.push(change);
    else {
      lists.push([change]);
      taken = new Set();
    }
    for (const thing of things) taken.add(thing);
  }
  return lists;
}

function thingsIn({ schedule, backfill, insert, update }: ChangeRows): readonly string[] {
  return [
    ...(schedule ? [`schedule ${schedule.id}`] : []),
    ...(backfill ? [`backfill ${backfill.id}`] : []),
    ...[...insert, ...update].map((row) => `occurrence ${row.occurrence_key}`),
  ];
}

async function carryOut(transaction: LedgerTransaction, changes: readonly ChangeRows[]): Promise<readonly boolean[]> {
  try {
    return await transaction.apart(() => together(transaction.schedules, changes));
  } catch (error) {
    if (!(error instanceof DividedChange)) throw error;
  }
  if (changes.length === 1) return [false];
  const half = changes.length >> 1;
  const first = await carryOut(transaction, changes.slice(0, half));
  return [...first, ...(await carryOut(transaction, changes.slice(half)))];
}

async function together(schedules: ScheduleOperations, changes: readonly ChangeRows[]): Promise<readonly boolean[]> {
  const left = new Set(changes);
  const begun = new Set<ChangeRows>();

  /** Writes what changes have of one kind. One of which nothing was written yet, and nothing is now, is over. */
  const write = async <Row>(
    of: (change: ChangeRows) => readonly Row[],
    id: (row: Row) => string,
    update: (rows: readonly Row[]) => Promise<readonly string[]>,
  ): Promise<void> => {
    // Always in one order: who waits for one of them holds none that the other one waits for.
    const rows = [...left].flatMap(of).sort((one, other) => (id(one) < id(other) ? -1 : 1));
    if (rows.length === 0) return;
    const written = new Set(await update(rows));
    for (const change of [...left]) {
      const own = of(change);
      if (own.every((row) => written.has(id(row)))) {
        if (own.length > 0) begun.add(change);
      } else if (begun.has(change) || own.some((row) => written.has(id(row)))) throw new DividedChange();
      else left.delete(change);
    }
  };
  await write(
    ({ schedule }) => (schedule ? [schedule] : []),
    (row) => row.id,
    (rows) => schedules.updateSchedules(rows),
  );
  await write(
    ({ backfill }) => (backfill ? [backfill] : []),
    (row) => row.id,
    (rows) => schedules.updateBackfills(rows),
  );
  await write(
    ({ update }) => update,
    (row) => row.occurrence_key,
    (rows) => schedules.updateOccurrences(rows),
  );
  await write(
    ({ insert }) => insert,
    (row) => row.occurrence_key,
    async (rows) => {
      // Who was left out nobody says; that a key is taken is rare.
      if ((await schedules.insertOccurrences(rows)) < rows.length) throw new DividedChange();
      return rows.map((row) => row.occurrence_key);
    },
  );
  return changes.map((change) => left.has(change));
}

/** A part of a change was written and another one could not be: all that was written with it is taken back. */
class DividedChange extends Error {}
