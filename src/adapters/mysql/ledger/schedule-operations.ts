import { JobError } from "../../../model/job-error.js";
import type { ScheduleOperations } from "../../sql/ledger/schedule-operations.js";
import type { BackfillRow, OccurrenceRow, ScheduleRow } from "../../sql/ledger-schema.js";
import { LONGEST_KEY } from "./ledger-place.js";
import { isTaken } from "./mysql-failure.js";
import type { OperationParts, Within } from "./mysql-operations.js";
import { packets } from "./packets.js";
import { BACKFILL, OCCURRENCE, SCHEDULE } from "./schedule-statements.js";
import type { Statement } from "./statement.js";
import type { Rows } from "./writing-statements.js";

type Cells = Rows["rows"][number];

/** What the schedules of a ledger ask of MySQL. */
export function scheduleOperations({ statements, largest }: OperationParts, within: Within): ScheduleOperations {
  const { ask } = within;
  const run = <Given extends object, Row>(statement: Statement<Given, Row>, given: Given): Promise<readonly Row[]> =>
    within.do(async () => (await ask(statement, given)).rows);
  const send = async <Row = never>(
    statement: Statement<Rows, Row>,
    rows: readonly Cells[],
  ): Promise<readonly Row[]> => {
    const answers: Row[] = [];
    for (const some of packets(rows, largest(), (cells) => cells)) {
      answers.push(...(await ask(statement, { rows: some })).rows);
    }
    return answers;
  };
  /** All of the rows, or none of them: the key of one is taken. */
  const insert = (statement: Statement<Rows, never>, rows: readonly Cells[]): Promise<readonly Cells[]> =>
    within.do(async () => {
      try {
        await send(statement, rows);
        return rows;
      } catch (error) {
        if (isTaken(error)) return [];
        throw error;
      }
    });
  /** First locks what is as it must be, and then writes that. */
  const update = <Locked>(
    lock: Statement<Rows, Locked>,
    keyOf: (locked: Locked) => string,
    write: Statement<Rows, never>,
    rows: readonly { readonly key: string; readonly condition: Cells; readonly cells: Cells }[],
  ): Promise<readonly string[]> =>
    within.do(async () => {
      const locked = await send(
        lock,
        rows.map(({ condition }) => condition),
      );
      const keys = new Set(locked.map(keyOf));
      await send(
        write,
        rows.filter(({ key }) => keys.has(key)).map(({ cells }) => cells),
      );
      return [...keys];
    });
  const versioned = ({ id, version }: ScheduleRow | BackfillRow, cells: Cells) => {
    return { key: id, condition: [id, version], cells };
  };

  return {
    now: () => run(statements.now, {}),
    insertSchedule: (row) => insert(statements.insertSchedules, [scheduleCells(row)]),
    deleteSchedule: (given) =>
      within.do(async () => {
        const { affectedRows } = await ask(statements.deleteSchedule, given);
        return affectedRows > 0 ? [given] : [];
      }),
    schedulesById: ({ ids: keys }) => run(statements.schedulesById, { keys }),
    schedulesFrom: (given) => run(statements.schedulesFrom, given),
    dueSchedules: (given) => run(statements.dueSchedules, given),
    plannedSchedules: (given) => run(statements.plannedSchedules, given),

    updateSchedules: (rows) =>
      update(
        statements.lockSchedules,
        ({ id }) => id,
        statements.writeSchedules,
        rows.map((row) => versioned(row, scheduleCells(row))),
      ),
    updateBackfills: (rows) =>
      update(
        statements.lockBackfills,
        ({ id }) => id,
        statements.writeBackfills,
        rows.map((row) => versioned(row, backfillCells(row))),
      ),
    updateOccurrences: (rows) =>
      update(
        statements.lockOccurrences,
        (row) => row.occurrence_key,
        statements.writeOccurrences,
        rows.map((row) => {
          const key = row.occurrence_key;
          return { key, condition: [key, row.was], cells: occurrenceCells(row) };
        }),
      ),
    insertOccurrences: async (rows) => (await insert(statements.insertOccurrences, rows.map(occurrenceCells))).length,

    occurrencesByKey: (given) => run(statements.occurrencesByKey, given),
    occurrencesOf: (given) => run(statements.occurrencesOf, given),
    openOccurrences: ({ ids: keys }) => run(statements.openOccurrences, { keys }),
    occurrencesToStart: (given) => run(statements.occurrencesToStart, given),
    endedOccurrences: (given) => run(statements.endedOccurrences, given),
    runsById: ({ ids }) => run(statements.runsById, { keys: ids.filter(isWellFormed) }),
    pruneOccurrences: (given) =>
      within.do(async () => {
        const { rows } = await ask(statements.oldOccurrences, given);
        if (rows.length > 0) await ask(statements.deleteOccurrences, { keys: rows.map((row) => row.occurrence_key) });
        return rows.length;
      }),

    insertBackfill: (row) => insert(statements.insertBackfills, [backfillCells(row)]),
    pruneBackfills: (given) =>
      within.do(async () => {
        const { rows } = await ask(statements.oldBackfills, given);
        if (rows.length > 0) await ask(statements.deleteBackfills, { keys: rows.map(({ id }) => id) });
        return rows.length;
      }),
    backfillById: (given) => run(statements.backfillById, given),
    backfills: ({ open, ...given }) =>
      open === true
        ? run(statements.openBackfills, given)
        : run(statements.backfills, { ...given, ended: open === null ? 0 : 1 }),
  };
}

function scheduleCells(row: ScheduleRow): Cells {
  return namesOf(SCHEDULE).map((name) => checked(name, row[name]));
}

function occurrenceCells(row: OccurrenceRow): Cells {
  // No run has an id that is no text of Unicode; the body still holds it.
  const run_id = row.run_id !== null && isWellFormed(row.run_id) ? row.run_id : null;
  const storable = { ...row, run_id };
  return namesOf(OCCURRENCE).map((name) => checked(name, storable[name]));
}

function backfillCells(row: BackfillRow): Cells {
  return namesOf(BACKFILL).map((name) => checked(name, row[name]));
}

function namesOf<Types extends object>(types: Types): readonly (keyof Types & string)[] {
  return Object.keys(types) as (keyof Types & string)[];
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

// A server of the host's may cut what is too long, with no more than a warning.
function checked<Value extends string | number | null>(name: string, value: Value): Value {
  if (name === "body" || typeof value !== "string" || Buffer.byteLength(value) <= LONGEST_KEY) return value;
  throw new JobError("store_unavailable", {
    message: `The ${name} of a schedule's row has ${Buffer.byteLength(value)} bytes; a ledger in MySQL takes ${LONGEST_KEY}.`,
    hint: "Shorten the schedule's id.",
    retryable: false,
    nothingStored: true,
  });
}
