import { columnsOf } from "../../sql/ledger/step-columns.js";
import type { ScheduleOperations } from "../../sql/ledger/schedule-operations.js";
import type { OccurrenceRow } from "../../sql/ledger-schema.js";
import { NUL, type Run } from "./postgres-operations.js";
import { BACKFILL, OCCURRENCE, SCHEDULE } from "./schedule-statements.js";
import type { Statements } from "./statements.js";

/** What the schedules of a ledger ask of Postgres, each in one statement. */
export function scheduleOperations(statements: Statements, run: Run): ScheduleOperations {
  return {
    now: () => run(statements.now, {}),
    insertSchedule: (row) => run(statements.insertSchedule, columnsOf([row], namesOf(SCHEDULE))),
    deleteSchedule: (given) => run(statements.deleteSchedule, given),
    schedulesById: (given) => run(statements.schedulesById, given),
    schedulesFrom: (given) => run(statements.schedulesFrom, given),
    dueSchedules: (given) => run(statements.dueSchedules, given),
    plannedSchedules: (given) => run(statements.plannedSchedules, given),

    updateSchedules: async (rows) => {
      const written = await run(statements.updateSchedules, columnsOf(rows, namesOf(SCHEDULE)));
      return written.map(({ id }) => id);
    },
    updateBackfills: async (rows) => {
      const written = await run(statements.updateBackfills, columnsOf(rows, namesOf(BACKFILL)));
      return written.map(({ id }) => id);
    },
    updateOccurrences: async (rows) => {
      const names = [...namesOf(OCCURRENCE), "was"] as const;
      const written = await run(statements.updateOccurrences, columnsOf(rows.map(storable), names));
      return written.map((row) => row.occurrence_key);
    },
    insertOccurrences: async (rows) => {
      const made = await run(statements.insertOccurrences, columnsOf(rows.map(storable), namesOf(OCCURRENCE)));
      return made.length;
    },

    occurrencesByKey: (given) => run(statements.occurrencesByKey, given),
    occurrencesOf: (given) => run(statements.occurrencesOf, given),
    openOccurrences: (given) => run(statements.openOccurrences, given),
    occurrencesToStart: (given) => run(statements.occurrencesToStart, given),
    endedOccurrences: (given) => run(statements.endedOccurrences, given),
    runsById: ({ ids }) => run(statements.runsById, { ids: ids.filter((id) => !id.includes(NUL)) }),
    pruneOccurrences: async (given) => (await run(statements.pruneOccurrences, given)).length,

    insertBackfill: (row) => run(statements.insertBackfill, columnsOf([row], namesOf(BACKFILL))),
    pruneBackfills: async (given) => (await run(statements.pruneBackfills, given)).length,
    backfillById: (given) => run(statements.backfillById, given),
    backfills: ({ open, ...given }) =>
      open === true
        ? run(statements.openBackfills, given)
        : run(statements.backfills, { ...given, ended: open === false }),
  };
}

/** No run has an id with it, which the body still holds. */
function storable<Row extends OccurrenceRow>(row: Row): Row {
  return row.run_id?.includes(NUL) === true ? { ...row, run_id: null } : row;
}

function namesOf<Types extends object>(types: Types): readonly (keyof Types & string)[] {
  return Object.keys(types) as (keyof Types & string)[];
}
