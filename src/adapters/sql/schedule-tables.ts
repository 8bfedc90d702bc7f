import type { LedgerDialect } from "./ledger-migrations.js";
import type { LedgerTables } from "./ledger-schema.js";

interface Index {
  readonly on: string;
  /** The rows that are looked for by it. */
  readonly where?: string;
}

/** The tables of schedules, their occurrences and backfills. */
export function scheduleTables(
  dialect: LedgerDialect,
  { schedules, occurrences, backfills }: LedgerTables,
): readonly string[] {
  const { integer, text = "text", key = text, body = "text" } = dialect;
  return [
    ...table(
      dialect,
      schedules,
      [
        `id ${key} not null primary key`,
        `version ${integer} not null`,
        `state ${key} not null`,
        `due_at ${integer}`,
        `body ${body} not null`,
      ],
      { due: { on: "state, due_at, id", where: "state = 'active' and due_at is not null" } },
    ),
    ...table(
      dialect,
      occurrences,
      [
        `occurrence_key ${key} not null primary key`,
        `schedule_id ${key} not null`,
        `nominal_at ${integer} not null`,
        `state ${key} not null`,
        `run_id ${key}`,
        `ended_at ${integer}`,
        `body ${body} not null`,
      ],
      {
        listed: { on: "schedule_id, nominal_at desc, occurrence_key" },
        open: { on: "schedule_id, state", where: OPEN },
        // Of all schedules: what is yet to be submitted, and what waits for the end of its run.
        under_way: { on: "state, nominal_at, occurrence_key", where: "state = 'scheduled' or state = 'started'" },
        ended: { on: "ended_at, occurrence_key", where: "ended_at is not null" },
      },
    ),
    ...table(
      dialect,
      backfills,
      [
        `id ${key} not null primary key`,
        `schedule_id ${key} not null`,
        `version ${integer} not null`,
        `created_at ${integer} not null`,
        `ended_at ${integer}`,
        `body ${body} not null`,
      ],
      {
        open: { on: "ended_at, created_at, id", where: "ended_at is null" },
        ended: { on: "ended_at, id", where: "ended_at is not null" },
        listed: { on: "schedule_id, created_at, id" },
      },
    ),
  ];
}

/** As `isOpenOccurrence`, word for word in statements too: SQLite takes a partial index for the same words only. */
export const OPEN = "state = 'scheduled' or state = 'buffered' or state = 'started'";

function table(
  { commitsTables = false, afterOthers }: LedgerDialect,
  name: string,
  columns: readonly string[],
  indexes: Readonly<Record<string, Index>>,
): readonly string[] {
  const all = Object.entries(indexes);
  // Whoever begins again would make an index of its own a second time. Databases of this kind have no partial ones.
  const within = commitsTables ? all.map(([index, { on }]) => `key \`${index}\` (${on})`) : [];
  const apart = commitsTables
    ? []
    : all.map(([index, { on, where }]) => {
        return `create index ${name}_${index} on ${name} (${on})${where === undefined ? "" : ` where ${where}`}`;
      });
  const create = commitsTables ? "create table if not exists" : "create table";
  return [`${create} ${name} (\n  ${[...columns, ...within].join(",\n  ")}\n)${afterOthers}`, ...apart];
}
